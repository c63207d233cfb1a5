//! Runs a scenario in many orders.

use std::cell::Cell;
use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Instant;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

/// Names the number of schedules that each scheduler tries of each scenario.
const COUNT: &str = "OTP_SCHEDULES";
/// Name the one schedule to run instead, and the scenario that it is of.
const REPLAY: &str = "OTP_SCHEDULES_REPLAY";
const SCENARIO: &str = "OTP_SCHEDULES_SCENARIO";
const DEFAULT_COUNT: usize = 2_000;

/// How many preemptions the second scheduler spends on each schedule. Nearly every known fault of
/// concurrent programs needs no more.
const DEPTH: usize = 3;

thread_local! {
    static PANICS: Cell<u64> = const { Cell::new(0) };
}

/// Runs `scenario` in many orders: half of them choose at random who goes on, the other half let each
/// thread run until it is preempted at one of a few places.
///
/// # Panics
///
/// If the scenario fails in one of them, or `OTP_SCHEDULES` is no number.
pub fn check(name: &str, scenario: impl Fn() + Copy + Send + Sync + 'static) {
    count_panics();
    if let Ok(schedule) = env::var(REPLAY) {
        if env::var(SCENARIO).is_ok_and(|scenario| scenario == name) {
            // It is printed in lines, and comes back in one.
            let schedule: String = schedule.split_whitespace().collect();
            let scheduler = ReplayScheduler::new_from_encoded(&schedule);
            let schedules = run(name, "given", scheduler, scenario);
            println!("schedules: {schedules} of {name} in 0.0 s");
        }
        return;
    }
    let count = env::var(COUNT).map_or(DEFAULT_COUNT, |count| {
        count.parse().expect("OTP_SCHEDULES is a number")
    });
    let begun = Instant::now();
    let schedules = run(name, "at random", RandomScheduler::new(count), scenario)
        + run(
            name,
            "with few preemptions",
            PctScheduler::new(DEPTH, count),
            scenario,
        );
    // One line in one piece, for the tests of other threads print too.
    println!(
        "schedules: {schedules} of {name} in {:.1} s",
        begun.elapsed().as_secs_f64()
    );
}

fn run(
    name: &str,
    kind: &str,
    scheduler: impl Scheduler + 'static,
    scenario: impl Fn() + Send + Sync + 'static,
) -> usize {
    let mut config = Config::new();
    config.silence_warnings = true;
    config.stack_size = 1 << 18;
    // A scenario takes some hundred steps. One that takes so many more runs in a circle.
    config.max_steps = MaxSteps::FailAfter(50_000);
    PANICS.set(0);
    let begun = Arc::new(AtomicUsize::new(0));
    let counted = {
        let begun = Arc::clone(&begun);
        move || {
            begun.fetch_add(1, Ordering::Relaxed);
            scenario();
        }
    };
    let run = AssertUnwindSafe(|| Runner::new(scheduler, config).run(counted));
    match panic::catch_unwind(run) {
        // A process contains its panics, those of the checker and of a wrong assertion too.
        Ok(schedules) if PANICS.get() == 0 => schedules,
        outcome => {
            let begun = begun.load(Ordering::Relaxed);
            println!("schedules: {name} failed in schedule {begun} of those {kind}");
            match outcome {
                Ok(_) => panic!("something panicked in a task or a process"),
                Err(failure) => panic::resume_unwind(failure),
            }
        }
    }
}

fn count_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            PANICS.set(PANICS.get() + 1);
            before(info);
        }));
    });
}
