//! Many threads at the same time: nothing is lost that is not told, and each publisher's order is kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use patterns_pubsub::{Event, Overflow, PubSub, PubSubConfig, SubscribeOptions, Subscription};

use crate::support::assert_adds_up;

/// Who published it, and as which of its own.
type Numbered = (usize, u64);

#[derive(Default)]
struct Sums {
    received: u64,
    lost: u64,
}

/// Receives until the end, and sees to it that each publisher's numbers rise.
fn receive(subscription: &mut Subscription<Numbered>, until: impl Fn(u64) -> bool) -> Sums {
    let mut sums = Sums::default();
    let mut last: HashMap<usize, u64> = HashMap::new();
    while let Some(event) = subscription.recv_blocking() {
        match event {
            Event::Message(message) => {
                sums.received += 1;
                let (publisher, number) = *message;
                let before = last.insert(publisher, number);
                assert!(before.is_none_or(|before| before < number), "out of order");
            }
            Event::Lost(lost) => sums.lost += lost,
            _ => {}
        }
        if until(sums.received) {
            break;
        }
    }
    sums
}

fn policy(number: usize) -> Overflow<Numbered> {
    match number % 5 {
        0 => Overflow::DropOldest,
        1 => Overflow::DropNewest,
        2 => Overflow::<Numbered>::keep_latest(|message| message.1 % 7),
        3 => Overflow::Disconnect,
        _ => Overflow::Unbounded,
    }
}

fn options(number: usize) -> SubscribeOptions<Numbered> {
    SubscribeOptions {
        capacity: 1 + number * 3 % 50,
        overflow: policy(number),
        ..SubscribeOptions::default()
    }
}

const PATTERNS: [&str; 4] = ["a.b", "a.*", "a.>", "*.b"];

#[test]
fn nothing_is_lost_untold_while_others_subscribe_and_go() {
    const PUBLISHERS: usize = 3;
    const EACH: u64 = 3_000;
    let pubsub: PubSub<Numbered> = PubSub::new(PubSubConfig::default()).unwrap();
    let (delivered, done) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        // Some stay to the end.
        let stay: Vec<_> = (0..10)
            .map(|number| {
                let mut subscription = pubsub
                    .subscribe_with(PATTERNS[number % 4], options(number))
                    .unwrap();
                scope.spawn(move || {
                    let sums = receive(&mut subscription, |_| false);
                    assert_eq!(
                        sums.lost,
                        subscription.lost(),
                        "all that is missing was told"
                    );
                })
            })
            .collect();
        // Some come, receive a few and go.
        let (pubsub_ref, done_ref) = (&pubsub, &done);
        let come: Vec<_> = (0..3)
            .map(|thread| {
                scope.spawn(move || {
                    for number in 0.. {
                        if done_ref.load(Ordering::Relaxed) {
                            return;
                        }
                        let number = number + thread;
                        let mut subscription = pubsub_ref
                            .subscribe_with(PATTERNS[number % 4], options(number))
                            .unwrap();
                        for _ in 0..number % 4 {
                            subscription.try_recv();
                        }
                    }
                })
            })
            .collect();
        let publish: Vec<_> = (0..PUBLISHERS)
            .map(|publisher| {
                let (pubsub, delivered) = (&pubsub, &delivered);
                scope.spawn(move || {
                    let mut handle = pubsub.publisher("a.b").unwrap();
                    for number in 0..EACH {
                        let accepted = if number % 2 == 0 {
                            pubsub.publish("a.b", (publisher, number))
                        } else {
                            handle.publish((publisher, number))
                        };
                        delivered.fetch_add(accepted.unwrap() as u64, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for thread in publish {
            thread.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        for thread in come {
            thread.join().unwrap();
        }
        // The streams of those who stay end here.
        let closes = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            runtime.block_on(pubsub.stop()).unwrap();
        });
        closes.join().unwrap();
        for thread in stay {
            thread.join().unwrap();
        }
    });
    let stats = pubsub.stats();
    assert_eq!(stats.delivered, delivered.into_inner(), "{stats:?}");
    assert_eq!((stats.waiting, stats.subscribers), (0, 0));
    assert_adds_up(&stats);
    let info = pubsub.info();
    assert_eq!((info.nodes, info.entries), (0, 0));
}

#[test]
fn a_slow_subscriber_slows_nobody() {
    let pubsub: PubSub<Numbered> = PubSub::new(PubSubConfig::default()).unwrap();
    // It never receives anything.
    let stuck: Vec<_> = (0..5)
        .map(|number| pubsub.subscribe_with("a.b", options(number)).unwrap())
        .collect();
    let unbounded = SubscribeOptions {
        overflow: Overflow::Unbounded,
        ..SubscribeOptions::default()
    };
    let mut quick = pubsub.subscribe_with("a.b", unbounded).unwrap();
    let reads = thread::spawn(move || receive(&mut quick, |received| received == 10_000).received);
    for number in 0..10_000 {
        pubsub.publish("a.b", (0, number)).unwrap();
    }
    assert_eq!(reads.join().unwrap(), 10_000);
    drop(stuck);
    assert_adds_up(&pubsub.stats());
}

#[test]
fn no_wake_up_is_lost() {
    let pubsub: PubSub<Numbered> = PubSub::new(PubSubConfig::default()).unwrap();
    for round in 0..200 {
        let mut one = pubsub.subscribe("a.b").unwrap();
        let newest = SubscribeOptions {
            overflow: Overflow::DropNewest,
            ..SubscribeOptions::default()
        };
        let mut other = pubsub.subscribe_with("a.*", newest).unwrap();
        let reads = [
            thread::spawn(move || receive(&mut one, |received| received == 20).received),
            thread::spawn(move || receive(&mut other, |received| received == 20).received),
        ];
        for number in 0..20 {
            pubsub.publish("a.b", (round, number)).unwrap();
        }
        for read in reads {
            assert_eq!(read.join().unwrap(), 20);
        }
    }
}

#[test]
fn nothing_comes_after_unsubscribe_returned_while_others_publish() {
    let pubsub: PubSub<Numbered> = PubSub::new(PubSubConfig::default()).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let publishes = scope.spawn(|| {
            let mut number = 0;
            while !done.load(Ordering::Relaxed) {
                pubsub.publish("a.b", (0, number)).unwrap();
                number += 1;
            }
        });
        for round in 0..2_000_usize {
            let pattern = PATTERNS[round % 4];
            if round % 2 == 0 {
                let subscription = pubsub.subscribe_with(pattern, options(round)).unwrap();
                pubsub.unsubscribe(&subscription.info());
                let waiting = subscription.len();
                thread::yield_now();
                assert_eq!(subscription.len(), waiting);
            } else {
                let (server, mut inbox) = otp_core::inbox::<Numbered>();
                pubsub
                    .subscribe_server(pattern, &server, |message| *message)
                    .unwrap();
                pubsub.unsubscribe_server(pattern, &server);
                while inbox.try_recv().is_some() {}
                thread::yield_now();
                assert_eq!(inbox.try_recv(), None);
            }
        }
        done.store(true, Ordering::Relaxed);
        publishes.join().unwrap();
    });
    assert_adds_up(&pubsub.stats());
}
