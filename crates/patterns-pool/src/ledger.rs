//! Who has which member, and who waits for one: the pool without its clock, its tasks and its locks.
//!
//! Everything here is a plain function of what was and of the moment that is handed in. What has to be done outside the lock
//! (waking, closing, dropping, telling the keeper) is noted in [`After`].
//!
//! Invariants:
//!
//! 1. A member is at exactly one [`Place`]. Its value is in the ledger if it is idle or given to a waiter, and with whoever has it
//!    otherwise.
//! 2. While a member is idle nobody waits. So nobody overtakes: a member that comes free is given to the first in the line under the
//!    same lock, and who comes later finds nothing idle.
//! 3. Members and starts together are never more than `size` and `max_overflow`, except just after these were made smaller; then
//!    each member that comes back is closed until it is so.
//! 4. A waiter to whom a member was given either fetches it or gives it back when it leaves.
//! 5. As long as somebody waits and there is room for one more member, one is being started for each who waits, or the keeper has been
//!    told, or it rests after a failure and has an alarm for the end of the rest.
//! 6. The keeper's alarm is never later than the earliest moment at which something is due.
//! 7. Every member that was ever made is here, or was counted as closed, crashed or taken.

mod after;
mod due;
mod line;
mod members;
mod places;
mod shedding;
mod starts;
#[cfg(test)]
mod tests;
mod view;

use std::collections::VecDeque;
use std::task::Waker;
use std::time::{Duration, Instant};

use after::After;
pub(crate) use after::Rest;
pub(crate) use due::Work;
pub(crate) use members::Key;
pub(crate) use starts::Start;

use crate::{CheckoutError, CreateError, Order, PoolConfig, PoolStats, WaitedFor};
use line::{Line, Seat};
use members::{Members, Place};
use places::Gone;
use shedding::CoDel;

pub(crate) use crate::shared::Caller;

/// Whether the pool lends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It does not run.
    Closed,
    /// It makes its first members and lends none yet.
    Warming,
    Open,
}

/// A member in somebody's hands.
#[derive(Debug)]
pub(crate) struct Taken<T> {
    pub(crate) key: Key,
    pub(crate) value: T,
    /// It was just made, and nobody has had it before.
    pub(crate) fresh: bool,
    /// The place in the line that the borrower had, or would have had.
    pub(crate) ticket: u64,
}

/// What somebody waits with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request {
    /// The place in the line, if it was in it before.
    pub(crate) ticket: Option<u64>,
    pub(crate) since: Instant,
    pub(crate) deadline: Option<Instant>,
    pub(crate) caller: Caller,
}

#[derive(Debug)]
pub(crate) enum Joined<T> {
    Taken(Taken<T>),
    Refused(CheckoutError),
    /// It waits at this seat, which it must poll or leave.
    Seated(usize),
}

#[derive(Debug)]
pub(crate) enum Polled<T> {
    /// The seat is left with the answer.
    Done(Result<Taken<T>, CheckoutError>),
    /// Nothing yet; the waker that was left is still the right one, or was exchanged.
    Pending,
    /// Nothing yet, and the waker that was left would wake somebody else.
    OtherWaker,
}

#[derive(Debug)]
pub(crate) struct Ledger<T> {
    terms: PoolConfig,
    phase: Phase,
    /// Counts the openings. What began before the last one is not of this pool any more.
    epoch: u64,
    members: Members<T>,
    /// The one that is idle for longest first.
    idle: VecDeque<Key>,
    line: Line,
    shedding: Option<CoDel>,
    away: usize,
    /// The ids of members that were found dead, and whose end is still to be told.
    found_dead: Vec<u64>,
    /// Members that are being made.
    starting: usize,
    /// Somebody who does not wait would have liked a member.
    wished: bool,
    next_id: u64,
    /// Why the last start failed, if it did.
    failure: Option<CreateError>,
    /// Failures since a member last came back from a borrower.
    failures: u32,
    /// Until when nothing is started.
    rests_until: Option<Instant>,
    last_failure: Option<Instant>,
    /// When the keeper looks next.
    alarm: Option<Instant>,
    told: bool,
    /// Members on their way out.
    closing: usize,
    counts: PoolStats,
    after: After<T>,
}

impl<T> Ledger<T> {
    pub(crate) fn new(terms: PoolConfig) -> Self {
        Self {
            shedding: terms.shedding.map(CoDel::new),
            terms,
            phase: Phase::Closed,
            epoch: 0,
            members: Members::new(),
            idle: VecDeque::new(),
            line: Line::default(),
            away: 0,
            found_dead: Vec::new(),
            starting: 0,
            wished: false,
            next_id: 0,
            failure: None,
            failures: 0,
            rests_until: None,
            last_failure: None,
            alarm: None,
            told: false,
            closing: 0,
            counts: PoolStats::default(),
            after: After::new(),
        }
    }

    /// Takes an idle member, if there is one.
    #[inline]
    pub(crate) fn take(&mut self, now: Instant, caller: Caller) -> Option<Taken<T>> {
        if self.phase != Phase::Open {
            return None;
        }
        loop {
            let key = match self.terms.order {
                Order::Lifo => self.idle.pop_back(),
                Order::Fifo => self.idle.pop_front(),
            }?;
            if self.is_dead(key) {
                self.bury(key);
                continue;
            }
            if self.members.len() < self.terms.size {
                // There may be too few idle ones now.
                self.review();
            }
            let ticket = self.line.ticket();
            return self.lend(key, ticket, now, caller);
        }
    }

    /// Hands a member out whose value is here.
    fn lend(&mut self, key: Key, ticket: u64, now: Instant, caller: Caller) -> Option<Taken<T>> {
        let member = self.members.get_mut(key)?;
        let value = member.value.take()?;
        member.place = Place::Out {
            since: now,
            caller,
            reported: false,
        };
        let fresh = std::mem::take(&mut member.fresh);
        self.counts.lent += 1;
        if let Some(leak_after) = self.terms.leak_after {
            self.note_due(now.checked_add(leak_after));
        }
        Some(Taken {
            key,
            value,
            fresh,
            ticket,
        })
    }

    /// Takes an idle member or a place in the line. The waker is taken if it waits.
    pub(crate) fn join(
        &mut self,
        request: Request,
        waker: &mut Option<Waker>,
        now: Instant,
    ) -> Joined<T> {
        if self.phase != Phase::Open {
            return Joined::Refused(CheckoutError::Closed);
        }
        if let Some(taken) = self.take(now, request.caller) {
            return Joined::Taken(taken);
        }
        let Request {
            ticket,
            since,
            deadline,
            ..
        } = request;
        if deadline.is_some_and(|deadline| deadline <= now) {
            self.counts.timed_out += 1;
            return Joined::Refused(self.refusal(now.saturating_duration_since(since)));
        }
        let ticket = match ticket {
            Some(ticket) => ticket,
            None => {
                self.counts.waited += 1;
                self.line.ticket()
            }
        };
        let seat = self.line.sit(ticket, waker.take(), since, deadline);
        self.note_due(deadline);
        self.look_at_line(now);
        self.review();
        Joined::Seated(seat)
    }

    /// Why there is no member for somebody who does not wait (any longer). It is a wish for one more.
    pub(crate) fn refusal(&mut self, waited: Duration) -> CheckoutError {
        if self.phase != Phase::Open {
            return CheckoutError::Closed;
        }
        let there = self.members.len() + self.starting;
        if there < self.terms.size && self.starting == 0 {
            self.wished = true;
            self.review();
        }
        let cause = self.waited_for();
        CheckoutError::Timeout { waited, cause }
    }

    fn waited_for(&self) -> WaitedFor {
        match &self.failure {
            Some(cause) if self.members.len() < self.capacity() => WaitedFor::Create(cause.clone()),
            None if self.starting > 0 && self.line.len() <= self.starting => WaitedFor::Start {
                starting: self.starting,
            },
            _ => WaitedFor::Return {
                in_use: self.in_use(),
                waiting: self.line.len(),
            },
        }
    }

    /// Looks at a seat for the one who waits there. `spare` is a waker to exchange for another one that was left.
    pub(crate) fn poll(
        &mut self,
        seat: usize,
        caller: Caller,
        waker: &Waker,
        spare: &mut Option<Waker>,
        now: Instant,
    ) -> Polled<T> {
        match self.line.seat(seat) {
            Seat::Waiting { waker: left, .. } => match left {
                Some(left) if left.will_wake(waker) => Polled::Pending,
                left if spare.is_some() => {
                    std::mem::swap(left, spare);
                    Polled::Pending
                }
                _ => Polled::OtherWaker,
            },
            Seat::Given { key, .. } => {
                let key = *key;
                let ticket = self.line.ticket_of(seat);
                self.line.vacate(seat);
                match self.lend(key, ticket, now, caller) {
                    Some(taken) => Polled::Done(Ok(taken)),
                    None => Polled::Done(Err(CheckoutError::Closed)),
                }
            }
            Seat::Refused(_) | Seat::Vacant => match self.line.vacate(seat) {
                Seat::Refused(error) => Polled::Done(Err(error)),
                _ => Polled::Done(Err(CheckoutError::Closed)),
            },
        }
    }

    /// Somebody stops waiting: gives back what it was given, and its seat.
    pub(crate) fn leave(&mut self, seat: usize, now: Instant) {
        match self.line.vacate(seat) {
            Seat::Waiting { waker, .. } => {
                self.counts.cancelled += 1;
                self.after.rest().drop_wakers.extend(waker);
            }
            Seat::Given { key, .. } => {
                self.counts.cancelled += 1;
                if let Some(member) = self.members.get_mut(key) {
                    member.idle_since = now;
                }
                self.place(key, now);
            }
            Seat::Refused(_) | Seat::Vacant => {}
        }
    }

    /// A borrower gives a member back.
    #[inline]
    pub(crate) fn give_back(&mut self, key: Key, value: T, now: Instant) {
        let Some(member) = self.members.get_mut(key) else {
            // It has ended meanwhile.
            self.close(value);
            return;
        };
        member.value = Some(value);
        member.jobs += 1;
        member.seen_well = now;
        member.idle_since = now;
        self.failures = 0;
        self.place(key, now);
    }

    /// A borrower gives a member back that is not to be lent again.
    pub(crate) fn discard(&mut self, key: Key, value: T) {
        let Some(member) = self.members.get_mut(key) else {
            self.close(value);
            return;
        };
        let dead = member.is_dead();
        member.value = Some(value);
        if dead {
            self.bury(key);
        } else {
            self.remove(key, Gone::Closed);
        }
    }

    /// A borrower keeps a member for good.
    pub(crate) fn detach(&mut self, key: Key) -> Option<otp_core::Pid> {
        self.remove(key, Gone::Taken)
    }

    /// Members whose value is not here: with borrowers, or given to waiters.
    fn in_use(&self) -> usize {
        self.members.len() - self.idle.len() - self.away
    }

    fn capacity(&self) -> usize {
        self.terms.size.saturating_add(self.terms.max_overflow)
    }

    fn is_dead(&self, key: Key) -> bool {
        self.members.get(key).is_some_and(members::Member::is_dead)
    }
}
