//! Tasks: spawn and await, and streams of a bounded number of tasks.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use futures::StreamExt;
use patterns_task::{Order, StreamConfig, async_stream};
use tokio::task::JoinSet;

use crate::book::Book;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const SPAWN: &str = "task: spawn and await";
/// The scenario in the book.
pub(crate) const STREAM: &str = "task: a stream of 8 at a time, in order, per item";
/// The name of patterns-task in every table.
pub(crate) const TASK: &str = "patterns-task";
/// The name of tokio's own function in every table.
pub(crate) const SPAWNED: &str = "`tokio::spawn`";
/// The name of futures' `buffered` in every table.
pub(crate) const BUFFERED: &str = "`buffered` of futures over `tokio::spawn`";

const WIDTH: usize = 8;
/// How many items a stream has.
const ITEMS: u64 = 1_000;

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = format!(
        "## Tasks\n\nWork that is done at once, so that what is measured is what surrounds it. Streams have {ITEMS} items. patterns-task has a time-out of 5 s for \
         each item where no other is named; the peers have none.\n"
    );
    let mut scenario = |name: &str, base, benches: &[Bench], operations| {
        let plan = Plan {
            runs: options.runs(7),
            operations,
            iterations: Iterations::Lasting(options.run_time()),
        };
        let figures = round_robin(name, benches, plan);
        section += &format!("\n### {name}\n\n");
        section += &comparison(book, name, base, figures);
    };
    scenario(SPAWN, SPAWNED, &spawns(), 1);
    scenario(STREAM, BUFFERED, &streams(), ITEMS);
    scenario(
        "task: a stream of 8 at a time, as they come, per item",
        "`buffer_unordered` of futures over `tokio::spawn`",
        &unordered(),
        ITEMS,
    );
    section
}

/// A bench whose body is timed inside a task.
fn in_task<F>(name: &'static str, body: impl Fn(u64) -> F + 'static) -> Bench
where
    F: Future<Output = ()> + Send + 'static,
{
    Bench::new(name, move |iterations| {
        let body = body(iterations);
        vec![runtime::run(async move {
            let begun = Instant::now();
            body.await;
            begun.elapsed()
        })]
    })
}

fn spawns() -> [Bench; 3] {
    [
        in_task(SPAWNED, |iterations| async move {
            for n in 0..iterations {
                let task = tokio::spawn(async move { black_box(n) });
                black_box(task.await.expect("it does not panic"));
            }
        }),
        in_task(TASK, |iterations| async move {
            for n in 0..iterations {
                let task = patterns_task::spawn(async move { black_box(n) });
                black_box(task.await.expect("it does not panic"));
            }
        }),
        in_task("`JoinSet` of one", |iterations| async move {
            let mut set = JoinSet::new();
            for n in 0..iterations {
                set.spawn(async move { black_box(n) });
                let done = set.join_next().await.expect("there is one");
                black_box(done.expect("it does not panic"));
            }
        }),
    ]
}

fn config(order: Order, timeout: Duration) -> StreamConfig {
    StreamConfig {
        max_concurrency: NonZeroUsize::new(WIDTH).expect("it is not zero"),
        order,
        timeout,
        ..StreamConfig::default()
    }
}

async fn ours(iterations: u64, config: StreamConfig) {
    for _ in 0..iterations {
        let mut results = async_stream(0..ITEMS, |&n| async move { black_box(n) }, config.clone());
        while let Some(result) = results.next().await {
            black_box(result.expect("it does not panic"));
        }
    }
}

fn streams() -> [Bench; 3] {
    [
        in_task(BUFFERED, |iterations| async move {
            for _ in 0..iterations {
                let spawned = |n| tokio::spawn(async move { black_box(n) });
                let mut results = futures::stream::iter(0..ITEMS).map(spawned).buffered(WIDTH);
                while let Some(result) = results.next().await {
                    black_box(result.expect("it does not panic"));
                }
            }
        }),
        in_task(TASK, |iterations| {
            ours(iterations, config(Order::Input, Duration::from_secs(5)))
        }),
        in_task("patterns-task, no time-out", |iterations| {
            ours(iterations, config(Order::Input, Duration::MAX))
        }),
    ]
}

fn unordered() -> [Bench; 3] {
    [
        in_task(
            "`buffer_unordered` of futures over `tokio::spawn`",
            |iterations| async move {
                for _ in 0..iterations {
                    let spawned = |n| tokio::spawn(async move { black_box(n) });
                    let stream = futures::stream::iter(0..ITEMS).map(spawned);
                    let mut results = stream.buffer_unordered(WIDTH);
                    while let Some(result) = results.next().await {
                        black_box(result.expect("it does not panic"));
                    }
                }
            },
        ),
        in_task("`JoinSet`, refilled by hand", |iterations| async move {
            for _ in 0..iterations {
                let (mut set, mut items) = (JoinSet::new(), 0..ITEMS);
                for n in items.by_ref().take(WIDTH) {
                    set.spawn(async move { black_box(n) });
                }
                while let Some(result) = set.join_next().await {
                    black_box(result.expect("it does not panic"));
                    if let Some(n) = items.next() {
                        set.spawn(async move { black_box(n) });
                    }
                }
            }
        }),
        in_task(TASK, |iterations| {
            ours(
                iterations,
                config(Order::Completion, Duration::from_secs(5)),
            )
        }),
    ]
}
