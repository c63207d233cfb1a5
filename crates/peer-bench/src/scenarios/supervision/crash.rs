//! From the crash of an actor until the next incarnation has answered a call.

use std::panic;
use std::time::{Duration, Instant};

use super::{KILL, PANIC};
use crate::book::Book;
use crate::contenders::FLOOR;
use crate::contenders::supervised::{CRASH, Supervised, floor, floor_kept, kameo, otp, ractor};
use crate::harness::runtime;
use crate::harness::statistics::Runs;
use crate::options::Options;
use crate::report::markdown::{Table, number};

/// The rounds of one run; before them a tenth as many that are not counted.
const ROUNDS: u64 = 20_000;

/// After so many calls it is a fault of the contender that nobody new has answered.
const CALLS: u32 = 1_000_000;

/// How the actor is made to end.
#[derive(Clone, Copy)]
enum Crash {
    Kill,
    Panic,
}

/// One contender: the time of each round.
type Contender = (&'static str, fn(Crash, u64) -> Vec<Duration>);

const CONTENDERS: [Contender; 5] = [
    (floor::Floor::NAME, rounds::<floor::Floor>),
    (floor_kept::FloorKept::NAME, rounds::<floor_kept::FloorKept>),
    (otp::Otp::NAME, rounds::<otp::Otp>),
    (ractor::Ractor::NAME, rounds::<ractor::Ractor>),
    (kameo::Kameo::NAME, rounds::<kameo::Kameo>),
];

fn rounds<S: Supervised>(crash: Crash, count: u64) -> Vec<Duration> {
    runtime::run(async move {
        let mut actor = S::start().await;
        let mut times = Vec::new();
        let mut last = answer(&mut actor, None).await;
        for round in 0..count + count / 10 {
            let started = Instant::now();
            match crash {
                Crash::Kill => actor.kill(),
                Crash::Panic => actor.panic(),
            }
            let answer = answer(&mut actor, Some(last)).await;
            let taken = started.elapsed();
            if round >= count / 10 {
                times.push(taken);
            }
            last = answer;
        }
        actor.stop().await;
        times
    })
}

/// The first answer that is not `last`, which the old incarnation gives once more if it has not noticed yet.
async fn answer<S: Supervised>(actor: &mut S, last: Option<u64>) -> u64 {
    for _ in 0..CALLS {
        if let Some(answer) = actor.call().await
            && last != Some(answer)
        {
            return answer;
        }
    }
    panic!("{}: nobody new answers {CALLS} calls", S::NAME)
}

/// Of the rounds of one run, in nanoseconds: how long half of them took at most, and how long 99 in 100.
fn quantiles(mut times: Vec<Duration>) -> (f64, f64) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64;
    (at(0.5), at(0.99))
}

pub(super) fn run(options: &Options, book: &mut Book) -> String {
    let runs = options.runs(15);
    let count = options.size(ROUNDS);
    let mut section = format!(
        "### From a crash to the next answer\n\nAn actor is made to end and called at once; a round is over when an incarnation has answered that was \
         not there before. {runs} runs of {count} rounds each: half and 99 in 100 of a run's rounds took at most so long, as the median of the runs; \
         the smallest and the largest are of the runs' medians. otp-core is called through the address that it has for ever, and so are the floor whose \
         mailbox is kept and kameo, with its own supervision; for the plain floor and for ractor, whose supervisor is written by hand, a `watch` channel \
         tells the caller of each new address. xtra has no supervision. actix is left out: its `Supervisor` goes on with the same actor \
         after a stop that the actor itself asked for, and catches no panic.\n"
    );
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some(CRASH) {
            before(info);
        }
    }));
    for (crash, scenario, title) in [
        (Crash::Kill, KILL, "Killed from outside"),
        (Crash::Panic, PANIC, "A panic in the handler, not printed"),
    ] {
        section += &format!(
            "\n#### {title}\n\n{}",
            table(book, scenario, crash, runs, count)
        );
    }
    section
}

fn table(book: &mut Book, scenario: &str, crash: Crash, runs: usize, count: u64) -> String {
    let started = Instant::now();
    let mut figures = vec![(Vec::new(), Vec::new()); CONTENDERS.len()];
    for run in 0..runs {
        for turn in 0..CONTENDERS.len() {
            let index = (run + turn) % CONTENDERS.len();
            let (_, rounds) = CONTENDERS[index];
            let (half, most) = quantiles(rounds(crash, count));
            figures[index].0.push(half);
            figures[index].1.push(most);
        }
    }
    eprintln!(
        "{scenario}: {} contenders in {:.1} s",
        CONTENDERS.len(),
        started.elapsed().as_secs_f64()
    );
    let mut table = Table::new(&[
        "contender",
        "half of the rounds, ns",
        "min–max",
        "÷ floor",
        "99 in 100, ns",
    ]);
    for ((name, _), (half, most)) in CONTENDERS.iter().zip(figures) {
        let half = Runs::new(half);
        book.enter(scenario, name, half.clone());
        let ratio = book.ratio(scenario, name, FLOOR);
        table.row(&[
            (*name).to_owned(),
            number(half.median()),
            format!("{}–{}", number(half.min()), number(half.max())),
            ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}")),
            number(Runs::new(most).median()),
        ]);
    }
    table.render()
}
