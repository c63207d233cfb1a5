//! The decision itself, in integers, without a clock and without tokio: the generic cell rate algorithm.
//!
//! A bucket is one number, the *theoretical arrival time* (TAT) of ITU-T I.371, annex A (the virtual scheduling form): the moment at which all that was taken has
//! come back. A token moves it on by the time that a token takes to come back, and a request is allowed if the TAT is then no further ahead of now than the
//! capacity reaches. That is a token bucket (Turner's, of 1986) which nobody has to fill.
//!
//! # Units
//!
//! Time is counted in units in which all of it is whole: a token costs `cost` of them, and `step` pass in each `grid` nanoseconds. For 100 tokens a second that
//! is 10,000,000, 1 and 1; for 3 a second 500,000,000, 3 and 2, so that nothing is ever rounded and nothing drifts. The grid is as coarse as it must be for 30
//! years of units to fit into 61 bits, and never so coarse that more than a sixteenth of a token comes back in one step.
//!
//! A rate with which that cannot be is rounded down, to 2 units a nanosecond, by less than one part in 10⁹ divided by the tokens a second. It takes a period that
//! has no divisor of the right size: a prime number of nanoseconds, say.
//!
//! # Invariants
//!
//! 1. In any interval no more is taken than the capacity and what comes back in it, in whole steps of the grid. For the first taking in it, at `a`, leaves the TAT at `a` plus its cost or later,
//!    and the last one, at `b`, no further than `b` plus the capacity.
//! 2. A TAT that has passed says the same as none: so a bucket that is full again can be forgotten.
//! 3. TATs stay below 2⁶³: now is at most 2⁶¹ units, the capacity too, and what is charged beyond it saturates.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// The last unit of time. What comes after 30 years is this moment for ever.
const HORIZON: u64 = 1 << 61;
/// The last TAT.
pub(crate) const LAST: u64 = (1 << 63) - 1;

/// A quota as numbers to decide with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gcra {
    /// How many units a token costs.
    cost: u64,
    /// How many units the capacity is.
    capacity: u64,
    /// How many units pass in a step of the grid; 0 if nothing ever comes back.
    step: u64,
    /// How many nanoseconds a step of the grid takes.
    grid: u64,
    /// How many steps there are until the horizon.
    steps: u64,
    /// The capacity in tokens.
    tokens: u32,
}

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// So many units have to pass first.
    Units(u64),
    /// It can never be.
    Never,
}

impl Gcra {
    /// `refill` tokens come back in `period` nanoseconds, at most one each; the numbers were checked.
    pub(crate) fn new(tokens: u32, refill: u32, period: u64) -> Self {
        if refill == 0 {
            return Self {
                cost: 1,
                capacity: u64::from(tokens),
                step: 0,
                grid: 1,
                steps: 0,
                tokens,
            };
        }
        let divisor = gcd(u64::from(refill), period);
        let (refill, period) = (u64::from(refill) / divisor, period / divisor);
        let (step, cost, grid) = match grid(refill, period) {
            Some(grid) => (refill, period / grid, grid),
            // A product of 31 and 60 bits.
            None => {
                let cost = (2 * u128::from(period)).div_ceil(u128::from(refill));
                (2, u64::try_from(cost).unwrap_or(HORIZON), 1)
            }
        };
        Self {
            cost,
            capacity: cost.saturating_mul(u64::from(tokens)).min(HORIZON),
            step,
            grid,
            steps: HORIZON / step,
            tokens,
        }
    }

    /// The moment `nanos`, in units.
    #[inline]
    pub(crate) fn units(&self, nanos: u64) -> u64 {
        // A division costs more than all the rest, and the usual rates need none.
        let steps = if self.grid == 1 {
            nanos
        } else {
            nanos / self.grid
        };
        steps.min(self.steps) * self.step
    }

    /// The TAT after `tokens` more were taken at `now`, if `ahead` units are spoken for by others who were there first.
    #[inline]
    pub(crate) fn take(&self, tat: u64, now: u64, tokens: u32, ahead: u64) -> Result<u64, Short> {
        if tokens > self.tokens {
            return Err(Short::Never);
        }
        let after = tat.max(now) + u64::from(tokens) * self.cost;
        let reach = now + self.capacity;
        let wanted = after.saturating_add(ahead);
        if wanted <= reach {
            Ok(after)
        } else if self.step == 0 {
            Err(Short::Never)
        } else {
            Err(Short::Units(wanted - reach))
        }
    }

    /// The TAT after `tokens` were taken that nobody asked for beforehand, whatever is there.
    pub(crate) fn charge(&self, tat: u64, now: u64, tokens: u32) -> u64 {
        let units = u64::from(tokens).saturating_mul(self.cost);
        tat.max(now).saturating_add(units).min(LAST)
    }

    /// How many units come back with `tokens` that were not used, of those whose taking left the TAT at `left`.
    ///
    /// What has come back by itself meanwhile does not come back once more.
    pub(crate) fn refundable(&self, now: u64, left: u64, tokens: u32) -> u64 {
        let unused = u64::from(tokens).saturating_mul(self.cost);
        unused.min(left.saturating_sub(now))
    }

    /// How long after `nanos` it is until `units` more have passed. Never too short: asked at that moment, it is time.
    pub(crate) fn wait(&self, nanos: u64, units: u64) -> Duration {
        if self.grid == 1 && self.step == 1 {
            return Duration::from_nanos(units);
        }
        let steps = units.div_ceil(self.step.max(1));
        let moment = (nanos / self.grid)
            .saturating_add(steps)
            .saturating_mul(self.grid);
        Duration::from_nanos(moment.saturating_sub(nanos))
    }

    /// How many tokens can be taken at `now`.
    pub(crate) fn left(&self, tat: u64, now: u64) -> u32 {
        let owed = tat.saturating_sub(now);
        let left = self.capacity.saturating_sub(owed) / self.cost;
        u32::try_from(left).unwrap_or(u32::MAX).min(self.tokens)
    }

    /// The TAT of a bucket of this quota that owes as much as one of `old` at the moment `nanos`: in tokens, rounded up, and the capacity at most.
    pub(crate) fn convert(&self, old: &Self, tat: u64, nanos: u64) -> u64 {
        let owed = u128::from(tat.saturating_sub(old.units(nanos)));
        let owed = (owed * u128::from(self.cost)).div_ceil(u128::from(old.cost));
        let owed = u64::try_from(owed).unwrap_or(u64::MAX).min(self.capacity);
        self.units(nanos) + owed
    }

    /// How many units `tokens` are.
    pub(crate) fn cost_of(&self, tokens: u64) -> u64 {
        tokens.saturating_mul(self.cost)
    }

    /// How many units have to pass before `units` can be taken.
    pub(crate) fn over(&self, tat: u64, now: u64, units: u64) -> u64 {
        let wanted = tat.max(now).saturating_add(units);
        wanted.saturating_sub(now + self.capacity)
    }

    /// The capacity in tokens.
    pub(crate) fn capacity(&self) -> u32 {
        self.tokens
    }

    /// Whether anything comes back.
    pub(crate) fn refills(&self) -> bool {
        self.step > 0
    }
}

/// The smallest grid on which 30 years have room and a step brings a sixteenth of a token at most; `refill` and `period` share no factor.
fn grid(refill: u64, period: u64) -> Option<u64> {
    /// How many divisors are tried. The rates of people have one within the first few.
    const TRIES: u64 = 100_000;
    // 2⁶¹ units are 73 years at one unit a nanosecond.
    let least = refill.saturating_mul(30).div_ceil(73);
    // What comes back in a step is `refill * grid / period` tokens. With a step of 1 ns nothing comes early.
    let most = (period / refill / 16).max(1);
    (least..=most)
        .take_while(|grid| *grid < least.saturating_add(TRIES))
        .find(|grid| period.is_multiple_of(*grid))
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
