//! Publishers against those who receive, lag and go.

use otp_core::inbox;
use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{assert_unlocked, block_on, check};

use super::{Value, assert_adds_up, options, policies, pubsub, receive};
use crate::{Event, Overflow, SubscribeOptions};

/// What was accepted is received or told to be lost, whatever the policy, and who waits is woken, at the end too.
fn adds_up(name: &str, pattern: &'static str, which: usize) {
    check(name, move || {
        let pubsub = pubsub::<Value>();
        let alive = Arc::new(());
        let overflow = policies()[which].clone();
        let options = options(1, overflow);
        let mut one = pubsub
            .subscribe_with(pattern, options.clone())
            .expect("it is open");
        let mut other = pubsub.subscribe_with(pattern, options).expect("it is open");
        let reads = thread::spawn(move || {
            let met = receive(&mut one);
            (met, one.lost())
        });
        let publishes = {
            let (pubsub, alive) = (pubsub.clone(), Arc::clone(&alive));
            thread::spawn(move || {
                let accepted = (0..3).map(|number| {
                    let published = pubsub.publish("a.b", Value(number, Arc::clone(&alive)));
                    published.map_err(|_| ()).expect("it is open") as u64
                });
                accepted.sum::<u64>()
            })
        };
        let looks = {
            let pubsub = pubsub.clone();
            thread::spawn(move || {
                let first = other.try_recv().is_some();
                let stats = pubsub.stats();
                assert!(stats.subscribers <= 2);
                drop(other);
                first
            })
        };
        let accepted = publishes.join().expect("no panics");
        looks.join().expect("no panics");
        let before = pubsub.stats();
        // One may be in the middle of its drop.
        assert!(before.delivered <= accepted);
        assert_adds_up(&before);
        pubsub.0.close();
        let ((received, told), lost) = reads.join().expect("no panics");
        assert_eq!(told, lost, "all that is missing is told");
        assert!(received + told <= 3);
        let stats = pubsub.stats();
        assert_eq!((stats.delivered, stats.waiting), (accepted, 0));
        assert_adds_up(&stats);
        assert_eq!(Arc::strong_count(&alive), 1, "nothing is left");
    });
}

#[test]
fn dropping_the_oldest_adds_up() {
    adds_up("two drop the oldest, one goes", "a.b", 0);
}

#[test]
fn dropping_the_newest_adds_up() {
    adds_up("two drop the newest, one goes", "a.b", 1);
}

#[test]
fn disconnecting_adds_up() {
    adds_up("two disconnect, one goes", "a.*", 2);
}

#[test]
fn keeping_the_latest_adds_up() {
    adds_up("two keep the latest, one goes", "a.>", 3);
}

#[test]
fn nothing_comes_after_unsubscribe_returned() {
    for (name, pattern, which) in [
        ("one is taken out of a ring", "a.b", 0),
        ("one with a queue is taken out", "a.*", 1),
    ] {
        check(name, move || {
            let pubsub = pubsub::<Value>();
            let alive = Arc::new(());
            let options = options(8, policies()[which].clone());
            let subscription = pubsub
                .subscribe_with(pattern, options.clone())
                .expect("it is open");
            let stays = pubsub.subscribe_with(pattern, options).expect("it is open");
            let publishes = {
                let (pubsub, alive) = (pubsub.clone(), Arc::clone(&alive));
                thread::spawn(move || {
                    for number in 0..2 {
                        let _ = pubsub.publish("a.b", Value(number, Arc::clone(&alive)));
                    }
                })
            };
            let info = subscription.info();
            assert!(pubsub.unsubscribe(&info));
            let waiting = subscription.len();
            thread::yield_now();
            assert_eq!(subscription.len(), waiting);
            publishes.join().expect("no panics");
            assert_eq!((subscription.len(), stays.len()), (waiting, 2));
            drop((subscription, stays));
            assert_adds_up(&pubsub.stats());
            assert_eq!(Arc::strong_count(&alive), 1);
        });
    }
}

#[test]
fn nothing_is_cast_after_unsubscribe_returned() {
    check("a server is taken out", || {
        let pubsub = pubsub::<u64>();
        let (server, mut inbox) = inbox::<u64>();
        pubsub
            .subscribe_server("a.*", &server, |number| {
                assert_unlocked();
                *number
            })
            .expect("it is open");
        let publishes = {
            let pubsub = pubsub.clone();
            thread::spawn(move || {
                let accepted = (0..2).map(|number| pubsub.publish("a.b", number));
                accepted
                    .map(|accepted| accepted.expect("it is open"))
                    .sum::<usize>()
            })
        };
        assert!(pubsub.unsubscribe_server("a.*", &server));
        let mut came = 0;
        while inbox.try_recv().is_some() {
            came += 1;
        }
        let accepted = publishes.join().expect("no panics");
        assert_eq!(inbox.try_recv(), None);
        assert_eq!(came, accepted);
        let stats = pubsub.stats();
        assert_eq!(stats.delivered, accepted as u64, "{stats:?}");
        assert_adds_up(&stats);
    });
}

#[test]
fn one_of_a_group_gets_it() {
    check("a group of two, one goes", || {
        let pubsub = pubsub::<Value>();
        let alive = Arc::new(());
        let member = |pattern| {
            let options = SubscribeOptions {
                group: Some("workers".to_owned()),
                ..options(8, Overflow::DropOldest)
            };
            pubsub.subscribe_with(pattern, options).expect("it is open")
        };
        let (goes, mut stays) = (member("a.b"), member("a.*"));
        let publishes = {
            let (pubsub, alive) = (pubsub.clone(), Arc::clone(&alive));
            thread::spawn(move || {
                for number in 0..3 {
                    let published = pubsub.publish("a.b", Value(number, Arc::clone(&alive)));
                    assert!(published.is_ok_and(|accepted| accepted == 1));
                }
            })
        };
        drop(goes);
        publishes.join().expect("no panics");
        let came = std::iter::from_fn(|| stays.try_recv()).count() as u64;
        let stats = pubsub.stats();
        assert_eq!((stats.delivered, stats.received + stats.discarded), (3, 3));
        assert!(came <= 3);
        assert_adds_up(&stats);
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

#[test]
fn who_waits_is_woken() {
    for (name, which) in [
        ("two wait at a ring", 0),
        ("two wait at queues of their own", 1),
        ("two wait at queues by key", 3),
    ] {
        check(name, move || {
            let pubsub = pubsub::<Value>();
            let alive = Arc::new(());
            let wait = ["a.b", "a.b"].map(|pattern| {
                let options = options(8, policies()[which].clone());
                let mut subscription = pubsub.subscribe_with(pattern, options).expect("it is open");
                thread::spawn(move || {
                    // By key the second may take the place of no other: they are odd and even.
                    for number in 0..2 {
                        let event = block_on(subscription.recv());
                        let message = event.and_then(Event::into_message).expect("a message");
                        assert_eq!(message.0, number);
                    }
                })
            });
            for number in 0..2 {
                let published = pubsub.publish("a.b", Value(number, Arc::clone(&alive)));
                assert!(published.is_ok());
            }
            for thread in wait {
                thread.join().expect("no panics");
            }
            assert_eq!(Arc::strong_count(&alive), 1);
        });
    }
}
