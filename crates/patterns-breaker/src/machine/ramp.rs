//! Which calls go through while a breaker ramps up: more and more of them, evenly, and without chance.

/// A whole share of the calls.
pub(super) const WHOLE: u64 = 1 << 32;

/// A ramp that has begun.
#[derive(Debug)]
pub(super) struct Ramp {
    since: u64,
    /// How long it takes, more than zero.
    length: u64,
    /// How much of a call may still go through, of [`WHOLE`]. Less than a whole one is ever saved.
    credit: u64,
}

impl Ramp {
    /// The first call goes through.
    pub(super) const fn new(since: u64, length: u64) -> Self {
        Self {
            since,
            length,
            credit: WHOLE,
        }
    }

    /// When all calls go through.
    pub(super) const fn end(&self) -> u64 {
        self.since.saturating_add(self.length)
    }

    /// Whether a call goes through that comes now: each brings its share along, and one goes through for each whole one.
    pub(super) fn admits(&mut self, now: u64) -> bool {
        self.credit += share(now - self.since, self.length);
        let admits = self.credit >= WHOLE;
        if admits {
            self.credit -= WHOLE;
        }
        admits
    }
}

/// The share of the calls that is let through when so much of the ramp is behind, of [`WHOLE`].
pub(super) fn share(elapsed: u64, ramp: u64) -> u64 {
    // Rounded up, so that ten calls of a tenth each are a whole one.
    let share = (u128::from(elapsed) * u128::from(WHOLE)).div_ceil(u128::from(ramp.max(1)));
    u64::try_from(share).unwrap_or(WHOLE).min(WHOLE)
}
