//! Runs the contenders of one scenario in turn, so that noise hits all of them alike.

pub(crate) mod counter;
pub(crate) mod random;
pub(crate) mod runtime;
pub(crate) mod statistics;
pub(crate) mod threads;

use std::time::{Duration, Instant};

use self::statistics::Runs;

/// One contender in one scenario: a number of iterations in, the time of each measured quantity out.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    run: Box<dyn Fn(u64) -> Vec<Duration>>,
}

impl Bench {
    pub(crate) fn new(name: &'static str, run: impl Fn(u64) -> Vec<Duration> + 'static) -> Self {
        Self {
            name,
            run: Box::new(run),
        }
    }
}

/// How often and how long each contender runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Measured runs of each contender.
    pub(crate) runs: usize,
    /// Operations in one iteration; figures are nanoseconds per operation.
    pub(crate) operations: u64,
    /// How many iterations a run has.
    pub(crate) iterations: Iterations,
}

/// The length of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Iterations {
    Fixed(u64),
    /// As many as take about this long, found by trying; also the warm-up.
    Lasting(Duration),
}

/// Measures each contender `plan.runs` times, one after the other and over again, beginning with another one each round.
///
/// The result is in the order of `benches`: for each contender the runs of each measured quantity.
pub(crate) fn round_robin(
    scenario: &str,
    benches: &[Bench],
    plan: Plan,
) -> Vec<(&'static str, Vec<Runs>)> {
    let started = Instant::now();
    let iterations: Vec<u64> = benches
        .iter()
        .map(|bench| iterations(bench, plan.iterations))
        .collect();
    let mut figures: Vec<Vec<Vec<f64>>> = vec![Vec::new(); benches.len()];
    for round in 0..plan.runs {
        for turn in 0..benches.len() {
            let index = (round + turn) % benches.len();
            let count = iterations[index];
            let times = (benches[index].run)(count);
            let of_contender = &mut figures[index];
            of_contender.resize(times.len(), Vec::new());
            for (quantity, time) in of_contender.iter_mut().zip(times) {
                quantity.push(time.as_nanos() as f64 / (count * plan.operations) as f64);
            }
        }
    }
    eprintln!(
        "{scenario}: {} contenders in {:.1} s",
        benches.len(),
        started.elapsed().as_secs_f64()
    );
    benches
        .iter()
        .zip(figures)
        .map(|(bench, quantities)| (bench.name, quantities.into_iter().map(Runs::new).collect()))
        .collect()
}

fn iterations(bench: &Bench, wanted: Iterations) -> u64 {
    let target = match wanted {
        Iterations::Fixed(count) => return count,
        Iterations::Lasting(target) => target,
    };
    let mut count = 1;
    loop {
        let taken = (bench.run)(count)
            .iter()
            .sum::<Duration>()
            .max(Duration::from_nanos(1));
        let factor = target.as_secs_f64() / taken.as_secs_f64();
        if factor <= 2.0 {
            // The last trial was long enough to scale from.
            return ((count as f64 * factor) as u64).max(1);
        }
        count = (count as f64 * factor.min(10.0)).ceil() as u64;
    }
}
