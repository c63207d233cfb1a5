//! Publishers against those who come, and the end of it all.

use otp_core::inbox;
use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{AtomicBool, AtomicU64, check};

use super::{Value, assert_adds_up, options, policies, pubsub, receive};
use crate::sync::Ordering;
use crate::{Message, Overflow};

#[test]
fn what_is_published_after_subscribe_returned_comes() {
    check("one subscribes while two go and one publishes", || {
        let pubsub = pubsub::<Value>();
        let alive = Arc::new(());
        let oldest = || options(8, Overflow::DropOldest);
        let go = [("a.b", oldest()), ("a.*", options(8, Overflow::DropNewest))];
        let go = go.map(|(pattern, options)| {
            let subscription = pubsub.subscribe_with(pattern, options).expect("it is open");
            thread::spawn(move || drop(subscription))
        });
        let comes = {
            let (pubsub, options) = (pubsub.clone(), oldest());
            let alive = Arc::clone(&alive);
            thread::spawn(move || {
                let subscription = pubsub.subscribe_with("a.b", options).expect("it is open");
                let published = pubsub.publish("a.b", Value(7, alive));
                assert!(published.is_ok_and(|accepted| accepted >= 1));
                assert!(subscription.len() >= 1);
            })
        };
        let mut publisher = pubsub
            .publisher("a.b")
            .map_err(|_| ())
            .expect("it is a topic");
        let _ = publisher.publish(Value(1, Arc::clone(&alive)));
        for thread in go.into_iter().chain([comes]) {
            thread.join().expect("no panics");
        }
        let published = publisher.publish(Value(2, Arc::clone(&alive)));
        assert!(
            published.is_ok_and(|accepted| accepted == 0),
            "all have gone"
        );
        drop(publisher);
        assert_eq!(Arc::strong_count(&alive), 1);
        let info = pubsub.info();
        assert_eq!((info.subscribers, info.nodes, info.entries), (0, 0, 0));
        assert_adds_up(&pubsub.stats());
    });
}

#[test]
fn a_retained_message_comes_once_and_nothing_older_after() {
    for (name, which) in [
        ("one subscribes while two are retained, in a ring", 0),
        ("one subscribes while two are retained, with a queue", 1),
        ("one subscribes while two are retained, by key", 3),
    ] {
        check(name, move || {
            let pubsub = pubsub::<Value>();
            let alive = Arc::new(());
            let publish = |number| {
                let published = pubsub.publish_retained("a.b", Value(number, Arc::clone(&alive)));
                published.map_err(|_| ()).expect("it is open")
            };
            publish(0);
            let comes = {
                let (pubsub, overflow) = (pubsub.clone(), policies()[which].clone());
                thread::spawn(move || {
                    pubsub
                        .subscribe_with("a.*", options(8, overflow))
                        .expect("it is open")
                })
            };
            publish(1);
            publish(2);
            let mut subscription = comes.join().expect("no panics");
            pubsub.0.close();
            let (received, lost) = receive(&mut subscription);
            assert!((1..=3).contains(&(received + lost)));
            drop(subscription);
            let stats = pubsub.stats();
            assert_eq!(stats.retained, 1);
            assert_adds_up(&stats);
            assert_eq!(Arc::strong_count(&alive), 1);
        });
    }
}

#[test]
fn a_server_gets_what_was_retained_first_and_once() {
    check("a server subscribes while two are retained", || {
        let pubsub = pubsub::<u64>();
        let (server, mut inbox) = inbox::<u64>();
        pubsub.publish_retained("a.b", 0).expect("it is open");
        let comes = {
            let pubsub = pubsub.clone();
            thread::spawn(move || {
                let map = |message: Message<u64>| *message;
                pubsub
                    .subscribe_server("a.*", &server, map)
                    .expect("it is open");
                server
            })
        };
        pubsub.publish_retained("a.b", 1).expect("it is open");
        pubsub.publish_retained("a.b", 2).expect("it is open");
        let _server = comes.join().expect("no panics");
        let got: Vec<u64> = std::iter::from_fn(|| inbox.try_recv()).collect();
        assert!(got.windows(2).all(|pair| pair[1] == pair[0] + 1), "{got:?}");
        assert_eq!(got.last(), Some(&2));
        assert_adds_up(&pubsub.stats());
    });
}

#[test]
fn the_stop_ends_everybody_who_comes_meanwhile() {
    check(
        "one subscribes and one publishes while it is stopped",
        || {
            let pubsub = pubsub::<Value>();
            let accepted = Arc::new(AtomicU64::new(0));
            let stopped = Arc::new(AtomicBool::new(false));
            let comes = ["a.b", "a.*"].map(|pattern| {
                let pubsub = pubsub.clone();
                thread::spawn(move || {
                    let subscribed =
                        pubsub.subscribe_with(pattern, options(8, Overflow::DropOldest));
                    subscribed.map_or((0, 0), |mut subscription| receive(&mut subscription))
                })
            });
            let publishes = {
                let (pubsub, accepted) = (pubsub.clone(), Arc::clone(&accepted));
                let stopped = Arc::clone(&stopped);
                thread::spawn(move || {
                    let after = stopped.load(Ordering::SeqCst);
                    let published = pubsub.publish("a.b", Value(1, Arc::new(())));
                    assert!(!after || published.is_err());
                    accepted.store(published.unwrap_or(0) as u64, Ordering::SeqCst);
                })
            };
            pubsub.0.close();
            stopped.store(true, Ordering::SeqCst);
            publishes.join().expect("no panics");
            let received: u64 = comes
                .map(|comes| comes.join().expect("no panics").0)
                .iter()
                .sum();
            assert_eq!(received, accepted.load(Ordering::SeqCst));
            assert_adds_up(&pubsub.stats());
        },
    );
}

#[test]
fn a_server_that_is_taken_out_while_it_comes_is_nowhere() {
    for pattern in ["a.b", "a.*"] {
        check("one subscribes a server, one takes it out", move || {
            let pubsub = pubsub::<u64>();
            let (server, inbox) = inbox::<u64>();
            let comes = {
                let (pubsub, server) = (pubsub.clone(), server.clone());
                thread::spawn(move || {
                    let map = |message: Message<u64>| *message;
                    pubsub.subscribe_server(pattern, &server, map)
                })
            };
            let goes = pubsub.unsubscribe_server(pattern, &server);
            assert_eq!(comes.join().expect("no panics"), Ok(true));
            let left = usize::from(!goes);
            assert_eq!(pubsub.info().subscribers, left);
            assert_eq!(pubsub.publish("a.b", 1).ok(), Some(left));
            drop(inbox);
        });
    }
}

#[test]
fn a_server_that_goes_while_it_gets_what_was_retained_has_all_counted() {
    check("a server comes and goes while one publishes", || {
        let pubsub = pubsub::<u64>();
        let (server, mut inbox) = inbox::<u64>();
        pubsub.publish_retained("a.b", 0).expect("it is open");
        let comes = {
            let (pubsub, server) = (pubsub.clone(), server.clone());
            thread::spawn(move || {
                let map = |message: Message<u64>| *message;
                assert_eq!(pubsub.subscribe_server("a.*", &server, map), Ok(true));
            })
        };
        let goes = {
            let pubsub = pubsub.clone();
            thread::spawn(move || {
                pubsub.unsubscribe_server("a.*", &server);
                server
            })
        };
        let publish = |number| pubsub.publish("a.b", number).expect("it is open") as u64;
        let accepted = publish(1) + publish(2);
        comes.join().expect("no panics");
        let server = goes.join().expect("no panics");
        let stats = pubsub.stats();
        let came = std::iter::from_fn(|| inbox.try_recv()).count() as u64;
        assert_eq!(
            (stats.delivered, stats.received),
            (accepted, came),
            "{stats:?}"
        );
        assert_adds_up(&stats);
        drop(server);
    });
}
