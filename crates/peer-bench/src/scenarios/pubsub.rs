//! Publish and subscribe: what a delivery costs with one, a hundred and ten thousand subscribers, and with many patterns.

use std::hint::black_box;
use std::time::{Duration, Instant};

use patterns_pubsub::{Event, Overflow, PubSub, PubSubConfig, SubscribeOptions, Subscription};
use tokio::sync::{broadcast, mpsc};

use crate::book::Book;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const HUNDRED: &str = "pub/sub: 100 subscribers, per delivery";
/// The scenario in the book.
pub(crate) const TASKS: &str = "pub/sub: 100 tasks that wait, per delivery";
/// The name of patterns-pubsub where tasks wait, with queues without a bound as the others have.
pub(crate) const WAITING: &str = "patterns-pubsub, unbounded";
/// The name of patterns-pubsub in every table, each subscriber with a queue of its own.
pub(crate) const PUBSUB: &str = "patterns-pubsub, a queue for each";
/// The same, with subscribers that drop the oldest.
pub(crate) const DROPS_OLDEST: &str = "patterns-pubsub, all drop the oldest";
/// The name of tokio's broadcast in every table.
pub(crate) const BROADCAST: &str = "tokio `broadcast`";
/// The name of one mpsc channel for each in every table.
pub(crate) const FAN_OUT: &str = "fan-out over tokio `mpsc`";

const TOPIC: &str = "orders.eu.created";

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = "## Publish and subscribe\n\nA `u64` is published and then received by all, by one task that polls them one after the other: so what is measured is the work and \
                       not the waking. Of patterns-pubsub the topic comes along with each message, and what is accepted, lost and thrown away is counted.\n"
        .to_owned();
    for subscribers in [1_u64, 100, 10_000] {
        let name = match subscribers {
            1 => "pub/sub: 1 subscriber, per delivery",
            100 => HUNDRED,
            _ => "pub/sub: 10,000 subscribers, per delivery",
        };
        let plan = Plan {
            runs: options.runs(7),
            operations: subscribers,
            iterations: Iterations::Lasting(options.run_time()),
        };
        let figures = round_robin(name, &deliveries(subscribers), plan);
        section += &format!("\n### {name}\n\n");
        section += &comparison(book, name, BROADCAST, figures);
    }
    let tasks = TASKS;
    let plan = Plan {
        runs: options.runs(7),
        operations: 100,
        iterations: Iterations::Lasting(options.run_time()),
    };
    section += &format!(
        "\n### {tasks}\n\nEach subscriber is a task of its own, which waits and is woken.\n\n"
    );
    section += &comparison(book, tasks, BROADCAST, round_robin(tasks, &waiting(), plan));
    section + &patterns(options, book)
}

fn deliveries(subscribers: u64) -> Vec<Bench> {
    vec![
        Bench::new(BROADCAST, move |iterations| {
            let (sender, _) = broadcast::channel(1_024);
            let receivers = (0..subscribers).map(|_| sender.subscribe()).collect();
            round(
                iterations,
                receivers,
                |n| drop(sender.send(n)),
                |receiver: &mut broadcast::Receiver<u64>| receiver.try_recv().ok(),
            )
        }),
        Bench::new(FAN_OUT, move |iterations| {
            let (senders, receivers): (Vec<_>, Vec<_>) =
                (0..subscribers).map(|_| mpsc::unbounded_channel()).unzip();
            let send = |n| {
                for sender in &senders {
                    let _ = sender.send(n);
                }
            };
            round(
                iterations,
                receivers,
                send,
                |receiver: &mut mpsc::UnboundedReceiver<u64>| receiver.try_recv().ok(),
            )
        }),
        ours(PUBSUB, subscribers, Overflow::DropNewest, false),
        ours(DROPS_OLDEST, subscribers, Overflow::DropOldest, false),
        ours(
            "patterns-pubsub, all drop the oldest, by a `Publisher`",
            subscribers,
            Overflow::DropOldest,
            true,
        ),
    ]
}

fn start() -> PubSub<u64> {
    PubSub::new(PubSubConfig::default()).expect("the options are good")
}

fn subscribe(pubsub: &PubSub<u64>, overflow: &Overflow<u64>) -> Subscription<u64> {
    let options = SubscribeOptions {
        overflow: overflow.clone(),
        ..SubscribeOptions::default()
    };
    pubsub.subscribe_with(TOPIC, options).expect("it is open")
}

fn ours(name: &'static str, subscribers: u64, overflow: Overflow<u64>, by_handle: bool) -> Bench {
    Bench::new(name, move |iterations| {
        let pubsub = start();
        let receivers = (0..subscribers)
            .map(|_| subscribe(&pubsub, &overflow))
            .collect();
        let receive = |receiver: &mut Subscription<u64>| match receiver.try_recv() {
            Some(Event::Message(message)) => Some(*message),
            _ => None,
        };
        if by_handle {
            let mut publisher = pubsub.publisher(TOPIC).expect("the topic is good");
            round(
                iterations,
                receivers,
                |n| drop(publisher.publish(n)),
                receive,
            )
        } else {
            round(
                iterations,
                receivers,
                |n| drop(pubsub.publish(TOPIC, n)),
                receive,
            )
        }
    })
}

/// Sends and lets all receive, over and over.
fn round<R>(
    iterations: u64,
    mut receivers: Vec<R>,
    mut send: impl FnMut(u64),
    receive: impl Fn(&mut R) -> Option<u64>,
) -> Vec<Duration> {
    let begun = Instant::now();
    for n in 0..iterations {
        send(n);
        for receiver in &mut receivers {
            assert_eq!(black_box(receive(receiver)), Some(n));
        }
    }
    vec![begun.elapsed()]
}

/// A hundred tasks that receive until they have all.
fn waiting() -> Vec<Bench> {
    const RECEIVERS: u64 = 100;
    /// How many are sent before the sender gives way.
    const AT_ONCE: u64 = 16;

    async fn send_all(
        iterations: u64,
        mut send: impl FnMut(u64),
        tasks: Vec<tokio::task::JoinHandle<()>>,
    ) -> Duration {
        let begun = Instant::now();
        for n in 0..iterations {
            send(n);
            if n % AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
        }
        for task in tasks {
            task.await.expect("it does not panic");
        }
        begun.elapsed()
    }

    vec![
        Bench::new(BROADCAST, |iterations| {
            vec![runtime::run(async move {
                // Room for all, for a loss would end the count.
                let room = usize::try_from(iterations)
                    .expect("it is small")
                    .next_power_of_two();
                let (sender, _) = broadcast::channel(room);
                let tasks = (0..RECEIVERS).map(|_| {
                    let mut receiver = sender.subscribe();
                    tokio::spawn(async move {
                        for n in 0..iterations {
                            assert_eq!(receiver.recv().await, Ok(n));
                        }
                    })
                });
                let tasks = tasks.collect();
                send_all(iterations, move |n| drop(sender.send(n)), tasks).await
            })]
        }),
        Bench::new(FAN_OUT, |iterations| {
            vec![runtime::run(async move {
                let (senders, receivers): (Vec<_>, Vec<_>) =
                    (0..RECEIVERS).map(|_| mpsc::unbounded_channel()).unzip();
                let tasks = receivers.into_iter().map(|mut receiver| {
                    tokio::spawn(async move {
                        for n in 0..iterations {
                            assert_eq!(receiver.recv().await, Some(n));
                        }
                    })
                });
                let tasks = tasks.collect();
                let send = move |n| {
                    for sender in &senders {
                        let _ = sender.send(n);
                    }
                };
                send_all(iterations, send, tasks).await
            })]
        }),
        Bench::new(WAITING, |iterations| {
            vec![runtime::run(async move {
                let pubsub = start();
                let tasks = (0..RECEIVERS).map(|_| {
                    let mut receiver = subscribe(&pubsub, &Overflow::Unbounded);
                    tokio::spawn(async move {
                        for n in 0..iterations {
                            match receiver.recv().await {
                                Some(Event::Message(message)) => assert_eq!(*message, n),
                                other => panic!("{other:?}"),
                            }
                        }
                    })
                });
                let tasks = tasks.collect();
                send_all(iterations, move |n| drop(pubsub.publish(TOPIC, n)), tasks).await
            })]
        }),
    ]
}

/// Publishing to topics of which one pattern among many matches.
fn patterns(options: &Options, book: &mut Book) -> String {
    let name = "pub/sub: publish, one of many wildcard patterns matches";
    let names = ["10 patterns", "1,000 patterns", "100,000 patterns"];
    let benches: Vec<_> = names
        .into_iter()
        .zip([10_u64, 1_000, 100_000])
        .map(|(name, count)| {
            let pubsub = start();
            let subscriptions: Vec<_> = (0..count)
                .map(|n| {
                    pubsub
                        .subscribe(&format!("orders.{n}.*"))
                        .expect("it is open")
                })
                .collect();
            Bench::new(name, move |iterations| {
                let topics: Vec<_> = (0..64)
                    .map(|n| format!("orders.{}.created", n % subscriptions.len()))
                    .collect();
                let begun = Instant::now();
                for n in 0..iterations {
                    let topic = &topics[(n % 64) as usize];
                    assert_eq!(pubsub.publish(topic, n).ok(), Some(1));
                }
                vec![begun.elapsed()]
            })
        })
        .collect();
    let plan = Plan {
        runs: options.runs(7),
        operations: 1,
        iterations: Iterations::Lasting(options.run_time()),
    };
    let figures = round_robin(name, &benches, plan);
    format!(
        "\n### {name}\n\nThe topics have no subscribers of their own, so each is looked up in the tree.\n\n"
    ) + &comparison(book, name, names[0], figures)
}
