//! A machine against a plain model: the same lists of outcomes, kept whole and gone through anew at each step, and a clock that is
//! looked at in every moment.

#![expect(clippy::unwrap_used, reason = "a test may")]

use otp_core::backoff::Backoff;
use otp_core::clock::NEVER;
use proptest::collection::vec;
use proptest::prelude::*;

use super::ramp::{WHOLE, share};
use super::rules::Rates;
use super::{End, Machine, Refusal, Rules};
use crate::event::Cause;
use crate::window::Size;
use crate::{Outcome, State};

#[derive(Debug, Clone, Copy)]
enum Op {
    Call,
    End(usize, Option<Outcome>),
    Pass(u64),
    Ask,
    Trip,
    Isolate,
    Reset,
}

fn op() -> impl Strategy<Value = Op> {
    let end = prop_oneof![
        4 => Just(Some(Outcome::Success)),
        4 => Just(Some(Outcome::Failure)),
        1 => Just(Some(Outcome::Ignored)),
        1 => Just(None),
    ];
    prop_oneof![
        20 => Just(Op::Call),
        20 => (any::<usize>(), end).prop_map(|(which, end)| Op::End(which, end)),
        8 => (0..30_u64).prop_map(Op::Pass),
        3 => Just(Op::Ask),
        1 => Just(Op::Trip),
        1 => prop_oneof![3 => Just(Op::Ask), 1 => Just(Op::Isolate)],
        1 => Just(Op::Reset),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let window = prop_oneof![
        Just(None),
        (1..12_u32).prop_map(|calls| Some(Size::Calls(calls))),
        (10..60_u64).prop_map(|time| Some(Size::Time(time))),
    ];
    let rates = (1..6_u64, 1..=100_u64, 1..=130_u64);
    let thresholds = (proptest::option::of(1..5_u32), 1..4_u32, 1..4_u32);
    (
        window,
        rates,
        thresholds,
        1..40_u64,
        0..30_u64,
        any::<bool>(),
    )
        .prop_map(
            |(
                window,
                (minimum, failure, slow),
                (failures, successes, trials),
                reset,
                ramp,
                grows,
            )| {
                let first = std::time::Duration::from_nanos(reset);
                Rules {
                    failure_threshold: if window.is_none() {
                        failures.or(Some(3))
                    } else {
                        failures
                    },
                    success_threshold: successes,
                    half_open_trials: trials,
                    half_open_timeout: 25,
                    call_timeout: 12,
                    ramp,
                    window,
                    rates: Rates {
                        minimum_calls: minimum,
                        failure_percent: failure,
                        slow_percent: slow,
                    },
                    slow: (slow <= 100).then_some(10),
                    backoff: if grows {
                        Backoff::exponential(first, first * 5)
                    } else {
                        Backoff::constant(first)
                    },
                }
            },
        )
}

/// The breaker as its documentation has it.
struct Model {
    rules: Rules,
    now: u64,
    state: State,
    /// Since when it is in this state.
    since: u64,
    /// How long it is open.
    open_for: u64,
    reopened: u32,
    /// All calls that were let through since then and have not ended: number and beginning.
    under_way: Vec<(usize, u64)>,
    /// All that have ended since then: when, whether failed, whether slow.
    ended: Vec<(u64, bool, bool)>,
    /// When a trial ended, or began as the only one.
    progress: u64,
    /// The shares of all calls that came since then, let through or not.
    shares: Vec<u64>,
    let_through: u64,
}

impl Model {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            now: 0,
            state: State::Closed,
            since: 0,
            open_for: 0,
            reopened: 0,
            under_way: Vec::new(),
            ended: Vec::new(),
            progress: 0,
            shares: Vec::new(),
            let_through: 0,
        }
    }

    fn go(&mut self, state: State) {
        if state == State::Open {
            match self.state {
                State::Closed => self.reopened = 0,
                State::HalfOpen | State::Ramping => self.reopened += 1,
                State::Open | State::Isolated => {}
            }
            let open_for = self.rules.backoff.delay_by(self.reopened, 0);
            self.open_for = u64::try_from(open_for.as_nanos()).unwrap();
        }
        (self.state, self.since) = (state, self.now);
        self.under_way.clear();
        self.ended.clear();
        self.shares.clear();
        self.let_through = 0;
    }

    fn tick(&mut self) {
        self.now += 1;
        self.look();
    }

    fn look(&mut self) {
        let passed = self.now - self.since;
        match self.state {
            State::Open if passed == self.open_for => self.go(State::HalfOpen),
            State::Ramping if passed == self.rules.ramp => self.go(State::Closed),
            State::HalfOpen if !self.under_way.is_empty() && self.now - self.progress == 25 => {
                self.go(State::Open);
            }
            _ => {}
        }
    }

    fn call(&mut self, number: usize) -> bool {
        let admitted = match self.state {
            State::Closed => true,
            State::Open | State::Isolated => false,
            State::HalfOpen => self.under_way.len() < self.rules.half_open_trials as usize,
            State::Ramping => {
                self.shares
                    .push(share(self.now - self.since, self.rules.ramp));
                let earned = 1 + self.shares.iter().sum::<u64>() / WHOLE;
                self.let_through < earned
            }
        };
        if admitted {
            if self.under_way.is_empty() {
                self.progress = self.now;
            }
            self.let_through += 1;
            self.under_way.push((number, self.now));
        }
        admitted
    }

    fn end(&mut self, number: usize, outcome: Option<Outcome>) {
        let Some(at) = self
            .under_way
            .iter()
            .position(|(other, _)| *other == number)
        else {
            return;
        };
        let (_, begun) = self.under_way.remove(at);
        self.progress = self.now;
        let failed = match outcome {
            Some(Outcome::Success) => false,
            Some(Outcome::Failure) => true,
            Some(Outcome::Ignored) | None => return,
        };
        let slow = self.rules.slow.is_some_and(|slow| self.now - begun >= slow);
        self.ended.push((self.now, failed, slow));
        match self.state {
            State::HalfOpen if failed || slow => self.go(State::Open),
            State::HalfOpen if self.ended.len() == self.rules.success_threshold as usize => {
                if self.rules.ramp > 0 {
                    self.go(State::Ramping);
                } else {
                    self.go(State::Closed);
                }
            }
            State::Closed | State::Ramping if self.is_bad() => self.go(State::Open),
            _ => {}
        }
    }

    fn in_a_row(&self) -> usize {
        self.ended
            .iter()
            .rev()
            .take_while(|(_, failed, _)| *failed)
            .count()
    }

    fn in_window(&self) -> Vec<(u64, bool, bool)> {
        match self.rules.window {
            None => Vec::new(),
            Some(Size::Calls(calls)) => {
                let from = self.ended.len().saturating_sub(calls as usize);
                self.ended[from..].to_vec()
            }
            Some(Size::Time(time)) => {
                let width = time.div_ceil(10);
                let within = |(at, _, _): &&(u64, bool, bool)| self.now / width - at / width < 10;
                self.ended.iter().filter(within).copied().collect()
            }
        }
    }

    fn is_bad(&self) -> bool {
        let threshold = self.rules.failure_threshold;
        if threshold.is_some_and(|threshold| self.in_a_row() >= threshold as usize) {
            return true;
        }
        let window = self.in_window();
        let percent = |count: usize| count as f64 / window.len() as f64 * 100.0;
        let failures = percent(window.iter().filter(|(_, failed, _)| *failed).count());
        let slow = percent(window.iter().filter(|(_, _, slow)| *slow).count());
        self.rules.window.is_some()
            && window.len() as u64 >= self.rules.rates.minimum_calls
            // The sums are small, so a fraction is off by less than this.
            && (failures > self.rules.rates.failure_percent as f64 - 1e-9
                || slow > self.rules.rates.slow_percent as f64 - 1e-9)
    }
}

/// Does the same to the machine and the model, and compares them after each step.
fn run(rules: Rules, ops: &[Op], asks: bool) -> Result<(), TestCaseError> {
    let mut model = Model::new(rules.clone());
    let mut machine = Machine::new(rules, 7);
    let (mut now, mut calls) = (0, Vec::new());
    for op in ops {
        match *op {
            Op::Call => {
                let admitted = machine.admit(now);
                prop_assert_eq!(
                    admitted.is_ok(),
                    model.call(calls.len()),
                    "{:?} at {}",
                    op,
                    now
                );
                if let Err(Refusal { state, again }) = admitted {
                    prop_assert_eq!(state, model.state);
                    prop_assert!(again > now);
                    prop_assert_eq!(again == NEVER, state == State::Isolated);
                }
                calls.push((admitted, now, false));
            }
            Op::End(which, outcome) if !calls.is_empty() => {
                let which = which % calls.len();
                let (admitted, begun, ended) = &mut calls[which];
                let Ok(generation) = *admitted else { continue };
                if !std::mem::replace(ended, true) {
                    let end = outcome.map_or(End::Cancelled, End::Recorded);
                    machine.record(generation, end, now - *begun, now);
                    model.end(which, outcome);
                }
            }
            Op::End(..) => {}
            Op::Pass(time) => {
                for _ in 0..time {
                    model.tick();
                }
                now += time;
            }
            Op::Ask => {}
            Op::Trip => {
                machine.trip(now);
                if model.state != State::Isolated {
                    model.go(State::Open);
                }
            }
            Op::Isolate => {
                machine.isolate(now);
                model.go(State::Isolated);
            }
            Op::Reset => {
                machine.reset(now);
                model.go(State::Closed);
                model.reopened = 0;
            }
        }
        if asks || matches!(op, Op::Ask) {
            machine.advance(now);
            prop_assert_eq!(machine.state(), model.state, "after {:?} at {}", op, now);
            let counts = matches!(model.state, State::Closed | State::Ramping);
            prop_assert_eq!(
                machine.failures() as usize,
                if counts { model.in_a_row() } else { 0 }
            );
            let trials = if model.state == State::HalfOpen {
                model.ended.len()
            } else {
                0
            };
            prop_assert_eq!(machine.successes() as usize, trials);
            if let Some(tally) = machine.tally() {
                let window = if counts {
                    model.in_window()
                } else {
                    Vec::new()
                };
                prop_assert_eq!(tally.calls, window.len() as u64);
                prop_assert_eq!(
                    tally.failures,
                    window.iter().filter(|end| end.1).count() as u64
                );
                prop_assert_eq!(tally.slow, window.iter().filter(|end| end.2).count() as u64);
            }
        }
    }
    // Each change is told of once, and they are a chain.
    let changes = machine.take_changes();
    for pair in changes.windows(2) {
        prop_assert_eq!(pair[0].to, pair[1].from);
        prop_assert!(pair[0].at <= pair[1].at);
    }
    prop_assert_eq!(changes.len() as u64, machine.generation());
    prop_assert!(machine.take_changes().is_empty());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is done, and whenever: state, admissions and counts are the model's.
    #[test]
    fn a_machine_equals_its_model(rules in rules(), ops in vec(op(), 0..200)) {
        run(rules, &ops, true)?;
    }

    /// The same when it is hardly ever asked: what time changes does not depend on who looks.
    #[test]
    fn asking_changes_nothing(rules in rules(), ops in vec(op(), 0..200)) {
        run(rules, &ops, false)?;
    }
}

fn plain() -> Rules {
    Rules {
        failure_threshold: Some(2),
        success_threshold: 2,
        half_open_trials: 1,
        half_open_timeout: 60,
        call_timeout: 5,
        ramp: 0,
        window: None,
        rates: Rates {
            minimum_calls: 1,
            failure_percent: 101,
            slow_percent: 101,
        },
        slow: None,
        backoff: Backoff::constant(std::time::Duration::from_nanos(10)),
    }
}

/// Lets one call through and ends it so.
fn one(machine: &mut Machine, outcome: Outcome, now: u64) {
    let generation = machine.admit(now).unwrap();
    machine.record(generation, End::Recorded(outcome), 0, now);
}

#[test]
fn trials_that_hang_end_by_the_clock_and_are_dated_when_it_was_time() {
    let mut machine = Machine::new(plain(), 0);
    machine.trip(0);
    let hangs = machine.admit(10).unwrap();
    assert_eq!(machine.admit(69).unwrap_err().again, 70);
    // Nobody asks for an hour. It was opened again at 70, and has been half-open since 80.
    machine.advance(3_600);
    let changes: Vec<_> = machine
        .take_changes()
        .iter()
        .map(|change| (change.to, change.cause, change.at))
        .collect();
    assert_eq!(
        changes,
        [
            (State::Open, Cause::Tripped, 0),
            (State::HalfOpen, Cause::ResetTimeout, 10),
            (State::Open, Cause::TrialsTimedOut, 70),
            (State::HalfOpen, Cause::ResetTimeout, 80),
        ]
    );
    machine.record(hangs, End::Recorded(Outcome::Success), 0, 3_600);
    assert_eq!(machine.successes(), 0, "it is of another generation");
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_machine_along() {
    let mut machine = Machine::new(plain(), 0);
    machine.advance(100);
    machine.trip(50);
    assert_eq!(machine.until(), Some(110));
    assert!(machine.admit(105).is_err());
    let trial = machine.admit(110).unwrap();
    machine.record(trial, End::Recorded(Outcome::Failure), 0, 3);
    assert_eq!(machine.until(), Some(120));
}

#[test]
fn an_open_time_without_end_stays_open() {
    let rules = Rules {
        backoff: Backoff::constant(std::time::Duration::MAX),
        ..plain()
    };
    let mut machine = Machine::new(rules, 0);
    machine.trip(0);
    assert_eq!(machine.admit(NEVER - 1).unwrap_err().again, NEVER);
    assert_eq!(machine.state(), State::Open);
}

#[test]
fn the_open_time_grows_until_it_is_closed() {
    let (first, most) = (
        std::time::Duration::from_nanos(10),
        std::time::Duration::from_nanos(35),
    );
    let rules = Rules {
        backoff: Backoff::exponential(first, most),
        ..plain()
    };
    let mut machine = Machine::new(rules, 0);
    let (mut now, mut times) = (0, Vec::new());
    machine.trip(now);
    for _ in 0..4 {
        let until = machine.until().unwrap();
        times.push(until - now);
        now = until;
        one(&mut machine, Outcome::Failure, now);
    }
    now = machine.until().unwrap();
    one(&mut machine, Outcome::Success, now);
    one(&mut machine, Outcome::Success, now);
    assert_eq!(machine.state(), State::Closed);
    machine.trip(now);
    times.push(machine.until().unwrap() - now);
    assert_eq!(times, [10, 20, 35, 35, 10]);
}

proptest! {
    /// Of any calls that come while it ramps up, as many go through as their shares add up to, and one.
    #[test]
    fn a_ramp_lets_through_what_the_shares_add_up_to(
        ramp in 1..1_000_000_u64,
        mut moments in vec(any::<u64>(), 1..300),
    ) {
        for moment in &mut moments {
            *moment %= ramp;
        }
        moments.sort_unstable();
        let mut machine = Machine::new(Rules { ramp, success_threshold: 1, ..plain() }, 0);
        machine.trip(0);
        one(&mut machine, Outcome::Success, 10);
        let (mut through, mut earned) = (0_u64, 1.0);
        for moment in moments {
            through += u64::from(machine.admit(10 + moment).is_ok());
            earned += moment as f64 / ramp as f64;
            prop_assert!(through as f64 <= earned + 1e-6, "{through} of {earned}");
            prop_assert!(through as f64 > earned - 1.0 - 1e-6, "{through} of {earned}");
        }
    }
}
