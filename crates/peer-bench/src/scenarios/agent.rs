//! Shared state: agents, snapshots and counters, beside bare servers, arc-swap and tokio's watch.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use otp_core::{Context, ExitReason, GenServer, ReplyTo};
use patterns_agent::{Agent, Counter};
use tokio::sync::watch;

use crate::book::Book;
use crate::harness::threads::together;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const UPDATE: &str = "agent: get_and_update, 1 caller";
/// The scenario in the book.
pub(crate) const SNAPSHOT: &str = "agent: snapshot, 1 thread";
/// The scenario in the book.
pub(crate) const SNAPSHOT_TWO: &str = "agent: snapshot, 2 threads";
/// The scenario in the book.
pub(crate) const INCREMENT: &str = "agent: increment without a reply, 1 producer";
/// The name of patterns-agent in every table.
pub(crate) const AGENT: &str = "patterns-agent";
/// The name of a server of otp-core that does the same, in every table.
pub(crate) const BARE: &str = "otp-core";
/// The name of arc-swap in every table.
pub(crate) const ARC_SWAP: &str = "arc-swap, `load_full`";

/// The server that a user of otp-core would write.
struct Bare(i64);

enum Msg {
    Add(i64),
    AddAndTotal(i64, ReplyTo<i64>),
}

impl GenServer for Bare {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Add(amount) => self.0 += amount,
            Msg::AddAndTotal(amount, reply) => {
                self.0 += amount;
                reply.send(self.0);
            }
        }
        Ok(())
    }
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = "## Shared state\n\nAn agent of an `i64`, or of a map of 10,000 entries. arc-swap and watch have no process, no order of updates and no \
                       panics to mind.\n"
        .to_owned();
    let plan = |operations| Plan {
        runs: options.runs(7),
        operations,
        iterations: Iterations::Lasting(options.run_time()),
    };
    let mut scenario = |name: &str, base, benches: &[Bench], operations| {
        let figures = round_robin(name, benches, plan(operations));
        section += &format!("\n### {name}\n\n");
        section += &comparison(book, name, base, figures);
    };
    scenario(UPDATE, BARE, &updates(), 1);
    scenario(SNAPSHOT, ARC_SWAP, &snapshots(1), 1);
    scenario(SNAPSHOT_TWO, ARC_SWAP, &snapshots(2), 2);
    scenario(INCREMENT, BARE, &increments(), 1);
    scenario(
        "agent: an update of a map of 10000 entries",
        "unread",
        &maps(),
        1,
    );
    section
}

/// A bench whose body is timed inside a task.
fn in_task<F>(name: &'static str, body: impl Fn(u64) -> F + 'static) -> Bench
where
    F: Future<Output = Duration> + Send + 'static,
{
    Bench::new(name, move |iterations| vec![runtime::run(body(iterations))])
}

fn updates() -> [Bench; 2] {
    [
        in_task(BARE, |iterations| async move {
            let bare = otp_core::start(Bare(0)).await.expect("it starts");
            let begun = Instant::now();
            for _ in 0..iterations {
                let total = bare.call(|reply| Msg::AddAndTotal(1, reply)).await;
                black_box(total).expect("it answers");
            }
            begun.elapsed()
        }),
        in_task(AGENT, |iterations| async move {
            let agent = Agent::start(|| 0_i64).await.expect("it starts");
            let amount = black_box(1);
            let begun = Instant::now();
            for _ in 0..iterations {
                let total = agent.get_and_update(move |total| {
                    *total += amount;
                    *total
                });
                black_box(total.await).expect("it answers");
            }
            begun.elapsed()
        }),
    ]
}

fn snapshots(threads: u64) -> [Bench; 4] {
    let swap = Arc::new(ArcSwap::from_pointee(0_i64));
    let (agent, reader) = runtime::run(async {
        let agent = Agent::start(|| 0_i64).await.expect("it starts");
        let reader = agent.reader().await.expect("it answers");
        (agent, reader)
    });
    let (sender, receiver) = watch::channel(Arc::new(0_i64));
    let lock = Arc::new(std::sync::RwLock::new(Arc::new(0_i64)));
    let timed = move |iterations: u64, load: &(dyn Fn() + Sync)| {
        vec![together(threads, |_| {
            for _ in 0..iterations {
                load();
            }
        })]
    };
    [
        Bench::new(ARC_SWAP, move |iterations| {
            timed(iterations, &|| drop(black_box(swap.load_full())))
        }),
        Bench::new(AGENT, move |iterations| {
            let _agent = &agent;
            timed(iterations, &|| drop(black_box(reader.snapshot())))
        }),
        Bench::new(
            "tokio watch, `borrow` and clone of an `Arc`",
            move |iterations| {
                let _sender = &sender;
                timed(iterations, &|| {
                    drop(black_box(Arc::clone(&receiver.borrow())))
                })
            },
        ),
        Bench::new("`RwLock` of an `Arc`", move |iterations| {
            timed(iterations, &|| {
                drop(black_box(Arc::clone(&lock.read().expect("no panics"))));
            })
        }),
    ]
}

fn increments() -> [Bench; 2] {
    [
        in_task(BARE, |iterations| async move {
            let bare = otp_core::start(Bare(0)).await.expect("it starts");
            let begun = Instant::now();
            for _ in 0..iterations {
                bare.cast(Msg::Add(1)).ok().expect("it lives");
            }
            let total = bare.call(|reply| Msg::AddAndTotal(0, reply)).await;
            black_box(total).expect("it answers");
            begun.elapsed()
        }),
        in_task(AGENT, |iterations| async move {
            let counter = Counter::start(0).await.expect("it starts");
            let begun = Instant::now();
            for _ in 0..iterations {
                counter.cast_increment().expect("it lives");
            }
            black_box(counter.get().await).expect("it answers");
            begun.elapsed()
        }),
    ]
}

/// One update of one entry of a large map, with nobody, somebody who reads and drops, and somebody who always holds a snapshot.
fn maps() -> [Bench; 3] {
    #[derive(Clone, Copy, PartialEq)]
    enum Readers {
        Nobody,
        Dropped,
        Held,
    }
    [
        ("unread", Readers::Nobody),
        ("a reader, its snapshots dropped", Readers::Dropped),
        ("a reader that always holds the latest", Readers::Held),
    ]
    .map(|(name, readers)| {
        in_task(name, move |iterations| async move {
            let map: HashMap<u64, u64> = (0..10_000).map(|key| (key, key)).collect();
            let agent = Agent::start(move || map).await.expect("it starts");
            let reader = match readers {
                Readers::Nobody => None,
                _ => Some(agent.reader().await.expect("it answers")),
            };
            let mut held = None;
            let begun = Instant::now();
            for n in 0..iterations {
                if let Some(reader) = &reader {
                    let snapshot = reader.snapshot().expect("it lives");
                    held = (readers == Readers::Held).then_some(snapshot);
                }
                let updated = agent.update(move |map| {
                    *map.entry(n % 10_000).or_default() += 1;
                });
                updated.await.expect("it answers");
            }
            black_box(held);
            begun.elapsed()
        })
    })
}
