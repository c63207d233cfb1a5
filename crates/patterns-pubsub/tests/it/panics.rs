//! Panics of the program's own code: nobody else notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use otp_core::inbox;
use patterns_pubsub::{Event, Overflow, PubSub, PubSubConfig, SubscribeServerOptions};
use testing::quiet;

use crate::support::{Got, assert_adds_up, drain, numbers, received, with};

#[test]
fn a_panic_in_a_key_is_a_loss_for_that_subscriber_alone() {
    quiet();
    let pubsub = numbers();
    let latest = Overflow::<u64>::keep_latest(|number| {
        assert!(**number != 2, "as told");
        **number
    });
    let mut keyed = pubsub.subscribe_with("numbers", with(10, latest)).unwrap();
    let mut other = pubsub.subscribe("numbers").unwrap();
    let accepted: Vec<_> = (1..=3)
        .map(|number| pubsub.publish("numbers", number).unwrap())
        .collect();
    assert_eq!(accepted, [2, 1, 2]);
    assert_eq!(
        drain(&mut keyed),
        [Got::Number(1), Got::Lost(1), Got::Number(3)]
    );
    assert_eq!(received(&mut other), [1, 2, 3]);
    assert_adds_up(&pubsub.stats());
}

#[test]
fn a_panic_in_the_closure_of_a_server_is_a_loss_for_that_server_alone() {
    quiet();
    let pubsub = numbers();
    let (server, mut inbox) = inbox::<Option<u64>>();
    let map = |event: Event<u64>| match event {
        Event::Message(number) => {
            assert!(*number != 2, "as told");
            Some(*number)
        }
        Event::Lost(1) => None,
        other => panic!("{other:?}"),
    };
    pubsub
        .subscribe_server_with("numbers", &server, SubscribeServerOptions::default(), map)
        .unwrap();
    let other = pubsub.subscribe("numbers").unwrap();
    let accepted: Vec<_> = (1..=3)
        .map(|number| pubsub.publish("numbers", number).unwrap())
        .collect();
    assert_eq!((accepted, other.len()), (vec![2, 1, 2], 3));
    let got: Vec<_> = std::iter::from_fn(|| inbox.try_recv()).collect();
    assert_eq!(got, [Some(1), None, Some(3)]);
    assert_adds_up(&pubsub.stats());
}

#[test]
fn a_waker_that_panics_keeps_nobody_from_the_message() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("as told");
        }
    }
    quiet();
    let pubsub = numbers();
    let mut all = [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::DropOldest,
    ]
    .map(|overflow| pubsub.subscribe_with("numbers", with(9, overflow)).unwrap());
    let waker = Waker::from(Arc::new(Bad));
    for subscription in &mut all {
        assert!(
            subscription
                .poll_recv(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    assert_eq!(pubsub.publish("numbers", 1), Ok(3));
    assert_eq!(all.each_mut().map(received), [[1], [1], [1]]);
    for subscription in &mut all {
        assert!(
            subscription
                .poll_recv(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    drop(pubsub);
    assert!(
        all.iter()
            .all(|subscription| subscription.ended().is_some())
    );
}

/// Panics when it is dropped, if told so, and counts.
struct Grenade(bool, Arc<AtomicUsize>);

impl Drop for Grenade {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
        assert!(!self.0 || std::thread::panicking(), "as told");
    }
}

#[test]
fn a_payload_whose_drop_panics_does_no_harm() {
    quiet();
    let dropped = Arc::new(AtomicUsize::new(0));
    let pubsub: PubSub<Grenade> = PubSub::new(PubSubConfig::default()).unwrap();
    let publish = || pubsub.publish("things", Grenade(true, Arc::clone(&dropped)));
    assert_eq!(publish().ok(), Some(0));
    let (server, inbox) = inbox::<()>();
    pubsub.subscribe_server("things", &server, |_| ()).unwrap();
    let all = [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::keep_latest(|_| 1_u64),
    ]
    .map(|overflow| pubsub.subscribe_with("things", with(1, overflow)).unwrap());
    for _ in 0..3 {
        assert!(publish().is_ok());
    }
    assert!(
        pubsub
            .publish_retained("things", Grenade(true, Arc::clone(&dropped)))
            .is_ok()
    );
    assert!(
        pubsub
            .publish_retained("things", Grenade(true, Arc::clone(&dropped)))
            .is_ok()
    );
    drop(all);
    assert_adds_up(&pubsub.stats());
    assert_eq!(pubsub.info().subscribers, 1);
    drop((pubsub, inbox));
    assert_eq!(dropped.load(Ordering::SeqCst), 6);
}

#[test]
fn closures_and_drops_may_use_the_pub_sub() {
    struct Echo(Option<PubSub<Echo>>);
    impl Drop for Echo {
        fn drop(&mut self) {
            if let Some(pubsub) = self.0.take() {
                pubsub.publish("echo", Echo(None)).unwrap();
                assert!(pubsub.info().subscribers > 0);
            }
        }
    }
    let pubsub: PubSub<Echo> = PubSub::new(PubSubConfig::default()).unwrap();
    let echoes = pubsub.collect("echo", 100).unwrap();
    let inside = pubsub.clone();
    let latest = Overflow::keep_latest(move |_| inside.subscriber_count("things") as u64);
    let options = [
        with(1, Overflow::DropOldest),
        with(1, latest),
        with(1, Overflow::DropNewest),
    ];
    let mut all = options.map(|options| Some(pubsub.subscribe_with("things", options).unwrap()));
    for _ in 0..4 {
        pubsub
            .publish("things", Echo(Some(pubsub.clone())))
            .unwrap();
    }
    pubsub
        .publish_retained("things", Echo(Some(pubsub.clone())))
        .unwrap();
    all.fill_with(|| None);
    pubsub.clear_retained("things");
    assert_eq!(echoes.len(), 5);
}

#[test]
fn a_closure_that_panics_at_what_is_missing_gets_the_next_message() {
    quiet();
    let pubsub = numbers();
    let (server, mut inbox) = inbox::<u64>();
    let map = |event: Event<u64>| match event {
        Event::Message(number) if *number != 2 => *number,
        _ => panic!("as told"),
    };
    pubsub
        .subscribe_server_with("numbers", &server, SubscribeServerOptions::default(), map)
        .unwrap();
    let accepted: Vec<_> = (1..=4)
        .map(|number| pubsub.publish("numbers", number).unwrap())
        .collect();
    assert_eq!(accepted, [1, 0, 1, 1]);
    let got: Vec<_> = std::iter::from_fn(|| inbox.try_recv()).collect();
    assert_eq!(got, [1, 3, 4]);
    assert_adds_up(&pubsub.stats());
}

/// Does something when it is dropped.
struct AtDrop<F: Fn()>(F);

impl<F: Fn()> Drop for AtDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Leaves a server's closure, which holds `held`, in nothing but the route of `things.a`, which is out of date.
fn leave_in_a_route(pubsub: &PubSub<u64>, held: impl Send + Sync + 'static) {
    let (server, inbox) = inbox::<u64>();
    let map = move |message: patterns_pubsub::Message<u64>| {
        let _ = &held;
        *message
    };
    pubsub.subscribe_server("things.*", &server, map).unwrap();
    assert_eq!(pubsub.publish("things.a", 1), Ok(2));
    assert!(pubsub.unsubscribe_server("things.*", &server));
    drop(inbox);
}

#[test]
fn what_a_closure_holds_is_dropped_under_no_lock() {
    let pubsub = numbers();
    let stays = pubsub.subscribe("things.a").unwrap();
    let dropped = Arc::new(AtomicUsize::new(0));
    let held = || {
        let (pubsub, dropped) = (pubsub.clone(), Arc::clone(&dropped));
        AtDrop(move || {
            pubsub.publish_retained("elsewhere", 1).unwrap();
            dropped.fetch_add(1, Ordering::SeqCst);
        })
    };
    leave_in_a_route(&pubsub, held());
    pubsub.publish_retained("things.a", 2).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 1);
    leave_in_a_route(&pubsub, held());
    let newest = pubsub.subscribe_with("things.a", with(1, Overflow::DropNewest));
    assert_eq!(dropped.load(Ordering::SeqCst), 2);
    drop((newest, stays));
}

#[test]
fn what_a_closure_holds_may_panic_when_it_is_dropped() {
    quiet();
    let pubsub = numbers();
    let stays = pubsub.subscribe("things.a").unwrap();
    leave_in_a_route(&pubsub, AtDrop(|| panic!("as told")));
    assert_eq!(pubsub.publish("things.a", 2), Ok(1));
    let held = AtDrop(|| panic!("as told"));
    let latest = Overflow::keep_latest(move |_| {
        let _ = &held;
        1_u64
    });
    drop(pubsub.subscribe_with("things.a", with(1, latest)).unwrap());
    assert_eq!(pubsub.publish("things.a", 3), Ok(1));
    assert_eq!(stays.len(), 3);
}
