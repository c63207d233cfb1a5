//! From the kill of one child among many until its next incarnation has answered.

use std::time::{Duration, Instant};

use super::KEYS;
use crate::contenders::dynamic::Dynamic;
use crate::contenders::dynamic::otp::{AtOnce, OneByOne};
use crate::contenders::supervised::otp::{Address, call};
use crate::harness::counter::until_alive_at_most;
use crate::harness::runtime;
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::{Table, number};
use crate::scenarios::supervision::{STRIDE, restart};

/// Of one run: the same child over and over, and another one each time, in nanoseconds.
async fn restarts<D: Dynamic<Worker = Address>>(count: u64, time: Duration) -> [f64; 2] {
    until_alive_at_most(0).await;
    let supervisor = D::new().await;
    let mut children = Vec::new();
    for _ in 0..count {
        children.push(supervisor.start_child().await);
    }
    let last = children.last().expect("there are children");
    let mut newest = call(last).await;
    let middle = |_| children.len() / 2;
    let same = restart(&children, &mut newest, time, middle).await;
    let far = |round| round * STRIDE;
    let another = restart(&children, &mut newest, time, far).await;
    supervisor.stop(children).await;
    [same, another]
}

/// A row of the table.
fn row<D: Dynamic<Worker = Address>>(options: &Options, count: u64) -> [String; 3] {
    let started = Instant::now();
    let time = options.run_time();
    let runs: Vec<[f64; 2]> = (0..options.runs(5))
        .map(|_| runtime::run(restarts::<D>(count, time)))
        .collect();
    eprintln!(
        "restarts among {count}: {} in {:.1} s",
        D::NAME,
        started.elapsed().as_secs_f64()
    );
    let median = |column: usize| {
        let figures = runs.iter().map(|run| run[column]).collect();
        number(Runs::new(figures).median())
    };
    [D::NAME.to_owned(), median(0), median(1)]
}

pub(super) fn run(options: &Options) -> String {
    let count = options.size(KEYS);
    let mut table = Table::new(&["", "the same one", "another one each time"]);
    table.row(&row::<OneByOne>(options, count));
    table.row(&row::<AtOnce>(options, count));
    format!(
        "### One of {count} restarted\n\nFrom the kill of one child of a `DynamicSupervisor` until its next incarnation has answered: of the one in the middle over and \
         over, and of one far from the last each time. Median nanoseconds.\n\n{}",
        table.render()
    )
}
