//! Starting actors, all kept alive, and stopping them.

use std::time::{Duration, Instant};

use crate::book::Book;
use crate::contenders::{self, Contender, FLOOR, Scenario};
use crate::harness::counter::{alive, until_alive_at_most};
use crate::harness::{Iterations, Plan, round_robin};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const START: &str = "start";
/// The scenario in the book.
pub(crate) const STOP: &str = "stop";

/// Starts as many actors as there are iterations, one after the other, then stops them all.
#[derive(Clone, Copy)]
struct StartAndStop;

impl Scenario for StartAndStop {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        // What was stopped before this run may still be ending.
        until_alive_at_most(0).await;
        let mut addresses =
            Vec::with_capacity(usize::try_from(iterations).expect("the count fits"));
        let started = Instant::now();
        for _ in 0..iterations {
            addresses.push(C::start().await);
        }
        let start = started.elapsed();
        assert_eq!(alive(), iterations, "every actor lives");
        // Where starts are not awaited, some actors may not have run yet.
        tokio::time::sleep(Duration::from_millis(20)).await;
        let started = Instant::now();
        C::stop_all(addresses).await;
        until_alive_at_most(0).await;
        vec![start, started.elapsed()]
    }
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let count = options.size(100_000);
    let plan = Plan {
        runs: options.runs(7),
        operations: 1,
        iterations: Iterations::Fixed(count),
    };
    #[cfg_attr(
        not(feature = "otp"),
        expect(unused_mut, reason = "otp-core adds a row")
    )]
    let mut benches = contenders::every(StartAndStop);
    #[cfg(feature = "otp")]
    benches.push(contenders::bench::<contenders::otp::OtpStop, _>(
        StartAndStop,
    ));
    let (starts, stops): (Vec<_>, Vec<_>) = round_robin("start and stop", &benches, plan)
        .into_iter()
        .map(|(name, mut quantities)| {
            let stop = quantities.pop().expect("stopping is measured");
            ((name, quantities), (name, vec![stop]))
        })
        .unzip();
    // Starting is the same for the rows that differ only in how they stop.
    let starts: Vec<_> = starts
        .into_iter()
        .take(contenders::every(StartAndStop).len())
        .collect();
    let mut section = format!(
        "## Start and stop\n\n{count} actors, started one after the other and kept alive. otp-core, ractor and kameo wait until the actor is \
         initialised; the floor, xtra and actix only spawn it.\n\n### Start\n\n"
    );
    section += &comparison(book, START, FLOOR, starts);
    section += "\n### Stop\n\nFrom the first request until the last state is dropped. Handles are dropped, except that ractor is told to stop.\n\n";
    section += &comparison(book, STOP, FLOOR, stops);
    section
}
