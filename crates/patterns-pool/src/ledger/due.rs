//! What is due: the keeper's round.

use std::time::Instant;

use super::Ledger;
use super::members::{Key, Place};
use super::starts::Start;
use crate::Leak;

/// Idle members are checked so many at a time, so that most of them stay ready.
const CHECKS: usize = 4;

/// What the keeper is to do.
#[derive(Debug)]
pub(crate) struct Work<T> {
    pub(crate) starts: Vec<Start>,
    pub(crate) checks: Vec<(Key, T)>,
    pub(crate) leaks: Vec<Leak>,
    /// When to look again.
    pub(crate) next: Option<Instant>,
}

impl<T> Ledger<T> {
    /// Does all that is due, and says what is left for the keeper to do.
    pub(crate) fn attend(&mut self, now: Instant) -> Work<T> {
        self.told = true;
        self.alarm = None;
        self.expire(now);
        self.look_at_line(now);
        self.retire(now);
        self.close_idle(now);
        let checks = self.due_checks(now);
        let leaks = self.leaks(now);
        let starts = self.begin_starts(now);
        self.alarm = self.next_due(now);
        self.told = false;
        self.review();
        Work {
            starts,
            checks,
            leaks,
            next: self.alarm,
        }
    }

    /// Refuses those whose time is over.
    fn expire(&mut self, now: Instant) {
        let first = self.line.next_deadline();
        if first.is_none_or(|deadline| now < deadline) {
            return;
        }
        let cause = self.waited_for();
        let (after, counts) = (&mut self.after, &mut self.counts);
        let over = |since: Instant, deadline: Option<Instant>| {
            deadline
                .filter(|deadline| *deadline <= now)
                .map(|_| crate::CheckoutError::Timeout {
                    waited: now.saturating_duration_since(since),
                    cause: cause.clone(),
                })
        };
        self.line.refuse(over, |waker| {
            counts.timed_out += 1;
            after.wake(waker);
        });
    }

    /// Ends the lives of members that have lived long enough: now if they are idle, when they come back otherwise.
    fn retire(&mut self, now: Instant) {
        if self.terms.max_lifetime.is_none() {
            return;
        }
        for (_, member) in self.members.iter_mut() {
            member.retired |= member.retire_at.is_some_and(|at| at <= now);
        }
        self.close_retired();
    }

    /// Takes out the idle members that are to be checked now.
    fn due_checks(&mut self, now: Instant) -> Vec<(Key, T)> {
        let Some(interval) = self.terms.check_interval else {
            return Vec::new();
        };
        let room = CHECKS.saturating_sub(self.away);
        self.take_away(room, |member| {
            now.saturating_duration_since(member.seen_well) >= interval
        })
    }

    /// Members that borrowers have had for long, each reported once per checkout.
    fn leaks(&mut self, now: Instant) -> Vec<Leak> {
        let Some(leak_after) = self.terms.leak_after else {
            return Vec::new();
        };
        let mut leaks = Vec::new();
        for (_, member) in self.members.iter_mut() {
            let Place::Out {
                since,
                caller,
                reported,
            } = &mut member.place
            else {
                continue;
            };
            let held = now.saturating_duration_since(*since);
            if held >= leak_after && !*reported {
                *reported = true;
                leaks.push(Leak {
                    id: member.id,
                    held,
                    taken_at: caller,
                });
            }
        }
        self.counts.leaks += leaks.len() as u64;
        leaks
    }

    pub(super) fn next_due(&mut self, now: Instant) -> Option<Instant> {
        let first = self.line.first();
        let look = first.and_then(|(_, since)| self.shedding.as_ref()?.next_look(since));
        let line = [self.line.next_deadline(), self.rests_until, look];
        let (leak_after, idle_timeout, check_interval) = (
            self.terms.leak_after,
            self.terms.idle_timeout,
            self.terms.check_interval,
        );
        let (spare, busy) = (self.idle.len() > self.min_idle(), self.away >= CHECKS);
        let members = self.members.iter().flat_map(|(_, member)| {
            let idle = matches!(member.place, Place::Idle);
            let leak = match (member.place, leak_after) {
                (
                    Place::Out {
                        since,
                        reported: false,
                        ..
                    },
                    Some(after),
                ) => since.checked_add(after),
                _ => None,
            };
            let close = idle_timeout.filter(|_| idle && spare);
            let check = check_interval.filter(|_| idle && !busy);
            [
                leak,
                member.retire_at.filter(|_| !member.retired),
                close.and_then(|timeout| member.idle_since.checked_add(timeout)),
                check.and_then(|interval| member.seen_well.checked_add(interval)),
            ]
        });
        let next = line.into_iter().chain(members).flatten().min();
        // Never in the past: what is due now and could not be done waits for something that will be reported.
        next.map(|at| at.max(now))
    }
}
