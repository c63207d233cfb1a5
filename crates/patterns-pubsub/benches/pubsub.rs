//! What a delivery, a match and a subscription cost.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use otp_core::inbox;
use patterns_pubsub::{Event, Overflow, PubSub, PubSubConfig, SubscribeOptions, Subscription};

const TOPIC: &str = "orders.eu.created";

fn pubsub() -> PubSub<u64> {
    PubSub::new(PubSubConfig::default()).expect("the options are good")
}

fn subscriptions(
    pubsub: &PubSub<u64>,
    count: usize,
    overflow: &Overflow<u64>,
) -> Vec<Subscription<u64>> {
    let options = SubscribeOptions {
        overflow: overflow.clone(),
        ..SubscribeOptions::default()
    };
    (0..count)
        .map(|_| {
            pubsub
                .subscribe_with(TOPIC, options.clone())
                .expect("it is open")
        })
        .collect()
}

/// Publishes some and receives them all; the time is that of one delivery.
fn deliveries(c: &mut Criterion) {
    let policies = [
        ("oldest", Overflow::DropOldest),
        ("newest", Overflow::DropNewest),
        ("latest", Overflow::<u64>::keep_latest(|number| **number)),
    ];
    for (name, overflow) in policies {
        for count in [1, 100, 10_000] {
            for burst in [1, 16] {
                let pubsub = pubsub();
                let mut all = subscriptions(&pubsub, count, &overflow);
                let mut publisher = pubsub.publisher(TOPIC).expect("it is a topic");
                let each = (count * burst) as u64;
                c.bench_function(
                    &format!("delivery/{name}/{count}/bursts of {burst}"),
                    |bencher| {
                        bencher.iter_custom(|iterations| {
                            let rounds = iterations.div_ceil(each);
                            let begun = Instant::now();
                            for round in 0..rounds {
                                for _ in 0..burst {
                                    publisher.publish(round).expect("it is open");
                                }
                                for subscription in &mut all {
                                    while let Some(Event::Message(number)) = subscription.try_recv()
                                    {
                                        black_box(*number);
                                    }
                                }
                            }
                            per_one(begun.elapsed(), iterations, rounds * each)
                        });
                    },
                );
            }
        }
    }
    let pubsub = pubsub();
    let servers: Vec<_> = (0..100).map(|_| inbox::<u64>()).collect();
    for (server, _) in &servers {
        pubsub
            .subscribe_server(TOPIC, server, |number| *number)
            .expect("it is open");
    }
    let (addresses, mut inboxes): (Vec<_>, Vec<_>) = servers.into_iter().unzip();
    c.bench_function("delivery/servers/100", |bencher| {
        bencher.iter_custom(|iterations| {
            let rounds = iterations.div_ceil(100);
            let begun = Instant::now();
            for round in 0..rounds {
                pubsub.publish(TOPIC, round).expect("it is open");
                for inbox in &mut inboxes {
                    black_box(inbox.try_recv());
                }
            }
            per_one(begun.elapsed(), iterations, rounds * 100)
        });
    });
    drop(addresses);
}

/// As criterion counts: the time of as many as it asked for.
fn per_one(elapsed: Duration, wanted: u64, done: u64) -> Duration {
    elapsed.mul_f64(wanted as f64 / done as f64)
}

/// Finds the one of ever more patterns that matches a topic that has no entry.
fn matching(c: &mut Criterion) {
    for count in [10, 1_000, 100_000] {
        let pubsub = pubsub();
        let all: Vec<_> = (0..count)
            .map(|number| {
                let pattern = match number % 3 {
                    0 => format!("orders.{number}.*"),
                    1 => format!("*.{number}.created"),
                    _ => format!("orders.{number}.>"),
                };
                pubsub.subscribe(&pattern).expect("it is open")
            })
            .collect();
        c.bench_function(&format!("publish, one of {count} patterns"), |bencher| {
            bencher.iter(|| pubsub.publish(black_box("orders.2.created"), 1));
        });
        c.bench_function(&format!("publish, none of {count} patterns"), |bencher| {
            bencher.iter(|| pubsub.publish(black_box("payments.x.y"), 1));
        });
        drop(all);
    }
}

fn subscribing(c: &mut Criterion) {
    for (name, pattern) in [("a topic", TOPIC), ("a pattern", "orders.*.created")] {
        for others in [0, 10_000] {
            let pubsub = pubsub();
            let all: Vec<_> = (0..others)
                .map(|_| pubsub.subscribe(pattern).expect("it is open"))
                .collect();
            c.bench_function(
                &format!("subscribe to {name} and go, {others} others"),
                |bencher| {
                    bencher.iter(|| pubsub.subscribe(black_box(pattern)).map(drop));
                },
            );
            drop(all);
        }
    }
}

fn many_topics(c: &mut Criterion) {
    for count in [100, 100_000_usize] {
        let pubsub = pubsub();
        let topics: Vec<String> = (0..count)
            .map(|number| format!("sensors.{number}"))
            .collect();
        let mut all: Vec<_> = topics
            .iter()
            .map(|topic| pubsub.subscribe(topic).expect("it is open"))
            .collect();
        let mut next = 0;
        c.bench_function(
            &format!("publish and receive, {count} topics in turn"),
            |bencher| {
                bencher.iter(|| {
                    next = (next + 7_919) % count;
                    pubsub.publish(&topics[next], 1).expect("it is open");
                    black_box(all[next].try_recv());
                });
            },
        );
    }
}

criterion_group!(benches, deliveries, matching, subscribing, many_topics);
criterion_main!(benches);
