//! Pools: a checkout nobody competes with, and 64 tasks that share 8 members.

use std::time::{Duration, Instant};

use crate::book::Book;
use crate::contenders::pools::{
    BB8, Bb8, DEADPOOL, Deadpool, Ours, POOL, PoolContender, lend_often,
};
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const ALONE: &str = "pool: checkout and return, 1 task";
/// The scenario in the book.
pub(crate) const CROWD: &str = "pool: 64 tasks on 8 members, held while others have their turn";
/// The tasks of [`CROWD`].
const TASKS: u64 = 64;

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let mut section = "## Pools\n\nEight members that cost nothing to make and need no check. patterns-pool has its time-out of 5 s, bb8 one of 30 s, deadpool none. The last \
                       scenario but one holds each member over a `yield_now`, so that the tasks do wait for each other.\n"
        .to_owned();
    for (scenario, tasks, yields) in [
        (ALONE, 1, false),
        (CROWD, TASKS, true),
        (
            "pool: 64 tasks on 8 members, given back at once",
            TASKS,
            false,
        ),
    ] {
        let benches = [
            bench::<Deadpool>(tasks, yields),
            bench::<Bb8>(tasks, yields),
            bench::<Ours>(tasks, yields),
        ];
        let plan = Plan {
            runs: options.runs(7),
            operations: tasks,
            iterations: Iterations::Lasting(options.run_time()),
        };
        let figures = round_robin(scenario, &benches, plan);
        section += &format!("\n### {scenario}\n\n");
        section += &comparison(book, scenario, DEADPOOL, figures);
    }
    section
}

fn bench<C: PoolContender>(tasks: u64, yields: bool) -> Bench {
    Bench::new(C::NAME, move |iterations| {
        vec![runtime::run(body::<C>(tasks, yields, iterations))]
    })
}

async fn body<C: PoolContender>(tasks: u64, yields: bool, iterations: u64) -> Duration {
    let pool = C::start().await;
    lend_often(&pool, 8, false).await;
    let begun = Instant::now();
    if tasks == 1 {
        lend_often(&pool, iterations, yields).await;
        return begun.elapsed();
    }
    let running: Vec<_> = (0..tasks)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { lend_often(&pool, iterations, yields).await })
        })
        .collect();
    for task in running {
        task.await.expect("it does not panic");
    }
    begun.elapsed()
}

/// Ours over the faster of the two peers.
pub(crate) fn ratio(book: &Book, scenario: &str) -> Option<f64> {
    let peers = [DEADPOOL, BB8].map(|peer| book.median(scenario, peer));
    let best = peers.into_iter().flatten().min_by(f64::total_cmp)?;
    Some(book.median(scenario, POOL)? / best)
}
