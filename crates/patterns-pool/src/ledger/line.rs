//! Those who wait, in the order in which they came.
//!
//! Invariants:
//!
//! 1. A seat belongs to one waiter from `sit` to `vacate`, which only that waiter asks for. So nobody ever finds on its seat what
//!    was meant for another.
//! 2. Every seat at which somebody waits has exactly one place in the queue with its ticket. A place whose seat has another
//!    ticket, or where nobody waits, is stale: it is skipped, and swept out before stale ones are more than the rest.
//! 3. The queue is in the order of tickets.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use super::members::Key;
use crate::CheckoutError;

/// What a waiter finds on its seat.
#[derive(Debug)]
pub(crate) enum Seat {
    /// Nobody's.
    Vacant,
    /// Nothing yet.
    Waiting {
        waker: Option<Waker>,
        since: Instant,
        deadline: Option<Instant>,
    },
    /// A member. The rest is kept for the case that it ends before it is fetched.
    Given {
        key: Key,
        since: Instant,
        deadline: Option<Instant>,
    },
    /// That there will be none.
    Refused(CheckoutError),
}

#[derive(Debug, Default)]
pub(crate) struct Line {
    seats: Vec<(u64, Seat)>,
    free: Vec<usize>,
    /// Ticket and seat.
    queue: VecDeque<(u64, usize)>,
    waiting: usize,
    next_ticket: u64,
}

/// Room of that many seats is kept when they are all vacant, and more is given back.
const KEPT: usize = 1_024;

impl Line {
    pub(crate) fn len(&self) -> usize {
        self.waiting
    }

    /// The next number: who came earlier has a lower one.
    pub(crate) fn ticket(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }

    /// Lets somebody wait, behind all with a lower ticket.
    pub(crate) fn sit(
        &mut self,
        ticket: u64,
        waker: Option<Waker>,
        since: Instant,
        deadline: Option<Instant>,
    ) -> usize {
        let waiting = Seat::Waiting {
            waker,
            since,
            deadline,
        };
        let seat = match self.free.pop() {
            Some(seat) => {
                self.seats[seat] = (ticket, waiting);
                seat
            }
            None => {
                self.seats.push((ticket, waiting));
                self.seats.len() - 1
            }
        };
        self.enqueue(ticket, seat);
        seat
    }

    fn enqueue(&mut self, ticket: u64, seat: usize) {
        self.waiting += 1;
        match self.queue.back() {
            Some((last, _)) if *last > ticket => {
                let at = self.queue.partition_point(|(other, _)| *other < ticket);
                self.queue.insert(at, (ticket, seat));
            }
            _ => self.queue.push_back((ticket, seat)),
        }
    }

    pub(crate) fn ticket_of(&self, seat: usize) -> u64 {
        self.seats[seat].0
    }

    pub(crate) fn seat(&mut self, seat: usize) -> &mut Seat {
        &mut self.seats[seat].1
    }

    /// Who is first, and since when.
    pub(crate) fn first(&mut self) -> Option<(usize, Instant)> {
        while let Some((ticket, seat)) = self.queue.front() {
            match &self.seats.get(*seat) {
                Some((same, Seat::Waiting { since, .. })) if same == ticket => {
                    return Some((*seat, *since));
                }
                _ => self.queue.pop_front(),
            };
        }
        None
    }

    /// Gives a member to who is first, at `seat`, and returns the waker.
    pub(crate) fn give(&mut self, seat: usize, key: Key) -> Option<Waker> {
        debug_assert_eq!(self.queue.front().map(|(_, first)| *first), Some(seat));
        self.queue.pop_front();
        self.waiting -= 1;
        let found = self.seat(seat);
        let Seat::Waiting {
            waker,
            since,
            deadline,
        } = found
        else {
            return None;
        };
        let waker = waker.take();
        *found = Seat::Given {
            key,
            since: *since,
            deadline: *deadline,
        };
        waker
    }

    /// Refuses who is first, at `seat`, and returns the waker.
    pub(crate) fn refuse_first(&mut self, seat: usize, error: CheckoutError) -> Option<Waker> {
        debug_assert_eq!(self.queue.front().map(|(_, first)| *first), Some(seat));
        self.queue.pop_front();
        self.waiting -= 1;
        match std::mem::replace(self.seat(seat), Seat::Refused(error)) {
            Seat::Waiting { waker, .. } => waker,
            _ => None,
        }
    }

    /// Takes back what was given and not fetched: its waiter waits again, at its old place, until its old deadline.
    pub(crate) fn take_back(&mut self, seat: usize) -> Option<Instant> {
        let (ticket, found) = &mut self.seats[seat];
        let Seat::Given {
            since, deadline, ..
        } = found
        else {
            return None;
        };
        let (ticket, deadline) = (*ticket, *deadline);
        *found = Seat::Waiting {
            waker: None,
            since: *since,
            deadline,
        };
        self.enqueue(ticket, seat);
        deadline
    }

    /// Ends a waiter's use of its seat, and returns what was there.
    pub(crate) fn vacate(&mut self, seat: usize) -> Seat {
        let left = std::mem::replace(&mut self.seats[seat].1, Seat::Vacant);
        if matches!(left, Seat::Waiting { .. }) {
            self.waiting -= 1;
        }
        self.free.push(seat);
        if self.free.len() == self.seats.len() && self.seats.capacity() > KEPT {
            self.seats = Vec::new();
            self.free = Vec::new();
            self.queue = VecDeque::new();
        } else if self.queue.len() > 2 * self.waiting + 32 {
            self.sweep();
        }
        left
    }

    /// Places and seats for which there is memory.
    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.seats.capacity() + self.queue.capacity()
    }

    #[cfg(test)]
    pub(crate) const fn next_ticket(&self) -> u64 {
        self.next_ticket
    }

    fn sweep(&mut self) {
        let seats = &self.seats;
        self.queue.retain(|(ticket, seat)| {
            matches!(&seats[*seat], (same, Seat::Waiting { .. }) if same == ticket)
        });
    }

    /// Refuses everybody for whom `refuse` has an error; it is asked with since when somebody waits, and the deadline.
    pub(crate) fn refuse(
        &mut self,
        mut refuse: impl FnMut(Instant, Option<Instant>) -> Option<CheckoutError>,
        mut wake: impl FnMut(Option<Waker>),
    ) {
        let (seats, waiting) = (&mut self.seats, &mut self.waiting);
        self.queue.retain(|(ticket, seat)| {
            let (same, found) = &mut seats[*seat];
            if same != ticket {
                return false;
            }
            let Seat::Waiting {
                waker,
                since,
                deadline,
            } = found
            else {
                return false;
            };
            let Some(error) = refuse(*since, *deadline) else {
                return true;
            };
            wake(waker.take());
            *found = Seat::Refused(error);
            *waiting -= 1;
            false
        });
    }

    /// The earliest deadline of all who wait.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let deadlines = self.seats.iter().filter_map(|(_, seat)| match seat {
            Seat::Waiting { deadline, .. } => *deadline,
            _ => None,
        });
        deadlines.min()
    }
}
