//! Starting and stopping all children of one supervisor.

use std::time::{Duration, Instant};

use otp_core::{Supervisor, SupervisorRef};

use super::{START, STOP};
use crate::book::Book;
use crate::contenders::OTP;
use crate::contenders::supervised::otp::{Address, child, supervisor, worker};
use crate::harness::counter::{alive, until_alive_at_most};
use crate::harness::runtime;
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// With so many children the figures go beside the BEAM's.
const COMPARED: u64 = 100_000;

/// A supervisor with so many children, and their addresses.
fn specification(count: u64) -> (Supervisor, Vec<Address>) {
    let mut addresses = Vec::with_capacity(usize::try_from(count).expect("the count fits"));
    let mut specification = supervisor();
    for number in 0..count {
        let child = child(format!("child {number}"));
        addresses.push(child.server_ref());
        specification = specification.child(child);
    }
    (specification, addresses)
}

/// The same, started.
pub(super) async fn tree(count: u64) -> (SupervisorRef, Vec<Address>) {
    let (specification, addresses) = specification(count);
    let tree = specification.start().await;
    (tree.expect("the supervisor starts"), addresses)
}

/// To specify, start and stop so many children.
async fn supervised(count: u64) -> [Duration; 3] {
    let started = Instant::now();
    let (specification, addresses) = specification(count);
    let specified = started.elapsed();
    let started = Instant::now();
    let tree = specification.start().await;
    let start = started.elapsed();
    assert_eq!(alive(), count, "every child lives");
    let tree = tree.expect("the supervisor starts");
    let started = Instant::now();
    tree.stop().await.expect("the supervisor stops");
    let stop = started.elapsed();
    assert_eq!(alive(), 0, "no child lives");
    drop(addresses);
    [specified, start, stop]
}

/// To start and stop as many servers without a supervisor, one after the other as well.
async fn alone(count: u64) -> [Duration; 2] {
    let mut addresses = Vec::with_capacity(usize::try_from(count).expect("the count fits"));
    let started = Instant::now();
    for _ in 0..count {
        let server = otp_core::start(worker()).await;
        addresses.push(server.expect("the server starts"));
    }
    let start = started.elapsed();
    let started = Instant::now();
    for address in addresses.iter().rev() {
        address.stop().await.expect("the server stops");
    }
    [start, started.elapsed()]
}

pub(super) fn run(options: &Options, book: &mut Book) -> String {
    let mut table = Table::new(&[
        "children",
        "specify",
        "start",
        "÷ alone",
        "stop",
        "÷ alone",
        "start alone",
        "stop alone",
    ]);
    for count in sizes(options) {
        let started = Instant::now();
        let runs: Vec<[f64; 5]> = (0..options.runs(5))
            .map(|_| {
                runtime::run(async move {
                    until_alive_at_most(0).await;
                    let [specify, start, stop] = supervised(count).await;
                    let [start_alone, stop_alone] = alone(count).await;
                    [specify, start, stop, start_alone, stop_alone]
                        .map(|time| time.as_nanos() as f64 / count as f64)
                })
            })
            .collect();
        let column = |column: usize| Runs::new(runs.iter().map(|run| run[column]).collect());
        let [specify, start, stop, start_alone, stop_alone] = [0, 1, 2, 3, 4].map(column);
        table.row(&[
            count.to_string(),
            number(specify.median()),
            number(start.median()),
            format!("{:.2}", start.median() / start_alone.median()),
            number(stop.median()),
            format!("{:.2}", stop.median() / stop_alone.median()),
            number(start_alone.median()),
            number(stop_alone.median()),
        ]);
        if count == COMPARED {
            book.enter(START, OTP, start);
            book.enter(STOP, OTP, stop);
        }
        eprintln!(
            "a supervisor with {count} children in {:.1} s",
            started.elapsed().as_secs_f64()
        );
    }
    format!(
        "### All children of one supervisor\n\nSo many children of one supervisor of otp-core: to specify them, to start them in order, each when the `init` \
         of the one before has returned, and to stop them in order, each when the one after it has ended. Beside it as many servers without a supervisor, each \
         started with `start().await` and stopped with `stop().await` in turn. Nanoseconds for each child.\n\n{}",
        table.render()
    )
}

/// How many children are tried.
pub(super) fn sizes(options: &Options) -> Vec<u64> {
    let largest = if options.quick { 4 } else { 5 };
    (3..=largest).map(|power| 10u64.pow(power)).collect()
}
