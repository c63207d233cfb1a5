//! How cost grows with the length of a mailbox, the number of callers and the number of live actors.

use std::hint::black_box;
use std::time::{Duration, Instant};

use super::call::Callers;
use crate::book::Book;
use crate::contenders::{self, Contender, Scenario};
use crate::harness::counter::until_alive_at_most;
use crate::harness::{Bench, Iterations, Plan, round_robin};
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// A mailbox filled while the actor does not run, then a call that is answered after all of it; an iteration is one filling.
#[derive(Clone, Copy)]
struct Backlog(u64);

/// One more thousand of actors started while so many live.
#[derive(Clone, Copy)]
struct OneMore(u64);

/// How many actors [`OneMore`] starts in one iteration.
const MORE: u64 = 1_000;

impl Scenario for Backlog {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        let address = C::start().await;
        black_box(C::call(&address).await);
        let mut taken = Duration::ZERO;
        for _ in 0..iterations {
            for n in 0..self.0 {
                C::cast(&address, black_box(n)).await;
            }
            let started = Instant::now();
            black_box(C::call(&address).await);
            taken += started.elapsed();
        }
        C::stop_all(vec![address]).await;
        vec![taken]
    }
}

impl Scenario for OneMore {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        until_alive_at_most(0).await;
        let mut alive = Vec::with_capacity(usize::try_from(self.0).expect("the count fits"));
        for _ in 0..self.0 {
            alive.push(C::start().await);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut taken = Duration::ZERO;
        // The first thousand is not counted.
        for iteration in 0..=iterations {
            let mut more = Vec::with_capacity(MORE as usize);
            let started = Instant::now();
            for _ in 0..MORE {
                more.push(C::start().await);
            }
            if iteration > 0 {
                taken += started.elapsed();
            }
            C::stop_all(more).await;
            until_alive_at_most(self.0).await;
        }
        C::stop_all(alive).await;
        until_alive_at_most(0).await;
        vec![taken]
    }
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let runs = options.runs(5);
    let lasting = Iterations::Lasting(options.run_time());
    let powers =
        |from: u32, to: u32| -> Vec<u64> { (from..=to).map(|power| 10u64.pow(power)).collect() };
    let largest = if options.quick { 4 } else { 6 };

    let mut section = String::from(
        "## How cost grows\n\nMedian nanoseconds per operation; flat means linear in all.\n\n### Backlog\n\n",
    );
    section += "So many messages wait when the actor first runs, and a call after them; time until its answer ÷ waiting messages. On a single \
                thread, so that the actor cannot begin earlier.\n\n";
    section += &lines(
        book,
        "backlog",
        &powers(0, largest),
        contenders::every_single,
        Backlog,
        |size| Plan {
            runs,
            operations: size,
            iterations: lasting,
        },
    );

    section += "\n### Callers of one actor\n\n";
    section += &lines(
        book,
        "callers",
        &powers(0, largest.min(4)),
        contenders::every,
        Callers,
        |size| Plan {
            runs,
            operations: size,
            iterations: lasting,
        },
    );

    section += &format!(
        "\n### Live actors\n\nThe cost of one start while so many live ({MORE} more at a time, stopped again between).\n\n"
    );
    let iterations = Iterations::Fixed(options.size(50).max(5));
    section += &lines(
        book,
        "live",
        &powers(3, largest),
        contenders::floor_and_otp,
        OneMore,
        |_| Plan {
            runs,
            operations: MORE,
            iterations,
        },
    );
    section
}

/// A table with a line for each size and a column for each contender.
fn lines<S: Scenario>(
    book: &mut Book,
    what: &str,
    sizes: &[u64],
    benches: fn(S) -> Vec<Bench>,
    scenario: fn(u64) -> S,
    plan: impl Fn(u64) -> Plan,
) -> String {
    let mut table = None;
    for &size in sizes {
        let key = format!("{what} {size}");
        let results = round_robin(&key, &benches(scenario(size)), plan(size));
        let table = table.get_or_insert_with(|| {
            let mut headers = vec![what];
            headers.extend(results.iter().map(|(name, _)| *name));
            Table::new(&headers)
        });
        let mut row = vec![size.to_string()];
        for (name, mut quantities) in results {
            let runs = quantities.remove(0);
            row.push(number(runs.median()));
            book.enter(&key, name, runs);
        }
        table.row(&row);
    }
    table.map_or_else(String::new, |table| table.render())
}
