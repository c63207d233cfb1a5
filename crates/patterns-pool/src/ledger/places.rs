//! Where a member goes: to the first who waits, among the idle ones, or out of the pool.

use std::time::Instant;

use otp_core::{ExitReason, Pid};

use super::members::{Key, Place};
use super::{Ledger, Phase};
use crate::{CheckoutError, CreateError, Order};

/// How a member left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Its process has ended by itself. There is nothing to close.
    Crashed,
    /// The pool has no more use for it.
    Closed,
    /// A borrower keeps it.
    Taken,
}

impl<T> Ledger<T> {
    /// A member whose value is here is in nobody's hands: decides what becomes of it.
    pub(super) fn place(&mut self, key: Key, now: Instant) {
        let too_many = self.members.len() > self.capacity();
        let Some(member) = self.members.get_mut(key) else {
            return;
        };
        if member.is_dead() {
            self.bury(key);
        } else if self.phase == Phase::Closed || member.retired || too_many {
            self.remove(key, Gone::Closed);
        } else if let Some(seat) = self.next_in_line(now) {
            self.give(key, seat);
        } else if self.members.len() > self.terms.size {
            self.remove(key, Gone::Closed);
        } else {
            self.lay_down(key);
        }
    }

    /// Lays a member among the idle ones, which lie in the order in which they became idle.
    fn lay_down(&mut self, key: Key) {
        let Some(member) = self.members.get_mut(key) else {
            return;
        };
        member.place = Place::Idle;
        let (since, seen_well) = (member.idle_since, member.seen_well);
        let members = &self.members;
        let before = |other: &Key| {
            members
                .get(*other)
                .is_none_or(|other| other.idle_since <= since)
        };
        if self.idle.back().is_none_or(before) {
            self.idle.push_back(key);
        } else {
            // It was away to be checked.
            let at = self.idle.partition_point(before);
            self.idle.insert(at, key);
        }
        if let Some(timeout) = self.terms.idle_timeout {
            // It is the first one that may have become one to spare.
            let first = self.idle.front().and_then(|first| self.members.get(*first));
            let due = first.and_then(|first| first.idle_since.checked_add(timeout));
            if self.idle.len() > self.min_idle() {
                self.note_due(due);
            }
        }
        if let Some(interval) = self.terms.check_interval {
            self.note_due(seen_well.checked_add(interval));
        }
    }

    fn give(&mut self, key: Key, seat: usize) {
        if let Some(member) = self.members.get_mut(key) {
            member.place = Place::Given { seat };
        }
        let waker = self.line.give(seat, key);
        self.after.wake(waker);
    }

    /// The first who waits and is not turned away.
    fn next_in_line(&mut self, now: Instant) -> Option<usize> {
        if self.line.len() == 0 {
            if let Some(shedding) = &mut self.shedding {
                shedding.nobody_waited();
            }
            return None;
        }
        while let Some((seat, since)) = self.line.first() {
            let Some(shedding) = &mut self.shedding else {
                return Some(seat);
            };
            if !shedding.turns_away(now.saturating_duration_since(since), now) {
                return Some(seat);
            }
            self.shed(now);
        }
        None
    }

    /// Turns away whoever has waited for too long, if the line stands. Those are the first ones.
    pub(super) fn shed(&mut self, now: Instant) {
        while let (Some(shedding), Some((seat, since))) = (&self.shedding, self.line.first()) {
            let waited = now.saturating_duration_since(since);
            if !shedding.is_too_long(waited) {
                return;
            }
            let waker = self.line.refuse_first(seat, CheckoutError::Shed { waited });
            self.counts.shed += 1;
            self.after.wake(waker);
        }
    }

    /// Looks whether the line stands, and notes when to look again.
    pub(super) fn look_at_line(&mut self, now: Instant) {
        let Some(shedding) = &mut self.shedding else {
            return;
        };
        let Some((_, since)) = self.line.first() else {
            return;
        };
        shedding.look(now.saturating_duration_since(since), now);
        self.shed(now);
        let first = self.line.first();
        let shedding = self.shedding.as_ref();
        if let (Some((_, since)), Some(shedding)) = (first, shedding) {
            let look = shedding.next_look(since);
            self.note_due(look);
        }
    }

    /// Takes a member out of the pool. Returns its process.
    pub(super) fn remove(&mut self, key: Key, gone: Gone) -> Option<Pid> {
        let member = self.members.remove(key)?;
        match gone {
            Gone::Crashed => self.counts.crashed += 1,
            Gone::Closed => self.counts.closed += 1,
            Gone::Taken => self.counts.taken += 1,
        }
        match (member.value, gone) {
            (None, _) => {}
            (Some(value), Gone::Closed) => self.close(value),
            (Some(value), _) => self.after.rest().drop.push(value),
        }
        self.review();
        member.pid
    }

    /// Takes out a member that was found dead before its end was told.
    pub(super) fn bury(&mut self, key: Key) {
        self.found_dead.push(key.id);
        self.remove(key, Gone::Crashed);
    }

    /// Has a value closed that is not in the ledger any more.
    pub(super) fn close(&mut self, value: T) {
        self.closing += 1;
        self.after.rest().close.push(value);
    }

    /// A member's process has ended. Returns whether it was the pool's then.
    pub(crate) fn died(&mut self, key: Key, reason: &ExitReason, now: Instant) -> bool {
        let Some(member) = self.members.get(key) else {
            let found = self.found_dead.iter().position(|id| *id == key.id);
            return found.map(|at| self.found_dead.swap_remove(at)).is_some();
        };
        let (place, unused) = (member.place, member.jobs == 0 && !member.is_out());
        match place {
            Place::Idle => self.idle.retain(|other| *other != key),
            Place::Given { seat } => {
                let deadline = self.line.take_back(seat);
                self.note_due(deadline);
                self.look_at_line(now);
            }
            Place::Away => self.away -= 1,
            Place::Out { .. } => {}
        }
        if unused && self.phase != Phase::Closed {
            // It ended before it was of any use: that is a start that failed, and the next one may be no better.
            self.failed(CreateError::Ended(reason.clone()), now);
        }
        self.remove(key, Gone::Crashed);
        self.serve(now);
        true
    }

    /// Whether the end of this member is of interest.
    pub(crate) fn awaits_end(&self, key: Key) -> bool {
        self.members.get(key).is_some() || self.found_dead.contains(&key.id)
    }

    /// Gives idle members to those who wait: somebody may just have lost a member that was given.
    fn serve(&mut self, now: Instant) {
        while self.line.len() > 0 {
            let next = match self.terms.order {
                Order::Lifo => self.idle.pop_back(),
                Order::Fifo => self.idle.pop_front(),
            };
            let Some(key) = next else {
                return;
            };
            self.place(key, now);
        }
    }

    /// Takes out idle members that `choose` chooses, so many at most. They are away until they are brought back.
    pub(crate) fn take_away(
        &mut self,
        most: usize,
        choose: impl Fn(&super::members::Member<T>) -> bool,
    ) -> Vec<(Key, T)> {
        let mut chosen = Vec::new();
        let members = &mut self.members;
        self.idle.retain(|key| {
            let Some(member) = members.get_mut(*key) else {
                return false;
            };
            if chosen.len() == most || !choose(member) {
                return true;
            }
            let Some(value) = member.value.take() else {
                return false;
            };
            member.place = Place::Away;
            chosen.push((*key, value));
            false
        });
        self.away += chosen.len();
        chosen
    }

    /// Brings back a member that was taken away, to be kept or closed.
    pub(crate) fn bring_back(&mut self, key: Key, value: T, keep: bool, now: Instant) {
        let Some(member) = self.members.get_mut(key) else {
            self.close(value);
            return;
        };
        self.away -= 1;
        member.value = Some(value);
        member.seen_well = now;
        if !keep {
            self.remove(key, Gone::Closed);
            return;
        }
        self.place(key, now);
    }

    /// Sets the size.
    pub(crate) fn resize(&mut self, size: usize) {
        self.terms.size = size;
        while self.members.len() > size
            && let Some(key) = self.idle.pop_front()
        {
            self.remove(key, Gone::Closed);
        }
        self.review();
    }

    /// Closes members that were idle for long enough, except as many as there are to be idle.
    pub(super) fn close_idle(&mut self, now: Instant) {
        let Some(timeout) = self.terms.idle_timeout else {
            return;
        };
        while self.idle.len() > self.min_idle()
            && let Some(first) = self.idle.front().copied()
            && let Some(member) = self.members.get(first)
            && now.saturating_duration_since(member.idle_since) >= timeout
        {
            self.idle.pop_front();
            self.remove(first, Gone::Closed);
        }
    }

    /// Closes the idle ones among the members that are not to be lent again.
    pub(super) fn close_retired(&mut self) {
        let (mut gone, members) = (Vec::new(), &self.members);
        self.idle.retain(|key| {
            let retired = members.get(*key).is_none_or(|member| member.retired);
            if retired {
                gone.push(*key);
            }
            !retired
        });
        for key in gone {
            self.remove(key, Gone::Closed);
        }
    }
}
