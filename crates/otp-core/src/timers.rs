//! The timers of one process, in the order of their times, and one `Sleep`.
//!
//! Invariants:
//! 1. Timers live in the process and die with it. A due one is taken out and handled at
//!    once, never queued; so nothing arrives after `cancel`.
//! 2. The clock is read when the process wakes, and only if it has timers. Due then is what was set
//!    before that wake, so a timer that sets itself again at once cannot keep messages out.
//! 3. An interval has at most one tick due; what was missed is skipped.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use crate::panics;

/// A timer of a process, for [`Context::cancel`](crate::Context::cancel).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimerRef(u64);

/// The shortest interval; tokio's timers count in milliseconds.
pub(crate) const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

pub(crate) struct Timers<M> {
    /// By time, and of equal times the one set first.
    timers: BTreeMap<(Instant, u64), Fires<M>>,
    /// When each fires, for cancelling.
    times: HashMap<u64, Instant>,
    next: u64,
    sleep: Option<Pin<Box<Sleep>>>,
    /// What is due in this wake: up to this time, and set before this number was given out.
    due: Option<(Instant, u64)>,
}

enum Fires<M> {
    Once(M),
    Every(Duration, Box<dyn FnMut() -> M + Send>),
}

impl<M> Timers<M> {
    pub(crate) fn new() -> Self {
        Self {
            timers: BTreeMap::new(),
            times: HashMap::new(),
            next: 0,
            sleep: None,
            due: None,
        }
    }

    pub(crate) fn send_after(&mut self, delay: Duration, message: M) -> TimerRef {
        self.set(delay, Fires::Once(message))
    }

    pub(crate) fn send_interval(
        &mut self,
        period: Duration,
        make: Box<dyn FnMut() -> M + Send>,
    ) -> TimerRef {
        let period = period.max(SHORTEST_PERIOD);
        self.set(period, Fires::Every(period, make))
    }

    fn set(&mut self, delay: Duration, fires: Fires<M>) -> TimerRef {
        let number = self.next;
        self.next += 1;
        self.insert(after(Instant::now(), delay), number, fires);
        TimerRef(number)
    }

    fn insert(&mut self, at: Instant, number: u64, fires: Fires<M>) {
        self.times.insert(number, at);
        self.timers.insert((at, number), fires);
    }

    /// Removes a timer and tells what time it had left; `None` if it has fired or was cancelled before.
    pub(crate) fn cancel(&mut self, timer: TimerRef) -> Option<Duration> {
        let at = self.times.remove(&timer.0)?;
        self.timers.remove(&(at, timer.0));
        Some(at.saturating_duration_since(Instant::now()))
    }

    /// Reads the clock, once for this wake.
    pub(crate) fn woke(&mut self) {
        if !self.timers.is_empty() {
            self.due = Some((Instant::now(), self.next));
        }
    }

    /// The message of the next timer that is due in this wake.
    pub(crate) fn pop_due(&mut self) -> Option<M> {
        let (now, limit) = self.due?;
        // A timer set since the wake is no candidate, and of equal times it stands last.
        let first = self.timers.first_key_value().map(|(key, _)| *key);
        let Some((at, number)) = first.filter(|(at, number)| *at <= now && *number < limit) else {
            self.due = None;
            return None;
        };
        self.times.remove(&number);
        match self.timers.remove(&(at, number))? {
            Fires::Once(message) => Some(message),
            Fires::Every(period, mut make) => {
                let message = make();
                let missed = now.saturating_duration_since(at).as_nanos() / period.as_nanos();
                let periods = u32::try_from(missed + 1).unwrap_or(u32::MAX);
                let next = after(at, period.saturating_mul(periods));
                self.insert(next, number, Fires::Every(period, make));
                Some(message)
            }
        }
    }

    /// Drops each timer's message on its own.
    pub(crate) fn discard(self) {
        for (_, fires) in self.timers {
            let _ = panics::catch_drop(fires);
        }
    }

    /// Waits for the earliest of the timers and `or_at`.
    pub(crate) fn poll(&mut self, or_at: Option<Instant>, cx: &mut Context<'_>) -> Poll<()> {
        let first = self.timers.first_key_value().map(|((at, _), _)| *at);
        let Some(at) = first.into_iter().chain(or_at).min() else {
            return Poll::Pending;
        };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        sleep.as_mut().poll(cx)
    }
}

/// `start` plus `delay`, thirty years at most.
pub(crate) fn after(start: Instant, delay: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(86_400 * 365 * 30);
    start.checked_add(delay.min(THIRTY_YEARS)).unwrap_or(start)
}
