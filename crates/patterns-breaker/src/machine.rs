//! The state machine of a breaker, without a clock and without a lock: every moment is an argument.
//!
//! What holds:
//! 1. Each change of state begins a new generation. An outcome whose generation has passed changes nothing.
//! 2. While half-open there are never more trials under way than are permitted, and each gives its place back once: by its
//!    outcome, or because the generation ends.
//! 3. Where the machine is at a moment follows from what was done and when, not from when somebody asked: a change that only
//!    time makes is made as of the moment when it was due.
//! 4. It never rejects for ever by itself, unless the open time is without end: trials that hang end the generation.

mod chance;
mod change;
mod ramp;
mod rules;
#[cfg(test)]
mod tests;

use otp_core::clock::NEVER;

use crate::event::Cause;
use crate::window::{Tally, Window};
use crate::word::{Tag, Word, next_generation};
use crate::{Outcome, State};

use chance::splitmix;
pub(crate) use change::{Change, End, Refusal};
use ramp::Ramp;
pub(crate) use rules::Rules;

#[derive(Debug)]
enum Phase {
    Closed,
    Ramping(Ramp),
    HalfOpen {
        under_way: u32,
        /// Trials that have succeeded, since there is none that has not.
        successes: u32,
        /// When a trial ended last, or began while there was no other.
        progress: u64,
    },
    Open {
        until: u64,
    },
    Isolated,
}

#[derive(Debug)]
pub(crate) struct Machine {
    rules: Rules,
    phase: Phase,
    generation: u64,
    /// In a row, while closed or ramping.
    failures: u32,
    window: Option<Window>,
    /// How often it has opened since it was closed last. Begins anew when a closed one opens.
    reopened: u32,
    /// What chance is made of, for the jitter.
    seed: u64,
    /// The latest moment it was told of. Clocks of different threads may differ; here time does not go back.
    latest: u64,
    changes: Vec<Change>,
}

impl Machine {
    pub(crate) fn new(rules: Rules, seed: u64) -> Self {
        let window = rules.window.map(Window::new);
        Self {
            rules,
            phase: Phase::Closed,
            generation: 0,
            failures: 0,
            window,
            reopened: 0,
            seed,
            latest: 0,
            changes: Vec::new(),
        }
    }

    pub(crate) const fn state(&self) -> State {
        match self.phase {
            Phase::Closed => State::Closed,
            Phase::Ramping(_) => State::Ramping,
            Phase::HalfOpen { .. } => State::HalfOpen,
            Phase::Open { .. } => State::Open,
            Phase::Isolated => State::Isolated,
        }
    }

    pub(crate) const fn generation(&self) -> u64 {
        self.generation
    }

    /// Failures in a row; 0 unless calls are let through as they come.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Takes over the failures in a row that were counted elsewhere.
    pub(crate) const fn set_failures(&mut self, failures: u32) {
        self.failures = failures;
    }

    /// Trials that have succeeded; 0 unless half-open.
    pub(crate) const fn successes(&self) -> u32 {
        match self.phase {
            Phase::HalfOpen { successes, .. } => successes,
            _ => 0,
        }
    }

    /// Until when it is open; `NEVER` if it is isolated; `None` if it is neither.
    pub(crate) const fn until(&self) -> Option<u64> {
        match self.phase {
            Phase::Open { until } => Some(until),
            Phase::Isolated => Some(NEVER),
            _ => None,
        }
    }

    /// What the fast paths go by.
    pub(crate) const fn word(&self) -> Word {
        let tag = match self.phase {
            Phase::Closed if self.window.is_none() => Tag::Counting,
            Phase::Closed => Tag::Windowed,
            Phase::Open { .. } | Phase::Isolated => Tag::Open,
            Phase::Ramping(_) | Phase::HalfOpen { .. } => Tag::Locked,
        };
        let failures = match self.phase {
            Phase::Closed => self.failures,
            _ => 0,
        };
        Word::new(tag, self.generation, failures)
    }

    pub(crate) fn tally(&mut self) -> Option<Tally> {
        let latest = self.latest;
        self.window.as_mut().map(|window| window.tally(latest))
    }

    /// What was changed since this was last asked, in order.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Makes the changes that time has made until now.
    pub(crate) fn advance(&mut self, now: u64) -> u64 {
        let now = now.max(self.latest);
        self.latest = now;
        loop {
            match self.phase {
                Phase::Open { until } if until <= now => {
                    let next = Phase::HalfOpen {
                        under_way: 0,
                        successes: 0,
                        progress: until,
                    };
                    self.change(next, Cause::ResetTimeout, until);
                }
                Phase::HalfOpen {
                    under_way: 1..,
                    progress,
                    ..
                } if self.rules.half_open_timeout <= now - progress => {
                    let at = progress + self.rules.half_open_timeout;
                    self.open(Cause::TrialsTimedOut, at);
                }
                Phase::Ramping(ref ramp) if ramp.end() <= now => {
                    let at = ramp.end();
                    self.change(Phase::Closed, Cause::RampedUp, at);
                }
                _ => return now,
            }
        }
    }

    /// Lets a call through, as one of the generation that is returned, or refuses it.
    pub(crate) fn admit(&mut self, now: u64) -> Result<u64, Refusal> {
        let now = self.advance(now);
        let again = match &mut self.phase {
            Phase::Closed => return Ok(self.generation),
            Phase::Ramping(ramp) => {
                if ramp.admits(now) {
                    return Ok(self.generation);
                }
                ramp.end()
            }
            Phase::HalfOpen {
                under_way,
                progress,
                ..
            } => {
                if *under_way < self.rules.half_open_trials {
                    if *under_way == 0 {
                        *progress = now;
                    }
                    *under_way += 1;
                    return Ok(self.generation);
                }
                // Each trial is over by then if it keeps to its time; if it does not, the generation is, later.
                let first = progress.saturating_add(self.rules.call_timeout);
                let last = progress.saturating_add(self.rules.half_open_timeout);
                if first > now { first.min(last) } else { last }
            }
            Phase::Open { until } => *until,
            Phase::Isolated => NEVER,
        };
        let state = self.state();
        Err(Refusal { state, again })
    }

    /// Takes the end of a call in that was let through as one of `generation`, and took `elapsed`.
    pub(crate) fn record(&mut self, generation: u64, end: End, elapsed: u64, now: u64) {
        let now = self.advance(now);
        if generation != self.generation {
            return;
        }
        match (&mut self.phase, end) {
            (Phase::Closed | Phase::Ramping(_), End::Recorded(outcome)) => {
                if let Some(cause) = self.judge(outcome, elapsed, now) {
                    self.open(cause, now);
                }
            }
            (
                Phase::HalfOpen {
                    under_way,
                    successes,
                    progress,
                },
                end,
            ) => {
                *under_way -= 1;
                *progress = now;
                match end {
                    End::Recorded(Outcome::Success) if self.rules.is_slow(elapsed) => {
                        self.open(Cause::TrialSlow, now);
                    }
                    End::Recorded(Outcome::Success) => {
                        *successes += 1;
                        if *successes >= self.rules.success_threshold {
                            self.close(Cause::TrialsSucceeded, now);
                        }
                    }
                    End::Recorded(Outcome::Failure) => self.open(Cause::TrialFailed, now),
                    End::Recorded(Outcome::Ignored) | End::Cancelled => {}
                }
            }
            _ => {}
        }
    }

    /// Counts an outcome while calls are let through; tells why the breaker must open, if it must.
    pub(crate) fn judge(&mut self, outcome: Outcome, elapsed: u64, now: u64) -> Option<Cause> {
        let failed = match outcome {
            Outcome::Success => false,
            Outcome::Failure => true,
            Outcome::Ignored => return None,
        };
        self.failures = if failed {
            self.failures.saturating_add(1)
        } else {
            0
        };
        let tally = self.window.as_mut().map(|window| {
            window.push(now, failed, self.rules.is_slow(elapsed));
            window.tally(now)
        });
        let threshold = self.rules.failure_threshold;
        if threshold.is_some_and(|threshold| self.failures >= threshold) {
            return Some(Cause::FailureThreshold);
        }
        self.rules.rates.judge(tally?)
    }

    /// Opens it because of what came of a call, or by hand.
    pub(crate) fn open(&mut self, cause: Cause, now: u64) {
        match self.phase {
            Phase::Closed => self.reopened = 0,
            Phase::Ramping(_) | Phase::HalfOpen { .. } => {
                self.reopened = self.reopened.saturating_add(1);
            }
            Phase::Open { .. } | Phase::Isolated => {}
        }
        let chance = splitmix(&mut self.seed);
        let wait = self.rules.open_time(self.reopened, chance);
        let until = now.saturating_add(wait);
        self.change(Phase::Open { until }, cause, now);
    }

    /// Opens it as failures would. What is isolated stays so.
    pub(crate) fn trip(&mut self, now: u64) {
        let now = self.advance(now);
        if !matches!(self.phase, Phase::Isolated) {
            self.open(Cause::Tripped, now);
        }
    }

    /// Rejects everything until a reset.
    pub(crate) fn isolate(&mut self, now: u64) {
        let now = self.advance(now);
        if !matches!(self.phase, Phase::Isolated) {
            self.change(Phase::Isolated, Cause::Isolated, now);
        }
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self, now: u64) {
        let now = self.advance(now);
        self.change(Phase::Closed, Cause::Reset, now);
    }

    fn close(&mut self, cause: Cause, now: u64) {
        let next = if self.rules.ramp == 0 {
            Phase::Closed
        } else {
            Phase::Ramping(Ramp::new(now, self.rules.ramp))
        };
        self.change(next, cause, now);
    }

    fn change(&mut self, phase: Phase, cause: Cause, at: u64) {
        let from = self.state();
        self.phase = phase;
        self.generation = next_generation(self.generation);
        self.failures = 0;
        if let Some(window) = &mut self.window {
            window.clear();
        }
        self.changes.push(Change {
            from,
            to: self.state(),
            cause,
            at,
            until: self.until(),
        });
    }
}
