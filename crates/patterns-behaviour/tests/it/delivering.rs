//! What becomes of deliveries when nothing goes wrong.

use std::sync::Arc;
use testing::{ms, quiet, secs, settle};

use crate::support::{
    Deed, Parcel, Port, Scripted, assert_lawful, config, let_pass, one_port, ports,
};

#[tokio::test(start_paused = true)]
async fn a_delivery_is_reported_with_what_the_implementation_returned() {
    let (ports, _) = one_port(config()).await;
    let delivered = ports.deliver("a", Parcel::new(7, &[])).await.unwrap();
    assert_eq!(
        (
            &*delivered.implementation,
            delivered.value,
            delivered.attempts
        ),
        ("a", 7, 1)
    );
    let ticket = ports.send("a", Parcel::new(8, &[])).unwrap();
    assert_eq!(&**ticket.implementation(), "a");
    assert_eq!(ticket.await.unwrap().value, 8);
    assert_lawful(&ports);
}

#[tokio::test(start_paused = true)]
async fn one_worker_keeps_the_order_also_over_retries() {
    let (ports, port) = one_port(config()).await;
    let deeds = [
        &[Deed::Take(5)][..],
        &[Deed::Fail, Deed::Take(1)],
        &[],
        &[Deed::Hang],
        &[Deed::Fail],
    ];
    let tickets: Vec<_> = (0..20)
        .map(|id| {
            ports
                .send("a", Parcel::new(id, deeds[id % deeds.len()]))
                .unwrap()
        })
        .collect();
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(*port.done.lock().unwrap(), (0..20).collect::<Vec<_>>());
    assert_eq!(
        port.most_at_once.load(std::sync::atomic::Ordering::SeqCst),
        1
    );
}

#[tokio::test(start_paused = true)]
async fn several_workers_are_as_many_at_the_same_time_and_no_more() {
    let (ports, port) = one_port(patterns_behaviour::DispatcherConfig {
        workers: 3,
        ..config()
    })
    .await;
    let tickets: Vec<_> = (0..12)
        .map(|id| ports.send("a", Parcel::new(id, &[Deed::Take(10)])).unwrap())
        .collect();
    settle().await;
    let info = ports.info();
    assert_eq!(
        (
            info.routes[0].workers,
            info.routes[0].stats.under_way,
            info.routes[0].stats.waiting
        ),
        (3, 3, 9)
    );
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(
        port.most_at_once.load(std::sync::atomic::Ordering::SeqCst),
        3
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_failing_panicking_or_dying_one_stops_none_of_the_others() {
    quiet();
    let ports = ports(config()).await;
    let names = ["hangs", "fails", "panics", "dies", "works"];
    for name in names {
        ports.add(name, Arc::new(Scripted::default())).unwrap();
    }
    for round in 0..50 {
        for (name, deed) in names.iter().zip([
            Deed::Hang,
            Deed::Fail,
            Deed::Panic,
            Deed::Die,
            Deed::Succeed,
        ]) {
            ports.send(name, Parcel::new(round, &[deed; 5])).unwrap();
        }
    }
    settle().await;
    let info = ports.info();
    let works = &info.routes[4];
    assert_eq!(
        (&*works.name, works.stats.delivered),
        ("works", 50),
        "without any time having passed"
    );
    assert!(
        info.routes[..4]
            .iter()
            .all(|route| route.stats.delivered == 0)
    );
    let_pass(secs(5 * 60 * 50)).await;
    for route in ports.info().routes {
        let stats = route.stats;
        assert_eq!(stats.delivered + stats.exhausted, 50, "{route:?}");
    }
    assert_lawful(&ports);
}

#[tokio::test(start_paused = true)]
async fn a_message_to_all_goes_to_each_that_has_room() {
    let ports = ports(patterns_behaviour::DispatcherConfig {
        max_waiting: 1,
        ..config()
    })
    .await;
    let made: Vec<Arc<Scripted>> = ["z", "m", "a"]
        .into_iter()
        .map(|name| {
            let port = Arc::new(Scripted::default());
            ports.add(name, Arc::clone(&port) as Arc<dyn Port>).unwrap();
            port
        })
        .collect();
    settle().await;
    // `m` is busy, and one waits for it.
    ports.send("m", Parcel::new(1, &[Deed::Take(100)])).unwrap();
    settle().await;
    ports.send("m", Parcel::new(2, &[])).unwrap();
    let sent = ports.send_all(&Parcel::new(3, &[]));
    let seen: Vec<_> = sent
        .iter()
        .map(|(name, sent)| (&**name, sent.is_ok()))
        .collect();
    assert_eq!(seen, [("z", true), ("m", false), ("a", true)]);
    let_pass(ms(100)).await;
    assert_eq!(*made[0].done.lock().unwrap(), [3]);
    assert_eq!(*made[1].done.lock().unwrap(), [1, 2]);
    assert_eq!(*made[2].done.lock().unwrap(), [3]);
}

#[tokio::test(start_paused = true)]
async fn an_implementation_may_use_its_dispatcher() {
    use patterns_behaviour::{BoxFuture, Dispatcher, DispatcherConfig};
    use std::sync::OnceLock;
    type Chain = Dispatcher<dyn Link, u32, u32, String>;
    trait Link: Send + Sync {
        fn pass(&self, left: u32) -> BoxFuture<'_, Result<u32, String>>;
    }
    struct Next(&'static str, Arc<OnceLock<Chain>>);
    impl Link for Next {
        fn pass(&self, left: u32) -> BoxFuture<'_, Result<u32, String>> {
            Box::pin(async move {
                let Some(left) = left.checked_sub(1) else {
                    return Ok(0);
                };
                let chain = self.1.get().ok_or("no chain")?;
                let passed = chain
                    .deliver(self.0, left)
                    .await
                    .map_err(|error| error.to_string())?;
                assert!(chain.stats().accepted > 0);
                Ok(passed.value + 1)
            })
        }
    }
    let known = Arc::new(OnceLock::new());
    let chain: Chain = Dispatcher::start(
        DispatcherConfig {
            workers: 8,
            ..DispatcherConfig::default()
        },
        |link: &Arc<dyn Link>, left: &u32| link.pass(*left),
    )
    .await
    .unwrap();
    chain
        .add("ping", Arc::new(Next("pong", Arc::clone(&known))))
        .unwrap();
    chain
        .add("pong", Arc::new(Next("ping", Arc::clone(&known))))
        .unwrap();
    let _ = known.set(chain.clone());
    assert_eq!(chain.deliver("ping", 9).await.unwrap().value, 9);
}

#[tokio::test(start_paused = true)]
async fn implementations_that_never_wait_let_others_run() {
    let (ports, _) = one_port(patterns_behaviour::DispatcherConfig {
        max_waiting: usize::MAX,
        ..config()
    })
    .await;
    settle().await;
    for id in 0..10_000 {
        ports.send("a", Parcel::new(id, &[])).unwrap();
    }
    tokio::task::yield_now().await;
    let delivered = ports.stats().delivered;
    assert!(delivered > 0 && delivered < 10_000, "{delivered}");
}
