//! Calls: one caller, and many at once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::book::Book;
use crate::contenders::{self, Contender, FLOOR, Scenario};
use crate::harness::statistics::Runs;
use crate::harness::{Iterations, Plan, round_robin};
use crate::options::Options;
use crate::report::markdown::{Table, comparison, number};

/// The scenario in the book.
pub(crate) const ONE_CALLER: &str = "call, 1 caller";
/// The scenario in the book.
pub(crate) const MANY_CALLERS: &str = "call, 64 callers";
/// The scenario in the book.
pub(crate) const FROM_INSIDE: &str = "call, from inside an actor";
/// The callers of [`MANY_CALLERS`].
const CALLERS: u64 = 64;

/// One task that calls, waits for the answer and calls again.
#[derive(Clone, Copy)]
pub(crate) struct OneCaller;

/// One actor that calls another, over and over, inside one handler.
#[derive(Clone, Copy)]
struct FromInside;

/// So many tasks that each do the same, to one actor; an iteration is one call by each.
#[derive(Clone, Copy)]
pub(crate) struct Callers(pub(crate) u64);

impl Scenario for OneCaller {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        let address = C::start().await;
        black_box(C::call(&address).await);
        let started = Instant::now();
        for _ in 0..iterations {
            black_box(C::call(&address).await);
        }
        let taken = started.elapsed();
        C::stop_all(vec![address]).await;
        vec![taken]
    }
}

impl Scenario for FromInside {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        let address = C::start().await;
        let callee = address.clone();
        let taken = C::inside(async move {
            black_box(C::call(&callee).await);
            let started = Instant::now();
            for _ in 0..iterations {
                black_box(C::call(&callee).await);
            }
            started.elapsed()
        })
        .await;
        C::stop_all(vec![address]).await;
        vec![taken]
    }
}

impl Scenario for Callers {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        let address = C::start().await;
        let started = Instant::now();
        let callers: Vec<_> = (0..self.0)
            .map(|_| {
                let address = address.clone();
                tokio::spawn(async move {
                    for _ in 0..iterations {
                        black_box(C::call(&address).await);
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("a caller does not panic");
        }
        let taken = started.elapsed();
        C::stop_all(vec![address]).await;
        vec![taken]
    }
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let lasting = Iterations::Lasting(options.run_time());

    let mut benches = contenders::every(OneCaller);
    benches.extend(contenders::other_ways_to_call(OneCaller));
    let plan = Plan {
        runs: options.runs(15),
        operations: 1,
        iterations: lasting,
    };
    let mut section = String::from(
        "## Calls\n\nSend a request, wait for the reply. Whether callers and actor share a worker or talk across \
         cores is settled anew in each run, so a contender may have two modes. They are split at the widest gap \
         between neighbouring runs, if one is wider than a quarter; where there are runs enough, one alone counts as an outlier.\n",
    );
    section += "\n### 1 caller\n\n";
    section += &with_modes(book, ONE_CALLER, round_robin(ONE_CALLER, &benches, plan));

    section += "\n### From inside an actor\n\nThe caller is an actor too, in the middle of a handler. otp-core then also looks whether the call would \
                close a circle of actors that wait for each other.\n\n";
    let benches = contenders::floor_and_otp(FromInside);
    section += &with_modes(book, FROM_INSIDE, round_robin(FROM_INSIDE, &benches, plan));

    let benches = contenders::every(Callers(CALLERS));
    let plan = Plan {
        operations: CALLERS,
        ..plan
    };
    section += "\n### 64 callers of one actor\n\n";
    section += &with_modes(
        book,
        MANY_CALLERS,
        round_robin(MANY_CALLERS, &benches, plan),
    );
    section
}

/// The comparison, and below it every run and the modes that they fall into.
fn with_modes(book: &mut Book, scenario: &str, results: Vec<(&'static str, Vec<Runs>)>) -> String {
    let mut modes = Table::new(&[
        "contender",
        "fast mode",
        "slow mode",
        "all runs, sorted (ns)",
    ]);
    for (name, quantities) in &results {
        let runs = &quantities[0];
        let (fast, slow) = match runs.modes() {
            Some((fast, slow)) => (number(fast), number(slow)),
            None => (number(runs.median()), "–".to_owned()),
        };
        let sorted: Vec<String> = runs.sorted().iter().copied().map(number).collect();
        modes.row(&[(*name).to_owned(), fast, slow, sorted.join(" ")]);
    }
    let mut text = comparison(book, scenario, FLOOR, results);
    text.push('\n');
    text + &modes.render()
}
