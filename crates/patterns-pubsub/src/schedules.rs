//! Publishers, subscribers and those who go, in every order that a schedule checker tries: see `cargo xtask schedules`.

use otp_core::inbox;
use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{AtomicBool, AtomicU64, assert_unlocked, block_on, check};

use crate::sync::Ordering;
use crate::{
    Event, Message, Overflow, PubSub, PubSubConfig, PubSubStats, SubscribeOptions, Subscription,
};

/// A payload that must not be dropped under a lock, and whose copies are counted.
struct Value(
    u64,
    #[expect(dead_code, reason = "its count is looked at")] Arc<()>,
);

impl Drop for Value {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

fn pubsub<M: Send + Sync + 'static>() -> PubSub<M> {
    let config = PubSubConfig {
        // One shard, so that all meet in it.
        shards: 1,
        ..PubSubConfig::default()
    };
    PubSub::new(config).expect("the options are good")
}

fn options<M>(capacity: usize, overflow: Overflow<M>) -> SubscribeOptions<M> {
    SubscribeOptions {
        capacity,
        overflow,
        ..SubscribeOptions::default()
    }
}

fn policies() -> [Overflow<Value>; 4] {
    [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::Disconnect,
        Overflow::<Value>::keep_latest(|value| {
            assert_unlocked();
            value.0 % 2
        }),
    ]
}

fn assert_adds_up(stats: &PubSubStats) {
    assert_eq!(
        stats.delivered + stats.retained + stats.refused,
        stats.received + stats.lost + stats.queued + stats.discarded,
        "{stats:?}"
    );
}

/// Receives to the end; returns how many came and how many were told to be missing.
fn receive(subscription: &mut Subscription<Value>) -> (u64, u64) {
    let (mut received, mut lost) = (0, 0);
    let mut last = None;
    while let Some(event) = block_on(subscription.recv()) {
        match event {
            Event::Message(message) => {
                assert!(last.is_none_or(|last| last < message.0), "out of order");
                last = Some(message.0);
                received += 1;
            }
            Event::Lagged(count) => lost += count,
            Event::Disconnected => {}
        }
    }
    (received, lost)
}

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
        assert_eq!(before.delivered, accepted);
        assert_adds_up(&before);
        pubsub.0.close();
        let ((received, told), lost) = reads.join().expect("no panics");
        assert_eq!(told, lost, "all that is missing is told");
        assert!(received + told <= 3);
        let stats = pubsub.stats();
        assert_eq!((stats.delivered, stats.queued), (accepted, 0));
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
        assert_adds_up(&pubsub.stats());
    });
}

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
