//! When to turn waiters away: controlled delay, `CoDel`, as `DBConnection` applies it to the line before a pool.
//!
//! A line is no trouble as long as it empties now and then. So what counts is the *shortest* wait within an interval: if even that
//! is above the target, the line stands, and for the next interval whoever has waited for more than twice the target is turned
//! away. The rest then waits for twice the target at most, where without it all would wait until they time out.
//!
//! Source: Nichols and Jacobson, *Controlling Queue Delay*, ACM Queue 10(5), 2012; the rule per interval is `DBConnection`'s.

use std::time::{Duration, Instant};

use crate::Shedding;

#[derive(Debug)]
pub(crate) struct CoDel {
    target: Duration,
    interval: Duration,
    /// When the interval is over. `None` before the first.
    ends: Option<Instant>,
    /// The shortest wait in the interval so far; `None` if nobody's was over in it.
    shortest: Option<Duration>,
    slow: bool,
}

impl CoDel {
    pub(crate) const fn new(terms: Shedding) -> Self {
        Self {
            target: terms.target,
            interval: terms.interval,
            ends: None,
            shortest: Some(Duration::ZERO),
            slow: false,
        }
    }

    /// A member came free and nobody waited for it.
    pub(crate) const fn nobody_waited(&mut self) {
        self.shortest = Some(Duration::ZERO);
    }

    /// Somebody who has waited for so long is first in the line, as a member is free. Tells whether to turn it away.
    pub(crate) fn turns_away(&mut self, waited: Duration, now: Instant) -> bool {
        self.end_interval(waited, now);
        if self.is_too_long(waited) {
            return true;
        }
        let shortest = self.shortest.get_or_insert(waited);
        *shortest = waited.min(*shortest);
        false
    }

    /// Looks at a line in which nothing moves, whose first has waited for so long; asks for [`Self::is_too_long`] next.
    pub(crate) fn look(&mut self, waited: Duration, now: Instant) {
        self.end_interval(waited, now);
    }

    /// Whether who has waited for so long is to be turned away.
    pub(crate) fn is_too_long(&self, waited: Duration) -> bool {
        self.slow && waited > self.target.saturating_mul(2)
    }

    fn end_interval(&mut self, waited: Duration, now: Instant) {
        let Some(ends) = self.ends else {
            self.ends = now.checked_add(self.interval);
            return;
        };
        if now >= ends {
            // If nobody's wait was over in a whole interval, it is the first one's that is the shortest.
            self.slow = self.shortest.unwrap_or(waited) > self.target;
            self.shortest = None;
            self.ends = now.checked_add(self.interval);
        }
    }

    /// When to look at the line, whose first waits since then, if nothing moves until then.
    pub(crate) fn next_look(&self, since: Instant) -> Option<Instant> {
        let too_long = self.target.saturating_mul(2);
        let turned_away = since
            .checked_add(too_long)
            .and_then(|at| at.checked_add(Duration::from_nanos(1)));
        match (self.ends, turned_away) {
            (Some(ends), Some(at)) if self.slow => Some(ends.min(at)),
            (ends, _) => ends,
        }
    }
}
