//! Adding, replacing and removing while deliveries go on.

use std::sync::Arc;
use std::time::Duration;

use patterns_behaviour::{AddError, DispatcherConfig, GaveUp, Route, SendError};
use testing::{ms, secs, settle};
use tokio::time::Instant;

use crate::support::{
    Deed, Parcel, Port, Scripted, assert_lawful, config, let_pass, one_port, ports,
};

fn port() -> Arc<dyn Port> {
    Arc::new(Scripted::default())
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_once_and_what_is_refused_comes_back() {
    let ports = ports(config()).await;
    ports.add("a", port()).unwrap();
    let refused = port();
    let error = ports.add("a", Arc::clone(&refused)).unwrap_err();
    assert_eq!(error.to_string(), "the name `a` is taken");
    assert!(Arc::ptr_eq(&error.into_refused(), &refused));
    let route = Route::to(Arc::clone(&refused));
    assert!(matches!(
        ports.add_route("a", route),
        Err(AddError::Duplicate(_))
    ));
    assert_eq!(ports.names(), [Arc::from("a")]);
}

#[tokio::test(start_paused = true)]
async fn names_are_listed_in_the_order_in_which_they_were_added() {
    let ports = ports(config()).await;
    for name in ["tcp", "console", "", "file#2", "file"] {
        ports.add(name, port()).unwrap();
    }
    assert_eq!(
        ports.names().iter().map(|name| &**name).collect::<Vec<_>>(),
        ["tcp", "console", "", "file#2", "file"]
    );
    for name in ports.names() {
        ports.deliver(&name, Parcel::new(1, &[])).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_look_like_those_of_workers_do_not_collide() {
    let ports = ports(DispatcherConfig {
        workers: 3,
        ..config()
    })
    .await;
    let single = || DispatcherConfig {
        workers: 1,
        ..config()
    };
    for name in ["a", "a#1", "a#1#1", "#", "##"] {
        ports.add(name, port()).unwrap();
    }
    for name in ["b", "a#2", "a#3", "a#1#2", "#1", "b#1"] {
        ports
            .add_route(name, Route::to(port()).config(single()))
            .unwrap();
    }
    for name in ports.names() {
        ports.deliver(&name, Parcel::new(1, &[])).await.unwrap();
    }
    settle().await;
    let workers: Vec<_> = ports
        .info()
        .routes
        .iter()
        .map(|route| route.workers)
        .collect();
    assert_eq!(workers, [3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_removed_one_works_off_what_it_had_accepted() {
    let (ports, port) = one_port(config()).await;
    ports.add("b", self::port()).unwrap();
    let tickets: Vec<_> = (0..5)
        .map(|id| {
            ports
                .send("a", Parcel::new(id, &[Deed::Take(100)]))
                .unwrap()
        })
        .collect();
    settle().await;
    let begun = Instant::now();
    ports.remove("a").await.unwrap();
    assert_eq!(begun.elapsed(), ms(500));
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(*port.done.lock().unwrap(), [0, 1, 2, 3, 4]);
    assert!(!port.pid.lock().unwrap().clone().unwrap().is_alive());
    assert_eq!(ports.names(), [Arc::from("b")]);
    let error = ports.send("a", Parcel::new(9, &[])).unwrap_err();
    assert_eq!(error.to_string(), "there is no `a`; there are: b");
    assert!(matches!(error, SendError::Unknown { .. }));
    assert_eq!(
        ports.stats().delivered,
        5,
        "what it had counted stays in the sum"
    );
    // The name is free.
    ports.add("a", self::port()).unwrap();
    ports.deliver("a", Parcel::new(1, &[])).await.unwrap();
    assert_eq!(ports.stats().delivered, 6);
}

#[tokio::test(start_paused = true)]
async fn while_it_is_being_removed_it_accepts_nothing_and_its_name_is_taken() {
    let (ports, _) = one_port(config()).await;
    ports.send("a", Parcel::new(1, &[Deed::Take(100)])).unwrap();
    settle().await;
    let other = ports.clone();
    let removal = tokio::spawn(async move { other.remove("a").await });
    settle().await;
    assert!(matches!(
        ports.send("a", Parcel::new(2, &[])),
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        ports.add("a", port()),
        Err(AddError::Duplicate(_))
    ));
    assert!(!ports.info().routes[0].is_open);
    // A second removal waits for the same.
    ports.remove("a").await.unwrap();
    removal.await.unwrap().unwrap();
    assert!(ports.remove("a").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_is_left_after_the_drain_timeout_are_dead_letters() {
    let (ports, _) = one_port(DispatcherConfig {
        drain_timeout: ms(150),
        ..config()
    })
    .await;
    let tickets: Vec<_> = (0..4)
        .map(|id| {
            ports
                .send("a", Parcel::new(id, &[Deed::Take(100)]))
                .unwrap()
        })
        .collect();
    settle().await;
    ports.remove("a").await.unwrap();
    let mut ends = Vec::new();
    for ticket in tickets {
        ends.push(
            ticket
                .await
                .map_err(|letter| (letter.attempts, letter.gave_up))
                .map(|done| done.value),
        );
    }
    assert_eq!(
        ends,
        [
            Ok(0),
            Err((1, GaveUp::Stopped)),
            Err((0, GaveUp::Stopped)),
            Err((0, GaveUp::Stopped))
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_timeout_of_zero_drops_at_once_and_the_greatest_waits() {
    for (drain_timeout, delivered) in [(Duration::ZERO, false), (Duration::MAX, true)] {
        let (ports, _) = one_port(DispatcherConfig {
            drain_timeout,
            attempt_timeout: Duration::MAX,
            ..config()
        })
        .await;
        let ticket = ports
            .send("a", Parcel::new(1, &[Deed::Take(86_400_000)]))
            .unwrap();
        settle().await;
        ports.remove("a").await.unwrap();
        assert_eq!(ticket.await.is_ok(), delivered);
    }
}

#[tokio::test(start_paused = true)]
async fn others_go_on_while_one_is_removed() {
    let (ports, _) = one_port(config()).await;
    ports.add("b", port()).unwrap();
    ports.send("a", Parcel::new(1, &[Deed::Hang])).unwrap();
    settle().await;
    let other = ports.clone();
    let removal = tokio::spawn(async move { other.remove("a").await });
    settle().await;
    ports.add("c", port()).unwrap();
    ports.deliver("b", Parcel::new(1, &[])).await.unwrap();
    ports.deliver("c", Parcel::new(1, &[])).await.unwrap();
    assert!(!removal.is_finished());
    removal.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replaced_one_loses_nothing_and_the_next_attempt_is_the_new_ones() {
    let (ports, before) = one_port(config()).await;
    let tickets: Vec<_> = (0..3)
        .map(|id| {
            ports
                .send("a", Parcel::new(id, &[Deed::Fail, Deed::Succeed]))
                .unwrap()
        })
        .collect();
    settle().await;
    let after = Arc::new(Scripted::default());
    ports
        .replace("a", Arc::clone(&after) as Arc<dyn Port>)
        .unwrap();
    for ticket in tickets {
        assert_eq!(ticket.await.unwrap().attempts, 2);
    }
    assert_eq!(
        (
            before.begun.lock().unwrap().clone(),
            after.begun.lock().unwrap().clone()
        ),
        (vec![0], vec![0, 1, 1, 2, 2])
    );
    assert_eq!(Arc::strong_count(&before), 1, "nobody keeps the old one");
    assert_eq!(
        ports.replace("b", port()).unwrap_err().to_string(),
        "there is no `b`; there are: a"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_removes_itself_waits_for_the_drain_timeout_and_no_longer() {
    use patterns_behaviour::{BoxFuture, Dispatcher};
    use std::sync::OnceLock;
    type Own = Dispatcher<dyn Leaves, (), (), String>;
    trait Leaves: Send + Sync {
        fn go(&self) -> BoxFuture<'_, Result<(), String>>;
    }
    struct It(Arc<OnceLock<Own>>);
    impl Leaves for It {
        fn go(&self) -> BoxFuture<'_, Result<(), String>> {
            Box::pin(async move {
                self.0
                    .get()
                    .unwrap()
                    .remove("it")
                    .await
                    .map_err(|error| error.to_string())
            })
        }
    }
    let known = Arc::new(OnceLock::new());
    let config = DispatcherConfig {
        attempt_timeout: Duration::MAX,
        ..config()
    };
    let own: Own = Dispatcher::start(config, |it: &Arc<dyn Leaves>, (): &()| it.go())
        .await
        .unwrap();
    own.add("it", Arc::new(It(Arc::clone(&known)))).unwrap();
    let _ = known.set(own.clone());
    let ticket = own.send("it", ()).unwrap();
    let_pass(secs(6)).await;
    assert_eq!(ticket.await.unwrap_err().gave_up, GaveUp::Stopped);
    assert!(own.names().is_empty());
    assert_lawful(&own);
}
