//! What is shared, with its fast paths, against the machine alone, which has none.

#![expect(clippy::unwrap_used, reason = "a test may")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;

use super::Shared;
use crate::machine::{End, Machine, Rules};
use crate::{BreakerConfig, Hooks, Outcome, SlowCall, State, WindowConfig, WindowSize};

#[derive(Debug, Clone, Copy)]
enum Op {
    Call,
    End(usize, End),
    Pass(u64),
    Look,
    Trip,
    Isolate,
    Reset,
}

fn op() -> impl Strategy<Value = Op> {
    let end = prop_oneof![
        5 => Just(End::Recorded(Outcome::Success)),
        6 => Just(End::Recorded(Outcome::Failure)),
        1 => Just(End::Recorded(Outcome::Ignored)),
        1 => Just(End::Cancelled),
    ];
    prop_oneof![
        20 => Just(Op::Call),
        20 => (any::<usize>(), end).prop_map(|(which, end)| Op::End(which, end)),
        8 => (0..30_u64).prop_map(Op::Pass),
        4 => Just(Op::Look),
        1 => Just(Op::Trip),
        1 => prop_oneof![3 => Just(Op::Look), 1 => Just(Op::Isolate)],
        1 => Just(Op::Reset),
    ]
}

fn config() -> impl Strategy<Value = BreakerConfig> {
    let ms = Duration::from_millis;
    let slow = SlowCall {
        duration: ms(10),
        percent: 60,
    };
    let window = prop_oneof![
        2 => Just(None),
        1 => (4..12_u32).prop_map(|calls| Some(WindowSize::Calls(calls))),
        1 => (10..60_u64).prop_map(move |time| Some(WindowSize::Time(ms(time)))),
    ];
    let thresholds = (1..5_u32, 1..4_u32, 1..4_u32);
    (window, thresholds, 1..40_u64, 0..30_u64, any::<bool>()).prop_map(
        move |(size, (failures, successes, trials), reset, ramp, is_slow)| BreakerConfig {
            failure_threshold: Some(failures),
            success_threshold: successes,
            half_open_trials: trials,
            reset_timeout: ms(reset),
            max_reset_timeout: Some(ms(reset * 3)),
            half_open_timeout: ms(25),
            ramp: (ramp > 0).then(|| ms(ramp)),
            window: size.map(|size| WindowConfig {
                size,
                minimum_calls: 4,
                failure_percent: 50,
                slow_call: is_slow.then_some(slow),
            }),
            ..BreakerConfig::default()
        },
    )
}

fn run(config: BreakerConfig, ops: &[Op]) -> Result<(), TestCaseError> {
    let shared = Shared::new(&config, Hooks::new());
    let mut machine = Machine::new(Rules::new(&config), 0);
    let mut calls = Vec::new();
    for op in ops {
        let now = shared.clock.now();
        match *op {
            Op::Call => {
                let (ours, theirs) = (shared.acquire(), machine.admit(now));
                prop_assert_eq!(ours.is_ok(), theirs.is_ok(), "{:?} at {}", op, now);
                if let (Err(ours), Err(theirs)) = (ours, theirs) {
                    prop_assert_eq!(ours.state(), theirs.state);
                    let again = ours.retry_after().map(|again| again.as_nanos());
                    let is_isolated = theirs.state == State::Isolated;
                    prop_assert_eq!(
                        again,
                        (!is_isolated).then(|| u128::from(theirs.again - now))
                    );
                }
                calls.extend(ours.ok().zip(theirs.ok()).map(|both| (both, now)));
            }
            Op::End(which, end) if !calls.is_empty() => {
                let ((ticket, generation), begun) = calls.swap_remove(which % calls.len());
                shared.end(ticket, end);
                machine.record(generation, end, now - begun, now);
            }
            Op::Pass(millis) => {
                let pass = tokio::time::advance(Duration::from_millis(millis));
                futures_done(pass);
            }
            Op::End(..) | Op::Look => {}
            Op::Trip => {
                shared.trip();
                machine.trip(now);
            }
            Op::Isolate => {
                shared.isolate();
                machine.isolate(now);
            }
            Op::Reset => {
                shared.reset();
                machine.reset(now);
            }
        }
        // Neither is asked after each step, so that the fast paths meet what nobody has looked at yet.
        if matches!(op, Op::Look) {
            machine.advance(shared.clock.now());
            prop_assert_eq!(shared.state(), machine.state());
            let spotless = machine.state() == State::Closed && machine.failures() == 0;
            prop_assert_eq!(shared.is_spotless(), spotless);
            let stats = shared.stats();
            prop_assert_eq!(stats.failure_count, machine.failures());
            prop_assert_eq!(stats.success_count, machine.successes());
            let window = machine
                .tally()
                .map(|window| (window.calls, window.failures, window.slow));
            let in_window = stats.window.map(|window| {
                (
                    window.calls as u64,
                    window.failures as u64,
                    window.slow as u64,
                )
            });
            prop_assert_eq!(in_window, window);
            prop_assert_eq!(stats.in_flight, calls.len());
        }
    }
    Ok(())
}

/// Runs what waits for nothing but its turn.
fn futures_done(work: impl Future<Output = ()>) {
    let mut work = std::pin::pin!(work);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    while work.as_mut().poll(&mut cx).is_pending() {}
}

proptest! {
    /// Whatever is done: the fast paths and the lock give what the machine gives.
    #[test]
    fn what_is_shared_equals_its_machine(config in config(), ops in vec(op(), 0..150)) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let result = runtime.block_on(async { run(config, &ops) });
        result?;
    }
}
