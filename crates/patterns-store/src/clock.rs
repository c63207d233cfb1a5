//! A table's time: nanoseconds since its making, on tokio's clock, so that a test can pause it.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// The deadline of a row that never expires.
pub(crate) const NEVER: u64 = u64::MAX;

/// Counts nanoseconds from the moment of its making. It reads the paused clock inside a paused runtime
/// and the machine's monotonic clock everywhere else, so it needs no runtime.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    fn read(&self) -> u64 {
        // A clock that stands before `start` (a paused one, seen from outside its runtime) reads 0.
        nanos(Instant::now().saturating_duration_since(self.start)).min(NEVER - 1)
    }

    /// The moment of one operation.
    pub(crate) fn moment(&self) -> Moment<'_> {
        Moment {
            clock: self,
            read: Cell::new(None),
        }
    }
}

/// One moment: the clock is read when it is first asked for, and then not again, so that one operation
/// judges all rows alike. Most need no clock, which costs more than the lookup.
#[derive(Debug)]
pub struct Moment<'a> {
    clock: &'a Clock,
    read: Cell<Option<u64>>,
}

impl Moment<'_> {
    pub(crate) fn now(&self) -> u64 {
        self.read.get().unwrap_or_else(|| {
            let now = self.clock.read();
            self.read.set(Some(now));
            now
        })
    }

    /// Whether `deadline` is over.
    #[inline]
    pub(crate) fn is_over(&self, deadline: u64) -> bool {
        deadline != NEVER && deadline <= self.now()
    }

    /// The deadline of what lives for `ttl` from now on, or for ever.
    pub(crate) fn deadline(&self, ttl: Option<Duration>) -> u64 {
        // The saturated sum is `NEVER`: what lies beyond 584 years, as `Duration::MAX` does.
        ttl.map_or(NEVER, |ttl| self.now().saturating_add(nanos(ttl)))
    }

    /// What is left of the time to live of a row that is live; `NEVER` stays what it is.
    pub(crate) fn left(&self, deadline: u64) -> u64 {
        if deadline == NEVER {
            NEVER
        } else {
            deadline.saturating_sub(self.now())
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .checked_mul(1_000_000_000)
        .and_then(|secs| secs.checked_add(u64::from(duration.subsec_nanos())))
        .unwrap_or(NEVER)
}
