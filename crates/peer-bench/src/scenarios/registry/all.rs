//! All workers of one supervisor: to start them, and to stop them.

use std::time::{Duration, Instant};

use super::STOP;
use crate::book::Book;
use crate::contenders::OTP;
use crate::contenders::dynamic::{self, Dynamic, Visit};
use crate::harness::counter::{alive, until_alive_at_most};
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// With so many children the figure goes beside the BEAM's.
const COMPARED: u64 = 10_000;
/// How many are started and stopped in a run, at least.
const AT_LEAST: u64 = 20_000;

/// Starts so many workers, and stops them all.
async fn start_and_stop<D: Dynamic>(count: u64) -> [Duration; 2] {
    until_alive_at_most(0).await;
    let supervisor = D::new().await;
    let mut workers = Vec::with_capacity(usize::try_from(count).expect("the count fits"));
    let started = Instant::now();
    for _ in 0..count {
        workers.push(supervisor.start_child().await);
    }
    let start = started.elapsed();
    assert_eq!(alive(), count, "every worker lives");
    let started = Instant::now();
    supervisor.stop(workers).await;
    let stop = started.elapsed();
    assert_eq!(alive(), 0, "no worker lives");
    [start, stop]
}

/// Makes a bench of each kind it visits.
struct Collect {
    count: u64,
    benches: Vec<Bench>,
}

impl Visit for Collect {
    fn visit<D: Dynamic>(&mut self) {
        let count = self.count;
        self.benches.push(Bench::new(D::NAME, move |iterations| {
            runtime::run(async move {
                let mut sums = [Duration::ZERO; 2];
                for _ in 0..iterations {
                    let times = start_and_stop::<D>(count).await;
                    sums = [sums[0] + times[0], sums[1] + times[1]];
                }
                sums.to_vec()
            })
        }));
    }
}

pub(super) fn run(options: &Options, book: &mut Book) -> String {
    let mut tables = None;
    for count in [1_000, 10_000, 100_000].map(|count| options.size(count)) {
        let mut collect = Collect {
            count,
            benches: Vec::new(),
        };
        dynamic::every(&mut collect);
        let plan = Plan {
            runs: options.runs(5),
            operations: count,
            iterations: Iterations::Fixed((options.size(AT_LEAST) / count).max(1)),
        };
        let what = format!("start and stop {count} workers");
        let results = round_robin(&what, &collect.benches, plan);
        let [starts, stops] = tables.get_or_insert_with(|| {
            let mut headers = vec!["workers"];
            headers.extend(results.iter().map(|(name, _)| *name));
            [Table::new(&headers), Table::new(&headers)]
        });
        let (mut start_row, mut stop_row) = (vec![count.to_string()], vec![count.to_string()]);
        for (name, quantities) in results {
            let [start, stop] = &quantities[..] else {
                unreachable!("both are measured");
            };
            start_row.push(number(start.median()));
            stop_row.push(number(stop.median()));
            if count == COMPARED && name == OTP {
                book.enter(STOP, OTP, stop.clone());
            }
        }
        starts.row(&start_row);
        stops.row(&stop_row);
    }
    let [starts, stops] = tables.map_or_else(Default::default, |tables| tables.map(Table::render));
    format!(
        "### All workers of one supervisor\n\nSo many workers are started in turn, each awaited, and stopped all together: by a `stop` of their supervisor, which asks all and \
         then waits for all; without one by `stop().await` in turn; the floor's by dropping all addresses and joining all tasks. Median nanoseconds for each.\n\n#### Start\n\n{starts}\n#### Stop\n\n{stops}"
    )
}
