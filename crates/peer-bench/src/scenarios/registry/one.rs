//! What one more child costs while many are there: to start it, and to end it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::book::Book;
use crate::contenders::FLOOR;
use crate::contenders::dynamic::{self, Dynamic, Visit};
use crate::harness::counter::until_alive_at_most;
use crate::harness::{Bench, Iterations, Plan, round_robin, runtime};
use crate::options::Options;
use crate::report::markdown::comparison;

/// How many come and go in one iteration, those of all callers together.
const MORE: u64 = 3_200;

/// A supervisor, and the workers that are there all the time.
struct Crowd<D: Dynamic> {
    supervisor: D,
    /// Kept, for most end when nobody has their address.
    _workers: Vec<D::Worker>,
}

impl<D: Dynamic> Crowd<D> {
    async fn gather(count: u64) -> Self {
        let supervisor = D::new().await;
        let mut workers = Vec::new();
        for _ in 0..count {
            workers.push(supervisor.start_child().await);
        }
        Self {
            supervisor,
            _workers: workers,
        }
    }

    /// Has so many callers start workers at the same time, and then end them.
    async fn come_and_go(self: Arc<Self>, callers: u64, iterations: u64) -> Vec<Duration> {
        let (mut start, mut end) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..iterations {
            let started = Instant::now();
            let starts: Vec<_> = (0..callers)
                .map(|_| tokio::spawn(Arc::clone(&self).come(MORE / callers)))
                .collect();
            let mut more = Vec::new();
            for workers in starts {
                more.push(workers.await.expect("a caller does not panic"));
            }
            start += started.elapsed();
            let started = Instant::now();
            let ends: Vec<_> = more
                .into_iter()
                .map(|workers| tokio::spawn(Arc::clone(&self).go(workers)))
                .collect();
            for ended in ends {
                ended.await.expect("a caller does not panic");
            }
            end += started.elapsed();
        }
        vec![start, end]
    }

    async fn come(self: Arc<Self>, count: u64) -> Vec<D::Worker> {
        let mut workers = Vec::new();
        for _ in 0..count {
            workers.push(self.supervisor.start_child().await);
        }
        workers
    }

    async fn go(self: Arc<Self>, workers: Vec<D::Worker>) {
        for worker in workers {
            self.supervisor.terminate_child(worker).await;
        }
    }
}

/// Gathers a crowd of each kind it visits, and makes a bench of it for each number of callers.
struct Collect {
    there: u64,
    benches: [(u64, Vec<Bench>); 2],
}

impl Visit for Collect {
    fn visit<D: Dynamic>(&mut self) {
        let crowd = Arc::new(runtime::run(Crowd::<D>::gather(self.there)));
        for (callers, benches) in &mut self.benches {
            let (callers, crowd) = (*callers, Arc::clone(&crowd));
            benches.push(Bench::new(D::NAME, move |iterations| {
                runtime::run(Arc::clone(&crowd).come_and_go(callers, iterations))
            }));
        }
    }
}

pub(super) fn run(options: &Options, book: &mut Book) -> String {
    let plan = Plan {
        runs: options.runs(7),
        operations: MORE,
        iterations: Iterations::Fixed(options.size(300).min(3)),
    };
    let mut section = format!(
        "### One more among many\n\nSo many workers are there; {MORE} more are started, each awaited, and ended again, each awaited, by one caller in turn or by \
         64 at the same time. otp-core has them under a `DynamicSupervisor`, which waits for each before it turns to the next, or, told so by `at_once`, for \
         none; beside it `start` and `stop` without a supervisor, and a task that is spawned and joined.\n"
    );
    for there in [1_000, 100_000] {
        let mut collect = Collect {
            there: options.size(there),
            benches: [(1, Vec::new()), (64, Vec::new())],
        };
        dynamic::every(&mut collect);
        for (callers, benches) in collect.benches {
            let word = if callers == 1 { "caller" } else { "callers" };
            let what = format!("{callers} {word}, {there} there");
            let scenario = format!("registry: start_child, {what}");
            let (starts, ends): (Vec<_>, Vec<_>) = round_robin(&scenario, &benches, plan)
                .into_iter()
                .map(|(name, mut quantities)| {
                    let end = quantities.pop().expect("ending is measured");
                    ((name, quantities), (name, vec![end]))
                })
                .unzip();
            section += &format!("\n#### Start, {what}\n\n");
            section += &comparison(book, &scenario, FLOOR, starts);
            section += &format!("\n#### End, {what}\n\n");
            let scenario = format!("registry: terminate_child, {what}");
            section += &comparison(book, &scenario, FLOOR, ends);
        }
        // The crowds go with the benches.
        runtime::run(until_alive_at_most(0));
    }
    section
}
