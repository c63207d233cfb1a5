//! Panics and kills: of implementations, factories, futures and processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_behaviour::{DispatcherConfig, Failure, GaveUp, Route};
use testing::{quiet, settle};

use crate::support::{
    Census, Deed, Parcel, Port, Scripted, assert_lawful, config, one_port, ports,
};

#[tokio::test(start_paused = true)]
async fn a_panic_ends_the_process_and_the_next_one_goes_on_with_the_same_delivery() {
    quiet();
    let (ports, port) = one_port(config()).await;
    ports.deliver("a", Parcel::new(0, &[])).await.unwrap();
    let before = port.pid.lock().unwrap().clone().unwrap();
    let one = ports
        .send("a", Parcel::new(1, &[Deed::Panic, Deed::Panic]))
        .unwrap();
    let two = ports.send("a", Parcel::new(2, &[])).unwrap();
    assert_eq!(one.await.unwrap().attempts, 3);
    assert_eq!(two.await.unwrap().attempts, 1);
    assert_eq!(*port.begun.lock().unwrap(), [0, 1, 1, 1, 2]);
    let after = port.pid.lock().unwrap().clone().unwrap();
    assert!(before != after && !before.is_alive());
    assert_eq!(ports.stats().panicked, 2);
    assert_lawful(&ports);
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_told_with_its_message() {
    quiet();
    let (ports, _) = one_port(DispatcherConfig {
        max_attempts: 2,
        ..config()
    })
    .await;
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Panic; 2]))
        .unwrap()
        .await
        .unwrap_err();
    assert!(matches!(&letter.failure, Some(Failure::Panicked(message)) if &**message == "as told"));
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_gives_its_delivery_back_and_the_attempt_counts() {
    let (ports, port) = one_port(DispatcherConfig {
        max_attempts: 3,
        ..config()
    })
    .await;
    let one = ports.send("a", Parcel::new(1, &[Deed::Die])).unwrap();
    let two = ports.send("a", Parcel::new(2, &[Deed::Die; 3])).unwrap();
    let three = ports.send("a", Parcel::new(3, &[])).unwrap();
    assert_eq!(one.await.unwrap().attempts, 2);
    let letter = two.await.unwrap_err();
    assert_eq!((letter.attempts, letter.gave_up), (3, GaveUp::Exhausted));
    assert!(matches!(letter.failure, Some(Failure::Interrupted)));
    assert_eq!(three.await.unwrap().attempts, 1);
    assert_eq!(*port.begun.lock().unwrap(), [1, 1, 2, 2, 2, 3]);
    assert_eq!(ports.stats().interrupted, 4);
}

#[tokio::test(start_paused = true)]
async fn an_implementation_is_made_anew_after_a_crash_and_only_then() {
    quiet();
    let ports = ports(config()).await;
    let (made, alive) = (Arc::new(AtomicUsize::new(0)), Census::default());
    struct Counted(Scripted, Census);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.1.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    impl Port for Counted {
        fn put<'a>(
            &'a self,
            parcel: &'a Parcel,
        ) -> patterns_behaviour::BoxFuture<'a, Result<usize, String>> {
            self.0.put(parcel)
        }
    }
    let (count, census) = (Arc::clone(&made), alive.clone());
    let route = Route::made_by(move || {
        count.fetch_add(1, Ordering::SeqCst);
        census.0.fetch_add(1, Ordering::SeqCst);
        Ok::<_, String>(Arc::new(Counted(Scripted::default(), census.clone())) as Arc<dyn Port>)
    });
    ports.add_route("made", route).unwrap();
    for (deeds, expected) in [
        (&[][..], 1),
        (&[Deed::Fail], 1),
        (&[Deed::Hang], 1),
        (&[Deed::Panic], 2),
        (&[Deed::Die], 3),
    ] {
        ports.deliver("made", Parcel::new(1, deeds)).await.unwrap();
        assert_eq!(
            (made.load(Ordering::SeqCst), alive.alive()),
            (expected, 1),
            "{deeds:?}"
        );
    }
    ports.stop().await.unwrap();
    assert_eq!(alive.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_is_a_failed_attempt() {
    quiet();
    let ports = ports(config()).await;
    let tries = AtomicUsize::new(0);
    let route = Route::made_by(move || {
        assert!(tries.fetch_add(1, Ordering::SeqCst) >= 2, "as told");
        Ok::<_, String>(Arc::new(Scripted::default()) as Arc<dyn Port>)
    });
    ports.add_route("made", route).unwrap();
    assert_eq!(
        ports
            .deliver("made", Parcel::new(1, &[]))
            .await
            .unwrap()
            .attempts,
        3
    );
}

#[tokio::test(start_paused = true)]
async fn what_an_implementation_said_counts_though_its_future_panics_when_dropped() {
    quiet();
    let (ports, port) = one_port(config()).await;
    let delivered = ports
        .deliver("a", Parcel::new(1, &[Deed::PanicInDrop]))
        .await
        .unwrap();
    assert_eq!(delivered.attempts, 1);
    assert_eq!(
        ports.deliver("a", Parcel::new(2, &[])).await.unwrap().value,
        2
    );
    assert_eq!(*port.done.lock().unwrap(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn however_often_one_crashes_the_dispatcher_lives() {
    quiet();
    let (ports, _) = one_port(DispatcherConfig {
        max_attempts: 1,
        ..config()
    })
    .await;
    ports.add("other", Arc::new(Scripted::default())).unwrap();
    let tickets: Vec<_> = (0..500)
        .map(|id| ports.send("a", Parcel::new(id, &[Deed::Panic])).unwrap())
        .collect();
    for ticket in tickets {
        assert_eq!(ticket.await.unwrap_err().gave_up, GaveUp::Exhausted);
    }
    assert!(ports.info().is_running);
    ports.deliver("other", Parcel::new(1, &[])).await.unwrap();
    assert_eq!(ports.stats().panicked, 500);
}

#[tokio::test(start_paused = true)]
async fn a_killed_dispatcher_of_its_own_reports_what_it_had() {
    let (ports, _) = one_port(config()).await;
    let tickets: Vec<_> = (0..5)
        .map(|id| ports.send("a", Parcel::new(id, &[Deed::Hang])).unwrap())
        .collect();
    settle().await;
    ports.pid().unwrap().kill();
    settle().await;
    for (id, ticket) in tickets.into_iter().enumerate() {
        let letter = ticket.await.unwrap_err();
        assert_eq!((letter.message.id, letter.gave_up), (id, GaveUp::Stopped));
    }
    let error = ports.send("a", Parcel::new(9, &[])).unwrap_err();
    assert_eq!(error.to_string(), "no more deliveries are accepted");
    assert_eq!(error.into_message().id, 9);
    assert_lawful(&ports);
    assert!(!ports.info().is_running);
}

#[test]
fn a_runtime_that_is_dropped_loses_no_report() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let (ports, tickets) = runtime.block_on(async {
        let (ports, _) = one_port(config()).await;
        let tickets: Vec<_> = (0..5)
            .map(|id| ports.send("a", Parcel::new(id, &[Deed::Hang])).unwrap())
            .collect();
        settle().await;
        (ports, tickets)
    });
    drop(runtime);
    let other = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for ticket in tickets {
        let letter = other.block_on(ticket).unwrap_err();
        assert_eq!(letter.gave_up, GaveUp::Stopped);
    }
    assert_lawful(&ports);
    assert_eq!(ports.stats().stopped, 5);
}
