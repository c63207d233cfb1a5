//! What all handles and permits of a breaker share: the word for the fast paths, and the machine behind a lock.
//!
//! What holds:
//! 1. Only who has the lock changes the tag and the generation of the word. Without the lock its failures are changed, and only
//!    while its tag is `Counting`, by a compare-and-swap of the whole word: so a change of state, which changes the word, is
//!    either before or after each such change, and never overlooked.
//! 2. While somebody has the lock and the word was `Counting`, it is `Locked`: those who count meanwhile wait for the lock. The
//!    failures of the word are the machine's then.
//! 3. When the lock is let go, word and machine agree on the generation, and on the failures while closed.
//! 4. Neither wakers nor listeners run under the lock. Listeners are told of one change after the other, in order.

mod locked;
#[cfg(all(test, not(otp_schedules)))]
mod tests;

use std::sync::OnceLock;
use std::time::Duration;

use otp_core::backoff::chance;
use otp_core::clock::NEVER;
use otp_core::contained::wake_all;
use otp_core::feed::Feed;
use tokio::runtime::Id;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::events::BreakerEvents;
use crate::machine::{End, Machine, Refusal, Rules};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};
use crate::window::Size;
use crate::word::{Tag, Word};
use crate::{BreakerConfig, BreakerStats, Hooks, Outcome, Rejected, State, WindowStats};
use locked::Inside;

/// A breaker.
#[derive(Debug)]
pub(crate) struct Shared {
    word: AtomicU64,
    /// Until when it is open. Read after a word that says that it is; written before such a word.
    until: AtomicU64,
    counters: Counters,
    /// What the fast paths need of the options.
    threshold: u32,
    times_calls: bool,
    times_ends: bool,
    call_timeout: Duration,
    clock: Clock,
    hooks: Hooks,
    /// A runtime that has no timers, once a call has met one.
    without_timers: OnceLock<Id>,
    inside: Mutex<Inside>,
}

/// The right to one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    generation: u64,
    /// When it was let through, if that matters.
    begun: u64,
}

impl Shared {
    /// Makes a breaker by options that were checked before.
    pub(crate) fn new(config: &BreakerConfig, hooks: Hooks) -> Arc<Self> {
        let rules = Rules::new(config);
        let times_calls = rules.slow.is_some();
        let shared = Self {
            word: AtomicU64::new(0),
            until: AtomicU64::new(0),
            counters: Counters::default(),
            threshold: rules.failure_threshold.unwrap_or(u32::MAX),
            times_calls,
            times_ends: times_calls || rules.window.is_some_and(Size::reads_time),
            call_timeout: config.call_timeout,
            clock: Clock::new(),
            hooks,
            without_timers: OnceLock::new(),
            inside: Mutex::new(Inside::new(Machine::new(rules, chance()))),
        };
        shared.publish(&shared.inside.lock().machine);
        Arc::new(shared)
    }

    pub(crate) const fn call_timeout(&self) -> Duration {
        self.call_timeout
    }

    #[cfg(all(test, otp_schedules))]
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether this runtime is known to have no timers.
    pub(crate) fn is_without_timers(&self, runtime: Id) -> bool {
        self.without_timers.get() == Some(&runtime)
    }

    /// One is remembered: a program that has two is rare, and for the second one each call finds it out anew.
    pub(crate) fn remember_without_timers(&self, runtime: Id) {
        let _ = self.without_timers.set(runtime);
    }

    #[inline]
    fn word(&self) -> Word {
        // What was written before a word was published, `until` above all, is seen by who reads it.
        Word::from_bits(self.word.load(Ordering::Acquire))
    }

    /// Lets a call through, or rejects it. What is let through must come back by [`end`](Self::end).
    #[inline]
    pub(crate) fn acquire(&self) -> Result<Ticket, Rejected> {
        let word = self.word();
        if !word.is_closed() {
            return self.ask(word);
        }
        self.counters.admit();
        Ok(Ticket {
            generation: word.generation(),
            begun: if self.times_calls {
                self.clock.now()
            } else {
                0
            },
        })
    }

    #[cold]
    fn ask(&self, word: Word) -> Result<Ticket, Rejected> {
        let refused = if word.tag() == Tag::Open {
            self.refuse_at_once()
        } else {
            None
        };
        let admitted = match refused {
            Some(refusal) => Err(refusal),
            None => self.locked(|inside, now| {
                let admitted = inside.machine.admit(now);
                if admitted.is_ok() {
                    self.counters.admit();
                }
                admitted.map_err(|refusal| (refusal, now))
            }),
        };
        match admitted {
            Ok(generation) => Ok(Ticket {
                generation,
                begun: if self.times_calls {
                    self.clock.now()
                } else {
                    0
                },
            }),
            Err((Refusal { state, again }, now)) => {
                self.counters.reject();
                let rest = again.saturating_sub(now);
                let retry_after = (again != NEVER).then(|| Duration::from_nanos(rest));
                Err(Rejected::new(state, retry_after))
            }
        }
    }

    /// Refuses a call without the lock if the breaker is open for longer. The word has said that it is open.
    ///
    /// `until` may be of a later opening than the word: then that is being made at this moment, and rejects as well.
    fn refuse_at_once(&self) -> Option<(Refusal, u64)> {
        let again = self.until.load(Ordering::Acquire);
        if again == NEVER {
            // Isolated, or open without end: the machine knows which.
            return None;
        }
        let now = self.clock.now();
        let state = State::Open;
        (now < again).then_some((Refusal { state, again }, now))
    }

    /// Takes the end of a call in.
    #[inline]
    pub(crate) fn end(&self, ticket: Ticket, end: End) {
        self.counters.end(end);
        let mut word = self.word();
        loop {
            if word.generation() != ticket.generation {
                return;
            }
            let failures = match (word.tag(), end) {
                (Tag::Counting, End::Recorded(Outcome::Success)) => 0,
                (Tag::Counting, End::Recorded(Outcome::Failure)) => word.failures() + 1,
                (
                    Tag::Counting | Tag::Windowed,
                    End::Recorded(Outcome::Ignored) | End::Cancelled,
                ) => {
                    return;
                }
                (Tag::Windowed, End::Recorded(outcome)) => return self.judge(ticket, outcome),
                _ => return self.record(ticket, end),
            };
            if failures == word.failures() {
                return;
            }
            if failures >= self.threshold {
                return self.record(ticket, end);
            }
            // Nothing but the word itself is published by this.
            match self.word.compare_exchange_weak(
                word.bits(),
                word.with_failures(failures).bits(),
                Ordering::Relaxed,
                Ordering::Acquire,
            ) {
                Ok(_) => return,
                Err(now) => word = Word::from_bits(now),
            }
        }
    }

    pub(crate) fn count_timeout(&self) {
        self.counters.time_out();
    }

    pub(crate) fn state(&self) -> State {
        if self.word().is_closed() {
            return State::Closed;
        }
        self.locked(|inside, now| {
            inside.machine.advance(now);
            inside.machine.state()
        })
    }

    /// Whether it is closed, and the last call that counted has not failed.
    pub(crate) fn is_spotless(&self) -> bool {
        let word = self.word();
        word.is_closed() && word.failures() == 0
    }

    pub(crate) fn stats(&self) -> BreakerStats {
        self.locked(|inside, now| {
            let machine = &mut inside.machine;
            machine.advance(now);
            let counts = self.counters.counts().since(&inside.baseline);
            BreakerStats {
                state: machine.state(),
                failure_count: machine.failures(),
                success_count: machine.successes(),
                window: machine.tally().map(|tally| WindowStats {
                    calls: count(tally.calls),
                    failures: count(tally.failures),
                    slow: count(tally.slow),
                }),
                in_flight: count(counts.in_flight()),
                calls: counts.admitted,
                successes: counts.successes,
                failures: counts.failures,
                ignored: counts.ignored,
                cancelled: counts.cancelled,
                timeouts: counts.timeouts,
                rejected: counts.rejected,
            }
        })
    }

    pub(crate) fn reset_stats(&self) {
        // Under the lock, so that of two resets the later one stands.
        self.locked(|inside, _| inside.baseline = self.counters.counts().baseline());
    }

    pub(crate) fn trip(&self) {
        self.locked(|inside, now| inside.machine.trip(now));
    }

    pub(crate) fn isolate(&self) {
        self.locked(|inside, now| inside.machine.isolate(now));
    }

    pub(crate) fn reset(&self) {
        self.locked(|inside, now| inside.machine.reset(now));
    }

    pub(crate) fn events(&self, capacity: usize) -> BreakerEvents {
        let feed = Arc::new(Feed::new(capacity));
        self.locked(|inside, now| {
            // What was due before is not news.
            inside.machine.advance(now);
            inside.coming.push(Arc::clone(&feed));
        });
        BreakerEvents::new(feed)
    }
}

/// What is now is counted as what is in memory is.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl Drop for Shared {
    fn drop(&mut self) {
        let wakers = self.inside.lock().close();
        wake_all(wakers);
    }
}
