//! Tokens that are taken now and settled later.

use std::fmt;
use std::sync::Arc;

use crate::Allowed;
use crate::place::{Settle, Taken};

/// Tokens that were taken before it is known how many will be used: of a request whose size shows at its end, say.
///
/// [`settle`](Self::settle) says how many were used: the rest goes back, and what was used beyond is taken too. Dropped without that, all of it goes back:
/// whatever becomes of the work (an error, a panic, a future that is dropped), nothing is lost.
///
/// What goes back is what has not come back by itself meanwhile, so that no more is allowed in any time than the quota says. After a reset, or a change of
/// the quota, what was reserved before it does not go back. While a bucket has an open reservation, each check of it takes a short lock, and its key is not forgotten.
///
/// # Examples
///
/// ```
/// use patterns_ratelimit::{Quota, RateLimiter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tokens_a_minute = RateLimiter::new(Quota::per_minute(10_000))?;
/// let reservation = tokens_a_minute.try_reserve(4_000)?;
/// let used = 2_500; // says the answer
/// reservation.settle(used);
/// assert_eq!(tokens_a_minute.stats().tokens, 7_500);
/// # Ok(())
/// # }
/// ```
#[must_use = "dropped at once, all of it goes back"]
pub struct Reservation {
    place: Arc<dyn Settle + Send + Sync>,
    taken: Taken,
    /// What goes back when this is dropped.
    tokens: u32,
}

impl Reservation {
    pub(crate) fn new(place: Arc<dyn Settle + Send + Sync>, taken: Taken, tokens: u32) -> Self {
        Self {
            place,
            taken,
            tokens,
        }
    }

    /// Returns how many tokens are reserved.
    #[must_use]
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Returns what the taking left.
    #[must_use]
    pub fn allowed(&self) -> Allowed {
        self.taken.allowed
    }

    /// Says that `used` tokens were used. Fewer than were reserved: the rest goes back. More: the difference is taken too, if it is not there
    /// from what comes back next.
    pub fn settle(mut self, used: u32) {
        if used > self.tokens {
            self.place.charge(used - self.tokens);
        }
        self.tokens = self.tokens.saturating_sub(used);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.place.refund(self.taken, self.tokens);
    }
}

impl fmt::Debug for Reservation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation")
            .field("tokens", &self.tokens)
            .finish_non_exhaustive()
    }
}
