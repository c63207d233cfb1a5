//! What one child costs among many: to start it at run time, and to restart it.

use std::time::{Duration, Instant};

use otp_core::SupervisorRef;

use super::START_CHILD;
use super::children::{sizes, tree};
use crate::book::Book;
use crate::contenders::OTP;
use crate::contenders::supervised::otp::{Address, call, child, kill};
use crate::harness::counter::until_alive_at_most;
use crate::harness::runtime;
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// With so many children there the figure goes beside the BEAM's.
const COMPARED: u64 = 10_000;
/// How many restarts there are in one run at most.
const RESTARTS: usize = 2_000;
/// From one child that is killed to the next; it has no divisor in common with a number of children.
pub(crate) const STRIDE: usize = 7_919;

/// How many are started at run time, at most: where there are many, so few that it makes no difference.
fn more(count: u64) -> u64 {
    (count / 10).clamp(100, 1_000)
}

/// The mean time of one `start_child`, in nanoseconds, where `count` are there.
async fn start_child(tree: &SupervisorRef, count: u64, time: Duration) -> f64 {
    let more: Vec<_> = (0..more(count))
        .map(|n| child(format!("one more {n}")))
        .collect();
    let mut begun = 0;
    let started = Instant::now();
    for child in more {
        let server = tree.start_child(child).await;
        drop(server.expect("the child starts"));
        begun += 1;
        if started.elapsed() > time {
            break;
        }
    }
    started.elapsed().as_nanos() as f64 / f64::from(begun)
}

/// The median time from a kill to the next answer, in nanoseconds; `next` tells which child is killed.
///
/// Sums only grow, so an incarnation is known by its answer: it is above `newest`, the largest one so far.
pub(crate) async fn restart(
    children: &[Address],
    newest: &mut u64,
    time: Duration,
    next: impl Fn(usize) -> usize,
) -> f64 {
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < RESTARTS && (times.is_empty() || begun.elapsed() < time) {
        let server = &children[next(times.len()) % children.len()];
        let started = Instant::now();
        kill(server);
        let mut answer = call(server).await;
        while answer <= *newest {
            answer = call(server).await;
        }
        times.push(started.elapsed().as_nanos() as f64);
        *newest = answer;
    }
    Runs::new(times).median()
}

pub(super) fn run(options: &Options, book: &mut Book) -> String {
    let mut table = Table::new(&[
        "children there",
        "`start_child`",
        "kill to answer, the same one",
        "… another one each time",
    ]);
    let time = options.run_time();
    for count in [vec![1], sizes(options)].concat() {
        let started = Instant::now();
        let runs: Vec<[f64; 3]> = (0..options.runs(5))
            .map(|_| {
                runtime::run(async move {
                    until_alive_at_most(0).await;
                    let (tree, children) = tree(count).await;
                    let last = children.last().expect("there are children");
                    let mut newest = call(last).await;
                    let middle = |_| children.len() / 2;
                    let same = restart(&children, &mut newest, time, middle).await;
                    let far = |round| round * STRIDE;
                    let another = restart(&children, &mut newest, time, far).await;
                    let start = start_child(&tree, count, time).await;
                    tree.stop().await.expect("the supervisor stops");
                    [start, same, another]
                })
            })
            .collect();
        let column = |column: usize| Runs::new(runs.iter().map(|run| run[column]).collect());
        let figures = [0, 1, 2].map(column);
        let mut row = vec![count.to_string()];
        row.extend(figures.iter().map(|runs| number(runs.median())));
        table.row(&row);
        let [start, ..] = figures;
        if count == COMPARED {
            book.enter(START_CHILD, OTP, start);
        }
        eprintln!(
            "one of {count} children in {:.1} s",
            started.elapsed().as_secs_f64()
        );
    }
    format!(
        "### One child among many\n\nThe cost of one `start_child` while so many are there (in turn, a tenth as many, but at least 100 and at most 1000, and no longer than a run takes), and of the restart of one child, \
         one-for-one, from its kill until the next incarnation has answered: of the one in the middle over and over, and of one far from the last each time, \
         whose memory is cold where there are many. Median nanoseconds.\n\n{}",
        table.render()
    )
}
