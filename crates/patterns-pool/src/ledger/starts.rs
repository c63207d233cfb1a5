//! How many members there are to be, and what happens when one cannot be made.

use std::time::{Duration, Instant};

use otp_core::Pid;

use super::members::{Key, Member, Place};
use super::{Ledger, Phase};
use crate::CreateError;

/// What stands for a rest without end.
const LONGEST_REST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// A member that is to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    pub(crate) id: u64,
    epoch: u64,
}

impl<T> Ledger<T> {
    /// Opens the pool, in the state of one that has just been made, except that members which borrowers still have count.
    /// Returns these, as far as they are processes.
    pub(crate) fn open(&mut self, phase: Phase) -> Vec<(Key, Pid)> {
        self.epoch += 1;
        self.starting = 0;
        self.failure = None;
        self.failures = 0;
        self.rests_until = None;
        self.alarm = None;
        self.told = false;
        self.found_dead.clear();
        self.phase = phase;
        let processes = self
            .members
            .iter()
            .filter_map(|(key, member)| Some((key, member.pid.clone()?)));
        processes.collect()
    }

    /// Lends from now on.
    pub(crate) fn lend_from_now(&mut self) {
        self.phase = Phase::Open;
        self.review();
    }

    /// Closes the pool: who waits is told, who is idle goes at once, and what borrowers have goes when it comes back.
    pub(crate) fn shut(&mut self) {
        if self.phase == Phase::Closed {
            return;
        }
        self.phase = Phase::Closed;
        self.starting = 0;
        while let Some(key) = self.idle.pop_front() {
            self.remove(key, super::Gone::Closed);
        }
        let given: Vec<Key> = self
            .members
            .iter_mut()
            .filter_map(|(key, member)| {
                member.retired = true;
                matches!(member.place, Place::Given { .. }).then_some(key)
            })
            .collect();
        for key in given {
            if let Some(Place::Given { seat }) = self.members.get(key).map(|member| member.place) {
                self.line.take_back(seat);
            }
            self.remove(key, super::Gone::Closed);
        }
        let after = &mut self.after;
        self.line.refuse(
            |_, _| Some(crate::CheckoutError::Closed),
            |waker| after.wake(waker),
        );
    }

    /// As many idle members as there are to be at least.
    pub(super) fn min_idle(&self) -> usize {
        self.terms
            .min_idle
            .unwrap_or(usize::MAX)
            .min(self.terms.size)
    }

    /// How many members are to be started.
    fn wanted(&self) -> usize {
        if self.phase == Phase::Closed {
            return 0;
        }
        let there = self.members.len().saturating_add(self.starting);
        let waiting = self.line.len();
        let for_waiters = waiting
            .max(usize::from(self.wished))
            .saturating_sub(self.starting)
            .min(self.capacity().saturating_sub(there));
        let for_idle = waiting
            .saturating_add(self.min_idle())
            .saturating_sub(self.idle.len() + self.away + self.starting)
            .min(self.terms.size.saturating_sub(there));
        for_waiters.max(for_idle)
    }

    /// Tells the keeper if there is something to start.
    pub(super) fn review(&mut self) {
        let can = self.rests_until.is_none() && self.starting < self.terms.max_starting;
        if can && !self.told && self.wanted() > 0 {
            self.told = true;
            self.after.rest().tell = true;
        }
    }

    /// Has the keeper look at that moment, if it would not before. `None` is never.
    #[inline]
    pub(super) fn note_due(&mut self, at: Option<Instant>) {
        if let Some(at) = at
            && self.alarm.is_none_or(|alarm| at < alarm)
        {
            self.alarm = Some(at);
            if !self.told {
                self.told = true;
                self.after.rest().tell = true;
            }
        }
    }

    /// The members to be made now.
    pub(crate) fn begin_starts(&mut self, now: Instant) -> Vec<Start> {
        if self.rests_until.is_some_and(|until| now < until) {
            return Vec::new();
        }
        self.rests_until = None;
        let room = self.terms.max_starting.saturating_sub(self.starting);
        let count = self.wanted().min(room);
        self.wished = false;
        self.starting += count;
        let starts = (0..count).map(|_| {
            self.next_id += 1;
            Start {
                id: self.next_id,
                epoch: self.epoch,
            }
        });
        starts.collect()
    }

    /// A member was made. `chance` spreads the ends of their lives: any number stands for a fraction of 2⁶⁴.
    pub(crate) fn started(
        &mut self,
        start: Start,
        value: T,
        pid: Option<Pid>,
        now: Instant,
        chance: u64,
    ) -> Option<Key> {
        self.counts.created += 1;
        if start.epoch != self.epoch || self.phase == Phase::Closed {
            self.counts.closed += 1;
            self.close(value);
            return None;
        }
        self.starting -= 1;
        self.failure = None;
        let lifetime = self.terms.max_lifetime.map(|most| {
            // Up to a tenth less, so that members made together do not end together.
            let tenth = u64::try_from((most / 10).as_nanos()).unwrap_or(u64::MAX);
            let less = (u128::from(tenth) * u128::from(chance)) >> 64;
            most.saturating_sub(Duration::from_nanos(u64::try_from(less).unwrap_or(tenth)))
        });
        let retire_at = lifetime.and_then(|lifetime| now.checked_add(lifetime));
        self.note_due(retire_at);
        let key = self.members.add(Member {
            id: start.id,
            value: Some(value),
            place: Place::Idle,
            pid,
            born: now,
            retire_at,
            retired: false,
            idle_since: now,
            seen_well: now,
            jobs: 0,
            fresh: true,
        });
        self.place(key, now);
        self.review();
        Some(key)
    }

    /// A member could not be made.
    pub(crate) fn start_failed(&mut self, start: Start, cause: CreateError, now: Instant) {
        if start.epoch != self.epoch || self.phase == Phase::Closed {
            return;
        }
        self.starting -= 1;
        self.counts.create_failures += 1;
        self.failed(cause, now);
    }

    /// Rests for a while, longer each time. Those that fail in the same rest count once.
    pub(super) fn failed(&mut self, cause: CreateError, now: Instant) {
        self.failure = Some(cause);
        if self.rests_until.is_some_and(|until| now < until) {
            return;
        }
        let healthy = self.terms.backoff.healthy_after();
        if self
            .last_failure
            .is_some_and(|last| now.saturating_duration_since(last) >= healthy)
        {
            self.failures = 0;
        }
        self.last_failure = Some(now);
        let delay = self.terms.backoff.delay(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.rests_until = Some(now.checked_add(delay).unwrap_or(now + LONGEST_REST));
        self.note_due(self.rests_until);
    }

    /// How long the keeper rests, counted from now.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        self.rests_until
            .map(|until| until.saturating_duration_since(now))
    }

    /// Members on their way out.
    pub(crate) const fn closing(&self) -> usize {
        self.closing
    }

    /// One of them is gone.
    pub(crate) const fn closed(&mut self) {
        self.closing -= 1;
    }
}
