//! The task that watches over the calls to the servers of one runtime.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::pin;
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::watched::Entry;
use super::{COARSE, Deadlines, EXACT, RESTING, TICK};
use crate::current::Settle;
use crate::error::CallError;
use crate::panics;
use crate::sync::{Arc, Ordering, Weak};
use crate::timers::after;

/// How far the runtime's clock may be off the machine's over a tick and still be the same clock.
const CLOCK_TOLERANCE: Duration = Duration::from_millis(1);

/// Real deadlines, earliest first.
#[derive(Debug, Default)]
pub(super) struct Heap {
    calls: BinaryHeap<Reverse<Due>>,
    sweep_at: usize,
    /// The ticker's, while it waits.
    pub(super) waker: Option<Waker>,
}

#[derive(Debug)]
struct Due {
    deadline: Instant,
    call: Weak<dyn Settle>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.deadline == other.deadline
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.deadline.cmp(&other.deadline)
    }
}

impl Heap {
    /// Adds a deadline.
    pub(super) fn push(&mut self, call: Weak<dyn Settle>, deadline: Instant) {
        if self.calls.len() >= self.sweep_at {
            self.calls
                .retain(|Reverse(due)| due.call.strong_count() > 0);
            self.sweep_at = (self.calls.len() * 2).max(64);
        }
        self.calls.push(Reverse(Due { deadline, call }));
    }

    /// Takes out one call whose deadline has passed.
    fn pop_due(&mut self, now: Instant) -> Option<Weak<dyn Settle>> {
        if self.calls.peek()?.0.deadline > now {
            return None;
        }
        self.calls.pop().map(|Reverse(due)| due.call)
    }

    /// The earliest deadline of a call that is still in flight.
    fn earliest(&mut self) -> Option<Instant> {
        while let Some(Reverse(due)) = self.calls.peek() {
            if due.call.strong_count() > 0 {
                return Some(due.deadline);
            }
            self.calls.pop();
        }
        None
    }
}

pub(crate) struct Ticker {
    deadlines: Arc<Deadlines>,
    /// In flight since before the last tick, each with its deadline.
    aged: Vec<(Entry, Instant)>,
    fresh: Vec<Entry>,
    /// The runtime's clock and the machine's at the last tick, while ticking.
    last: Option<(Instant, std::time::Instant)>,
    /// `None` while it rests.
    next_tick: Option<Instant>,
}

/// When the ticker has something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Again,
    At(Instant),
    /// Not before somebody wakes it.
    AtWake,
}

impl Ticker {
    pub(crate) fn new(deadlines: Arc<Deadlines>) -> Self {
        Self {
            deadlines,
            aged: Vec::new(),
            fresh: Vec::new(),
            last: None,
            next_tick: None,
        }
    }

    pub(super) async fn run(mut self) {
        let mut sleep = pin!(sleep_until(Instant::now()));
        loop {
            self.round(Instant::now());
            let mut polled = false;
            poll_fn(|cx| {
                if polled {
                    return Poll::Ready(());
                }
                polled = true;
                match self.look(cx.waker()) {
                    Look::Again => Poll::Ready(()),
                    Look::AtWake => Poll::Pending,
                    Look::At(until) => {
                        sleep.as_mut().reset(until);
                        sleep.as_mut().poll(cx)
                    }
                }
            })
            .await;
        }
    }

    /// Does what is due.
    pub(crate) fn round(&mut self, now: Instant) {
        self.expire(now);
        // A wake for an early deadline is no tick.
        if self.next_tick.is_none_or(|next| now >= next) {
            self.next_tick = if self.tick() {
                self.publish_clock(now);
                Some(now + TICK)
            } else {
                self.last = None;
                self.deadlines.mode.store(RESTING, Ordering::Relaxed);
                None
            };
        }
    }

    /// Looks at all servers that were called; tells whether there is any.
    fn tick(&mut self) -> bool {
        let mut promoted = self
            .aged
            .drain(..)
            .filter(|(entry, _)| entry.in_flight())
            .peekable();
        if promoted.peek().is_some() {
            let mut heap = self.deadlines.heap.lock();
            for (entry, deadline) in promoted {
                heap.push(entry.call, deadline);
            }
        } else {
            drop(promoted);
        }
        let mut servers = mem::take(&mut *self.deadlines.watched.lock());
        servers.retain(|server| server.take_calls(&mut self.fresh));
        let mut watched = self.deadlines.watched.lock();
        watched.append(&mut servers);
        let any = !watched.is_empty();
        drop(watched);
        // Read after the calls were taken: whatever ran since this tick began (the wakers of calls that
        // timed out, above all) must not be counted to those made meanwhile.
        let now = Instant::now();
        for entry in self.fresh.drain(..) {
            let deadline = after(entry.armed.unwrap_or(now), entry.timeout);
            self.aged.push((entry, deadline));
        }
        any || !self.aged.is_empty()
    }

    /// Settles every call whose deadline has passed, each outside the lock.
    fn expire(&self, now: Instant) {
        loop {
            let due = self.deadlines.heap.lock().pop_due(now);
            match due {
                Some(call) => {
                    if let Some(call) = call.upgrade() {
                        // It wakes the caller; a waker that panics must not end the deadlines of all.
                        let _ = panics::catch(|| call.settle(CallError::Timeout));
                    }
                }
                None => return,
            }
        }
    }

    /// Publishes whether calls must read the clock until the next tick.
    fn publish_clock(&mut self, now: Instant) {
        let machine = std::time::Instant::now();
        let mode = match self.last {
            Some((then, machine_then)) => {
                let (passed, machine_passed) = (now - then, machine - machine_then);
                // Over no time at all, any two clocks agree: that proves nothing.
                let proven = machine_passed >= TICK / 2;
                if proven && passed.abs_diff(machine_passed) <= CLOCK_TOLERANCE {
                    COARSE
                } else {
                    EXACT
                }
            }
            None => EXACT,
        };
        self.last = Some((now, machine));
        self.deadlines.mode.store(mode, Ordering::Relaxed);
    }

    /// Tells when there is something to do next, unless somebody wakes the ticker earlier.
    pub(crate) fn look(&self, waker: &Waker) -> Look {
        let mut heap = self.deadlines.heap.lock();
        heap.waker = Some(waker.clone());
        let earliest = heap.earliest();
        drop(heap);
        // The last look of invariant 4: from here on, whoever has a server watched finds the waker.
        if self.next_tick.is_none() && !self.deadlines.watched.lock().is_empty() {
            return Look::Again;
        }
        match earliest.into_iter().chain(self.next_tick).min() {
            Some(until) => Look::At(until),
            None => Look::AtWake,
        }
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.deadlines.dead.store(true, Ordering::Release);
        let watched = mem::take(&mut *self.deadlines.watched.lock());
        drop(watched);
    }
}
