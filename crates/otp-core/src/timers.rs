//! The timers of one process: a heap and one `Sleep`.
//!
//! Invariants:
//! 1. Timers live in the process and die with it. A due one is taken out of the heap and handled at
//!    once, never queued; so nothing arrives after `cancel`.
//! 2. The clock is read when the process wakes, and only if it has timers. Due then is what was set
//!    before that wake, so a timer that sets itself again at once cannot keep messages out.
//! 3. An interval has at most one tick due; what was missed is skipped.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer of a process, for [`Context::cancel`](crate::Context::cancel).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerRef(u64);

/// The shortest interval; tokio's timers count in milliseconds.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

pub(crate) struct Timers<M> {
    heap: BinaryHeap<Timer<M>>,
    next: u64,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What is due in this wake: up to this time, and set before this number was given out.
    due: Option<(Instant, u64)>,
}

struct Timer<M> {
    at: Instant,
    number: u64,
    fires: Fires<M>,
}

enum Fires<M> {
    Once(M),
    Every(Duration, Box<dyn FnMut() -> M + Send>),
}

impl<M> Timers<M> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            next: 0,
            sleep: None,
            due: None,
        }
    }

    pub(crate) fn send_after(&mut self, delay: Duration, message: M) -> TimerRef {
        self.push(after(Instant::now(), delay), Fires::Once(message))
    }

    pub(crate) fn send_interval(
        &mut self,
        period: Duration,
        make: Box<dyn FnMut() -> M + Send>,
    ) -> TimerRef {
        let period = period.max(SHORTEST_PERIOD);
        self.push(after(Instant::now(), period), Fires::Every(period, make))
    }

    fn push(&mut self, at: Instant, fires: Fires<M>) -> TimerRef {
        let number = self.next;
        self.next += 1;
        self.heap.push(Timer { at, number, fires });
        TimerRef(number)
    }

    /// Removes a timer; `None` if it has fired or was cancelled before.
    pub(crate) fn cancel(&mut self, timer: TimerRef) -> Option<Duration> {
        let mut found = None;
        let mut rest = std::mem::take(&mut self.heap).into_vec();
        if let Some(index) = rest
            .iter()
            .position(|candidate| candidate.number == timer.0)
        {
            found = Some(rest.swap_remove(index));
        }
        self.heap = rest.into();
        found.map(|timer| timer.at.saturating_duration_since(Instant::now()))
    }

    /// Reads the clock, once for this wake.
    pub(crate) fn woke(&mut self) {
        if !self.heap.is_empty() {
            self.due = Some((Instant::now(), self.next));
        }
    }

    /// The message of the next timer that is due in this wake.
    pub(crate) fn pop_due(&mut self) -> Option<M> {
        let (now, limit) = self.due?;
        let top = self
            .heap
            .peek_mut()
            .filter(|top| top.at <= now && top.number < limit);
        let Some(mut top) = top else {
            self.due = None;
            return None;
        };
        let at = top.at;
        if let Fires::Every(period, make) = &mut top.fires {
            let message = make();
            let missed = now.saturating_duration_since(at).as_nanos() / period.as_nanos();
            let periods = u32::try_from(missed + 1).unwrap_or(u32::MAX);
            top.at = after(at, period.saturating_mul(periods));
            return Some(message);
        }
        match std::collections::binary_heap::PeekMut::pop(top).fires {
            Fires::Once(message) => Some(message),
            Fires::Every(..) => None,
        }
    }

    /// Waits for the earliest of the timers and `or_at`.
    pub(crate) fn poll(&mut self, or_at: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self
            .heap
            .peek()
            .map(|timer| timer.at)
            .into_iter()
            .chain(or_at)
            .min()
        else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

/// `start` plus `delay`, or a time that nobody lives to see.
pub(crate) fn after(start: Instant, delay: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(86_400 * 365 * 30);
    start.checked_add(delay.min(THIRTY_YEARS)).unwrap_or(start)
}

// Reversed, for the heap gives out its greatest: the earliest, and of equals the one set first.
impl<M> Ord for Timer<M> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

impl<M> PartialOrd for Timer<M> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M> PartialEq for Timer<M> {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.number) == (other.at, other.number)
    }
}

impl<M> Eq for Timer<M> {}
