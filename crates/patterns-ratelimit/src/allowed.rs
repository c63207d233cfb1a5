//! What a request that was allowed learns.

use std::fmt;
use std::time::Duration;

use crate::gcra::Gcra;

/// A request that was allowed, and what it left.
///
/// Nothing of it is computed before it is asked for: to be allowed takes no division.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    pub(crate) gcra: Gcra,
    /// The TAT that it left, and when, in nanoseconds.
    pub(crate) tat: u64,
    pub(crate) nanos: u64,
}

impl Allowed {
    /// Returns how many tokens were left when it was allowed, rounded down.
    #[must_use]
    pub fn remaining(&self) -> u32 {
        self.gcra.left(self.tat, self.gcra.units(self.nanos))
    }

    /// Returns how many tokens there are at most.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        self.gcra.capacity()
    }

    /// Returns after which time, from the moment it was allowed on, all tokens are back, if nobody takes any meanwhile; `None` if none ever comes
    /// back.
    #[must_use]
    pub fn full_after(&self) -> Option<Duration> {
        let owed = self.tat.saturating_sub(self.gcra.units(self.nanos));
        self.gcra
            .refills()
            .then(|| self.gcra.wait(self.nanos, owed))
    }
}

impl fmt::Debug for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed")
            .field("remaining", &self.remaining())
            .field("capacity", &self.capacity())
            .field("full_after", &self.full_after())
            .finish()
    }
}
