//! The bounded queue in front of each implementation.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Waker};

use patterns_behaviour::{DispatcherConfig, Hooks, SendError};
use testing::{ms, polled, quiet, secs, settle};

use crate::support::{
    Census, Deed, Parcel, Ports, Scripted, assert_lawful, config, let_pass, one_port, ports_with,
};

/// One is under way, and `waiting` wait, which is all that may.
async fn full(waiting: usize) -> (Ports, Arc<Scripted>) {
    let (ports, port) = one_port(DispatcherConfig {
        max_waiting: waiting,
        ..config()
    })
    .await;
    settle().await;
    ports.send("a", Parcel::new(0, &[Deed::Take(100)])).unwrap();
    settle().await;
    for id in 1..=waiting {
        ports.send("a", Parcel::new(id, &[])).unwrap();
    }
    (ports, port)
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_hands_the_message_back() {
    for waiting in [1, 2, 10] {
        let (ports, _) = full(waiting).await;
        let error = ports.send("a", Parcel::new(99, &[])).unwrap_err();
        assert!(matches!(error, SendError::Full(_)));
        assert_eq!(error.into_message().id, 99);
        let stats = ports.stats();
        assert_eq!(
            (stats.refused, stats.waiting, stats.under_way),
            (1, waiting, 1)
        );
        let_pass(ms(100)).await;
        assert_eq!(ports.stats().delivered, waiting as u64 + 1);
        ports.send("a", Parcel::new(99, &[])).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_room_is_let_in_first_come_first_served() {
    let (ports, port) = full(1).await;
    let mut waiting = Vec::new();
    for id in 2..8 {
        let ports = ports.clone();
        waiting.push(tokio::spawn(async move {
            ports
                .send_wait("a", Parcel::new(id, &[]))
                .await
                .unwrap()
                .await
                .unwrap()
        }));
        settle().await;
    }
    assert_eq!(
        ports.stats().accepted,
        2,
        "nobody is let in while it is full"
    );
    assert!(matches!(
        ports.send("a", Parcel::new(99, &[])),
        Err(SendError::Full(_))
    ));
    let_pass(ms(100)).await;
    for waiter in waiting {
        waiter.await.unwrap();
    }
    assert_eq!(*port.done.lock().unwrap(), (0..8).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_when_it_is_stopped_or_removed() {
    let (ports, _) = full(1).await;
    let other = ports.clone();
    let waiter = tokio::spawn(async move { other.send_wait("a", Parcel::new(7, &[])).await });
    settle().await;
    let other = ports.clone();
    let removal = tokio::spawn(async move { other.remove("a").await });
    settle().await;
    assert!(
        waiter.is_finished() && !removal.is_finished(),
        "told at once, not when there is room"
    );
    let refused = waiter.await;
    removal.await.unwrap().unwrap();
    let error = refused.unwrap().unwrap_err();
    assert!(matches!(error, SendError::Closed(_)));
    assert_eq!(error.into_message().id, 7);

    let (ports, _) = full(1).await;
    let other = ports.clone();
    let waiter = tokio::spawn(async move { other.send_wait("a", Parcel::new(8, &[])).await });
    settle().await;
    ports.stop_now().await.unwrap();
    assert_eq!(waiter.await.unwrap().unwrap_err().into_message().id, 8);
    assert!(matches!(
        ports.send_wait("a", Parcel::new(9, &[])).await,
        Err(SendError::Closed(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_when_the_dispatcher_is_killed() {
    let (ports, _) = full(1).await;
    let other = ports.clone();
    let waiter = tokio::spawn(async move { other.send_wait("a", Parcel::new(7, &[])).await });
    settle().await;
    ports.pid().unwrap().kill();
    settle().await;
    assert!(waiter.is_finished(), "nobody will make room any more");
    assert_eq!(waiter.await.unwrap().unwrap_err().into_message().id, 7);
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_while_the_rest_is_given_up_is_refused_for_the_stop_and_not_for_room() {
    let known: Arc<OnceLock<Ports>> = Arc::default();
    let refused = Arc::new(Mutex::new(Vec::new()));
    let (one, two) = (Arc::clone(&known), Arc::clone(&refused));
    let hooks = Hooks::new().on_dead_letter(move |_| {
        let error = one.get().unwrap().send("a", Parcel::new(9, &[]));
        two.lock().unwrap().push(error.unwrap_err().to_string());
    });
    let config = DispatcherConfig {
        max_waiting: 2,
        ..config()
    };
    let ports = ports_with(config, hooks).await;
    let _ = known.set(ports.clone());
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    for id in 0..3 {
        ports.send("a", Parcel::new(id, &[Deed::Hang])).unwrap();
        settle().await;
    }
    ports.pid().unwrap().kill();
    settle().await;
    assert_eq!(
        *refused.lock().unwrap(),
        ["no more deliveries are accepted"; 3]
    );
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_was_not_accepted() {
    let census = Census::default();
    let (ports, port) = full(1).await;
    for times in 0..4 {
        let waits = ports.send_wait("a", Parcel::counted(7, &[], &census));
        assert!(!polled(waits, times).await);
        assert_eq!(census.alive(), 0, "the message went with it");
    }
    // Also if there was room already, and it has not looked.
    let mut waits = Box::pin(ports.send_wait("a", Parcel::counted(7, &[], &census)));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut cx).is_pending());
    let_pass(ms(100)).await;
    assert_eq!(ports.stats().delivered, 2);
    drop(waits);
    settle().await;
    assert_eq!((census.alive(), ports.stats().accepted), (0, 2));
    ports.deliver("a", Parcel::new(8, &[])).await.unwrap();
    assert_eq!(*port.done.lock().unwrap(), [0, 1, 8]);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_given_back_by_a_killed_process_takes_no_room() {
    let (ports, port) = one_port(DispatcherConfig {
        max_waiting: 2,
        ..config()
    })
    .await;
    ports.send("a", Parcel::new(0, &[Deed::Hang])).unwrap();
    settle().await;
    ports.send("a", Parcel::new(1, &[])).unwrap();
    port.pid.lock().unwrap().take().unwrap().kill();
    ports.send("a", Parcel::new(2, &[])).unwrap();
    settle().await;
    let_pass(ms(10)).await;
    assert_eq!(*port.begun.lock().unwrap(), [0, 0, 1, 2]);
    assert_lawful(&ports);
}

#[tokio::test(start_paused = true)]
async fn without_a_bound_nothing_is_refused() {
    let (ports, _) = one_port(DispatcherConfig {
        max_waiting: usize::MAX,
        ..config()
    })
    .await;
    ports.send("a", Parcel::new(0, &[Deed::Hang; 5])).unwrap();
    for id in 0..50_000 {
        ports.send("a", Parcel::new(id, &[])).unwrap();
    }
    assert_eq!(ports.stats().accepted, 50_001);
}

#[tokio::test(start_paused = true)]
async fn messages_are_dropped_when_they_are_delivered_and_not_kept() {
    let census = Census::default();
    let (ports, _) = one_port(config()).await;
    for id in 0..100 {
        ports.send("a", Parcel::counted(id, &[], &census)).unwrap();
    }
    settle().await;
    assert_eq!(census.alive(), 0);
    // Dead letters that nobody waits for are dropped too.
    ports
        .send("a", Parcel::counted(1, &[Deed::Fail; 5], &census))
        .unwrap();
    let_pass(secs(1)).await;
    assert_eq!((census.alive(), ports.stats().exhausted), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn wakers_run_outside_the_locks_and_may_panic() {
    use std::task::Wake;
    struct Calls(Ports, AtomicUsize);
    impl Wake for Calls {
        fn wake(self: Arc<Self>) {
            // It would wait for itself for ever if a lock were held.
            let _ = self.0.info();
            self.1.fetch_add(1, Ordering::SeqCst);
            panic!("as told");
        }
    }
    quiet();
    let (ports, port) = one_port(config()).await;
    let calls = Arc::new(Calls(ports.clone(), AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&calls));
    let mut ticket = ports.send("a", Parcel::new(1, &[])).unwrap();
    assert!(
        std::pin::Pin::new(&mut ticket)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    settle().await;
    let pid = port.pid.lock().unwrap().clone();
    assert_eq!(calls.1.load(Ordering::SeqCst), 1);
    assert_eq!(ticket.await.unwrap().value, 1);
    assert_eq!(
        ports
            .deliver("a", Parcel::new(2, &[]))
            .await
            .unwrap()
            .attempts,
        1
    );
    let waits = ports.stats();
    assert_eq!((waits.delivered, waits.panicked), (2, 0));
    // It was no crash, and the delivery is over: a stop has nothing to wait for.
    assert_eq!(*port.pid.lock().unwrap(), pid);
    let begun = tokio::time::Instant::now();
    ports.stop().await.unwrap();
    assert_eq!(begun.elapsed(), ms(0));
}
