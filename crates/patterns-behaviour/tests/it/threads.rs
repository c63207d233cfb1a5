//! Many threads at once: what was accepted is reported once, whatever goes on beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use otp_core::Pid;
use patterns_behaviour::{Backoff, BoxFuture, Dispatcher, DispatcherConfig, Hooks};
use testing::quiet;

trait Sink: Send + Sync {
    fn put(&self, number: u64) -> BoxFuture<'_, Result<(), String>>;
}

/// Of each number it fails, panics over, is killed over, or delivers some.
struct Moody(AtomicU64);

impl Sink for Moody {
    fn put(&self, _: u64) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async {
            match self.0.fetch_add(1, Ordering::Relaxed) % 40 {
                0 => panic!("as told"),
                1 => Err("no".to_owned()),
                2 => {
                    Pid::current().unwrap().kill();
                    std::future::pending().await
                }
                3 | 4 => {
                    tokio::task::yield_now().await;
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_tasks_send_is_reported_once_while_routes_come_and_go() {
    quiet();
    let told = Arc::new((AtomicU64::new(0), AtomicU64::new(0)));
    let (one, two) = (Arc::clone(&told), Arc::clone(&told));
    let hooks = Hooks::new()
        .on_delivered(move |_| {
            one.0.fetch_add(1, Ordering::Relaxed);
        })
        .on_dead_letter(move |_| {
            two.1.fetch_add(1, Ordering::Relaxed);
        });
    let config = DispatcherConfig {
        max_waiting: 16,
        workers: 2,
        max_attempts: 3,
        backoff: Backoff::constant(std::time::Duration::ZERO),
        ..DispatcherConfig::default()
    };
    let sinks = Dispatcher::start_with(config, hooks, |sink: &Arc<dyn Sink>, number: &u64| {
        sink.put(*number)
    })
    .await
    .unwrap();
    for name in ["a", "b", "c"] {
        sinks.add(name, Arc::new(Moody(AtomicU64::new(0)))).unwrap();
    }
    let mut senders = Vec::new();
    for sender in 0..4_u64 {
        let sinks = sinks.clone();
        senders.push(tokio::spawn(async move {
            let (mut delivered, mut dead) = (0, 0);
            for number in 0..500 {
                let name = ["a", "b", "c"][usize::try_from((number + sender) % 3).unwrap()];
                let ticket = match number % 2 {
                    0 => sinks.send_wait(name, number).await,
                    _ => sinks.send(name, number),
                };
                let Ok(ticket) = ticket else { continue };
                match ticket.await {
                    Ok(_) => delivered += 1,
                    Err(_) => dead += 1,
                }
            }
            (delivered, dead)
        }));
    }
    let changer = {
        let sinks = sinks.clone();
        tokio::spawn(async move {
            for _ in 0..30 {
                sinks.remove("c").await.unwrap();
                sinks.add("c", Arc::new(Moody(AtomicU64::new(0)))).unwrap();
                sinks
                    .replace("b", Arc::new(Moody(AtomicU64::new(5))))
                    .unwrap();
                for route in sinks.info().routes {
                    let stats = route.stats;
                    let sum = stats.delivered
                        + stats.dead_letters()
                        + stats.waiting as u64
                        + stats.under_way as u64;
                    assert_eq!(stats.accepted, sum);
                }
                tokio::task::yield_now().await;
            }
        })
    };
    let (mut delivered, mut dead) = (0, 0);
    for sender in senders {
        let (good, bad) = sender.await.unwrap();
        delivered += good;
        dead += bad;
    }
    changer.await.unwrap();
    sinks.stop().await.unwrap();
    let stats = sinks.stats();
    assert_eq!((stats.delivered, stats.dead_letters()), (delivered, dead));
    assert_eq!(
        (
            told.0.load(Ordering::Relaxed),
            told.1.load(Ordering::Relaxed)
        ),
        (delivered, dead)
    );
    assert_eq!(stats.accepted, delivered + dead);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_among_senders_leaves_nobody_without_an_answer() {
    quiet();
    for round in 0..20 {
        let sinks = Dispatcher::start(
            DispatcherConfig {
                max_waiting: 4,
                backoff: Backoff::constant(std::time::Duration::ZERO),
                ..DispatcherConfig::default()
            },
            |sink: &Arc<dyn Sink>, number: &u64| sink.put(*number),
        )
        .await
        .unwrap();
        sinks
            .add("a", Arc::new(Moody(AtomicU64::new(round))))
            .unwrap();
        let senders: Vec<_> = (0..4)
            .map(|_| {
                let sinks = sinks.clone();
                tokio::spawn(async move {
                    let mut accepted = 0;
                    for number in 0.. {
                        let Ok(ticket) = sinks.send_wait("a", number).await else {
                            break;
                        };
                        accepted += 1;
                        let _ = ticket.await;
                    }
                    accepted
                })
            })
            .collect();
        for _ in 0..round * 10 {
            tokio::task::yield_now().await;
        }
        match round % 3 {
            0 => sinks.stop().await.unwrap(),
            1 => sinks.stop_now().await.unwrap(),
            _ => sinks.pid().unwrap().kill(),
        }
        let mut accepted = 0;
        for sender in senders {
            accepted += sender.await.unwrap();
        }
        let stats = sinks.stats();
        assert_eq!(stats.accepted, accepted);
        assert_eq!(stats.accepted, stats.delivered + stats.dead_letters());
    }
}
