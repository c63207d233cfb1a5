//! What happens when an attempt fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use patterns_behaviour::{Backoff, DispatcherConfig, Failure, GaveUp, Route};
use testing::{ms, quiet, secs, settle};
use tokio::time::Instant;

use crate::support::{
    Deed, Parcel, Port, Scripted, assert_lawful, config, let_pass, one_port, ports,
};

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_made_again_until_it_succeeds() {
    let (ports, _) = one_port(config()).await;
    let begun = Instant::now();
    let deeds = [Deed::Fail, Deed::Fail, Deed::Fail, Deed::Fail];
    let delivered = ports.deliver("a", Parcel::new(1, &deeds)).await.unwrap();
    assert_eq!((delivered.attempts, begun.elapsed()), (5, ms(40)));
    let stats = ports.stats();
    assert_eq!((stats.attempts, stats.failed, stats.delivered), (5, 4, 1));
}

#[tokio::test(start_paused = true)]
async fn after_the_last_attempt_the_message_comes_back_with_the_last_error() {
    let (ports, _) = one_port(DispatcherConfig {
        max_attempts: 3,
        ..config()
    })
    .await;
    let letter = ports
        .send("a", Parcel::new(9, &[Deed::Panic, Deed::Hang, Deed::Fail]))
        .unwrap();
    let letter = letter.await.unwrap_err();
    assert_eq!(
        (letter.attempts, letter.gave_up, letter.message.id),
        (3, GaveUp::Exhausted, 9)
    );
    assert_eq!(letter.failure.unwrap().error().unwrap(), "no 9");
    assert_eq!(ports.stats().exhausted, 1);
    assert_lawful(&ports);
}

#[tokio::test(start_paused = true)]
async fn one_attempt_is_one_attempt() {
    for deed in [Deed::Fail, Deed::Panic, Deed::Hang, Deed::Die] {
        quiet();
        let (ports, port) = one_port(DispatcherConfig {
            max_attempts: 1,
            ..config()
        })
        .await;
        let letter = ports
            .send("a", Parcel::new(1, &[deed]))
            .unwrap()
            .await
            .unwrap_err();
        assert_eq!(
            (letter.attempts, letter.gave_up),
            (1, GaveUp::Exhausted),
            "{deed:?}"
        );
        assert_eq!(port.begun.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn rests_grow_as_the_backoff_says() {
    let backoff = Backoff::exponential(ms(100), ms(500));
    let (ports, _) = one_port(DispatcherConfig {
        backoff,
        ..config()
    })
    .await;
    let begun = Instant::now();
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Fail; 5]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!(
        (letter.attempts, begun.elapsed()),
        (5, ms(100 + 200 + 400 + 500))
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_limit_it_goes_on() {
    let (ports, _) = one_port(DispatcherConfig {
        max_attempts: u32::MAX,
        backoff: Backoff::constant(Duration::ZERO),
        ..config()
    })
    .await;
    let delivered = ports
        .deliver("a", Parcel::new(1, &[Deed::Fail; 5_000]))
        .await
        .unwrap();
    assert_eq!(delivered.attempts, 5_001);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_dropped() {
    let (ports, port) = one_port(DispatcherConfig {
        attempt_timeout: ms(50),
        ..config()
    })
    .await;
    let begun = Instant::now();
    let delivered = ports
        .deliver(
            "a",
            Parcel::new(1, &[Deed::Hang, Deed::Take(51), Deed::Take(49)]),
        )
        .await
        .unwrap();
    assert_eq!(
        (delivered.attempts, begun.elapsed()),
        (3, ms(50 + 10 + 50 + 10 + 49))
    );
    assert_eq!(*port.done.lock().unwrap(), [1]);
    assert_eq!(ports.stats().timed_out, 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_time_limit_an_attempt_may_take_for_ever() {
    let (ports, _) = one_port(DispatcherConfig {
        attempt_timeout: Duration::MAX,
        ..config()
    })
    .await;
    let year = 365 * 86_400;
    let delivered = ports
        .deliver("a", Parcel::new(1, &[Deed::Take(year * 1_000)]))
        .await
        .unwrap();
    assert_eq!(delivered.attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_delivery_has_a_time_for_everything_together() {
    let limited = DispatcherConfig {
        delivery_timeout: ms(100),
        attempt_timeout: ms(60),
        ..config()
    };
    // The second attempt is cut short by what is left of the whole.
    let (ports, _) = one_port(limited.clone()).await;
    let begun = Instant::now();
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Hang; 5]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!(
        (letter.attempts, letter.gave_up, begun.elapsed()),
        (2, GaveUp::NoTime, ms(100))
    );
    assert!(matches!(letter.failure, Some(Failure::Timeout)));
    // A rest that does not fit is not taken.
    let rests = DispatcherConfig {
        backoff: Backoff::constant(ms(99)),
        ..limited.clone()
    };
    let (ports, _) = one_port(rests).await;
    let begun = Instant::now();
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Take(1), Deed::Fail]))
        .unwrap();
    assert!(letter.await.is_ok());
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Fail; 5]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!(
        (letter.attempts, letter.gave_up, begun.elapsed()),
        (2, GaveUp::NoTime, ms(1 + 99))
    );
    // Waiting counts: one that comes to its turn too late is not attempted.
    let (ports, port) = one_port(DispatcherConfig {
        attempt_timeout: secs(1),
        ..limited
    })
    .await;
    let first = ports.send("a", Parcel::new(1, &[Deed::Hang])).unwrap();
    let second = ports.send("a", Parcel::new(2, &[])).unwrap();
    assert_eq!(first.await.unwrap_err().gave_up, GaveUp::NoTime);
    let letter = second.await.unwrap_err();
    assert_eq!((letter.attempts, letter.gave_up), (0, GaveUp::NoTime));
    assert!(letter.failure.is_none());
    assert_eq!(*port.begun.lock().unwrap(), [1]);
    assert_eq!(ports.stats().no_time, 2);
}

#[tokio::test(start_paused = true)]
async fn a_rest_of_centuries_is_one_of_decades_and_can_be_stopped() {
    let (ports, _) = one_port(DispatcherConfig {
        backoff: Backoff::constant(Duration::MAX),
        drain_timeout: Duration::ZERO,
        ..config()
    })
    .await;
    let ticket = ports.send("a", Parcel::new(1, &[Deed::Fail])).unwrap();
    settle().await;
    assert_eq!(ports.stats().under_way, 1);
    ports.stop().await.unwrap();
    let letter = ticket.await.unwrap_err();
    assert_eq!((letter.attempts, letter.gave_up), (1, GaveUp::Stopped));
}

#[tokio::test(start_paused = true)]
async fn an_implementation_that_cannot_be_made_is_tried_again() {
    let ports = ports(config()).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tries);
    let route = Route::made_by(move || match seen.fetch_add(1, Ordering::SeqCst) {
        0 => Err("not yet"),
        1 => Err("in a moment"),
        _ => Ok(Arc::new(Scripted::default()) as Arc<dyn Port>),
    });
    ports.add_route("late", route).unwrap();
    settle().await;
    assert_eq!(
        tries.load(Ordering::SeqCst),
        0,
        "it is made for the first delivery"
    );
    let delivered = ports.deliver("late", Parcel::new(1, &[])).await.unwrap();
    assert_eq!(delivered.attempts, 3);
    ports
        .deliver("late", Parcel::new(2, &[Deed::Fail]))
        .await
        .unwrap();
    assert_eq!(
        tries.load(Ordering::SeqCst),
        3,
        "a failure is no reason to make another one"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_can_never_be_made_says_why() {
    let ports = ports(DispatcherConfig {
        max_attempts: 2,
        ..config()
    })
    .await;
    ports
        .add_route(
            "never",
            Route::made_by(|| Err::<Arc<dyn Port>, _>("no such host")),
        )
        .unwrap();
    let letter = ports
        .send("never", Parcel::new(1, &[]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!(
        letter.to_string(),
        "`never` failed after 2 attempts: could not be made: no such host"
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_has_options_of_its_own() {
    let ports = ports(config()).await;
    let patient = DispatcherConfig {
        max_attempts: 7,
        ..config()
    };
    ports
        .add_route(
            "patient",
            Route::to(Arc::new(Scripted::default()) as Arc<dyn Port>).config(patient),
        )
        .unwrap();
    ports.add("usual", Arc::new(Scripted::default())).unwrap();
    let tickets = ports.send_all(&Parcel::new(1, &[Deed::Fail; 9]));
    let mut attempts = Vec::new();
    for (_, ticket) in tickets {
        attempts.push(ticket.unwrap().await.unwrap_err().attempts);
    }
    assert_eq!(attempts, [7, 5]);
}

#[tokio::test(start_paused = true)]
async fn a_rest_that_a_kill_breaks_off_is_taken_to_its_end() {
    let (ports, port) = one_port(DispatcherConfig {
        backoff: Backoff::constant(ms(100)),
        ..config()
    })
    .await;
    let ticket = ports.send("a", Parcel::new(1, &[Deed::Fail])).unwrap();
    settle().await;
    let_pass(ms(30)).await;
    port.pid.lock().unwrap().take().unwrap().kill();
    settle().await;
    assert_eq!(ports.stats().interrupted, 0, "no attempt was being made");
    let_pass(ms(69)).await;
    assert_eq!(port.begun.lock().unwrap().len(), 1);
    let_pass(ms(1)).await;
    assert_eq!(ticket.await.unwrap().attempts, 2);
}
