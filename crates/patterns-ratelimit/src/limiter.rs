//! The handle of a limiter that is one for all.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::bucket::{Bucket, Slow};
use crate::clock::Clock;
use crate::desk::{Entered, Turn};
use crate::levels::{Before, Level, Locked};
use crate::place::{Place, Settle, Taken};
use crate::waiting::until_ready;
use crate::{Allowed, BadOption, Denied, LimiterStats, Quota, Reservation, WaitError, WaitOptions};

/// A rate limiter that is one for all who ask.
///
/// A handle is cheap to clone, and all clones are one limiter. It owns no process and needs no runtime: a check reads the clock and moves one number on.
/// Only [`until_ready`](Self::until_ready) is async.
///
/// # Examples
///
/// ```
/// use patterns_ratelimit::{Quota, RateLimiter};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limiter = RateLimiter::new(Quota::per_second(2))?;
/// assert!(limiter.allow());
/// assert_eq!(limiter.consume(1)?.remaining(), 0);
///
/// let denied = limiter.consume(1).unwrap_err();
/// println!("{denied}"); // rate limited, try again in 500 ms
/// assert!(denied.retry_after().is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    id: u64,
    clock: Clock,
    bucket: Bucket,
}

impl RateLimiter {
    /// Makes a limiter, with all its tokens.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if the quota is outside its range.
    pub fn new(quota: Quota) -> Result<Self, BadOption> {
        let gcra = quota.compile()?;
        let shared = Shared {
            id: next_id(),
            clock: Clock::new(),
            bucket: Bucket::new(quota, gcra),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Takes one token. Says whether it was there.
    #[must_use = "a refused request is not to be served"]
    #[inline]
    pub fn allow(&self) -> bool {
        self.shared.bucket.takes(self.shared.clock.now(), 1)
    }

    /// Takes `cost` tokens, all or none. A cost of zero takes nothing, and is refused only while more is owed than the capacity.
    ///
    /// # Errors
    ///
    /// [`Denied::Limited`] if they are not there, which says when to try again, and [`Denied::Impossible`] if they never will be.
    #[inline]
    pub fn consume(&self, cost: u32) -> Result<Allowed, Denied> {
        self.shared.bucket.take(self.shared.clock.now(), cost)
    }

    /// Looks whether `cost` tokens could be taken now. Takes and counts nothing.
    ///
    /// # Errors
    ///
    /// As [`consume`](Self::consume).
    pub fn check(&self, cost: u32) -> Result<(), Denied> {
        self.shared.bucket.look(&self.shared.clock, cost)
    }

    /// Takes `cost` tokens, of which what is not used goes back.
    ///
    /// # Errors
    ///
    /// As [`consume`](Self::consume).
    pub fn try_reserve(&self, cost: u32) -> Result<Reservation, Denied> {
        let taken = self.shared.bucket.reserve(&self.shared.clock, cost)?;
        let place = Arc::clone(&self.shared);
        Ok(Reservation::new(place, taken, cost))
    }

    /// Waits until there is a token, and takes it: first come, first served. Who comes later and does not wait gets only what those who wait leave.
    ///
    /// # Errors
    ///
    /// [`WaitError::Denied`] if it can never be, and [`WaitError::NoTimers`] if it has to wait and there is no tokio runtime with timers.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, its place in the line is free, and nothing was taken.
    pub async fn until_ready(&self) -> Result<Allowed, WaitError> {
        self.until_ready_with(1, WaitOptions::default()).await
    }

    /// Waits until there are `cost` tokens, and takes them, with a limit on how long that may take, and jitter.
    ///
    /// # Errors
    ///
    /// As [`until_ready`](Self::until_ready), and [`WaitError::Timeout`] if it takes longer than it may: at once, if that is known at once.
    ///
    /// # Cancel safety
    ///
    /// As [`until_ready`](Self::until_ready). During the jitter the tokens are taken already, and go back.
    pub async fn until_ready_with(
        &self,
        cost: u32,
        options: WaitOptions,
    ) -> Result<Allowed, WaitError> {
        until_ready(&*self.shared, cost, options).await
    }

    /// Returns the quota.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.shared.bucket.quota()
    }

    /// Gives the limiter another quota, at once. What is owed stays owed, in tokens, but never more than the new capacity; whoever waits, waits by the new one.
    ///
    /// From then on each check takes a short lock: some 10 ns more.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if the quota is outside its range; the old one stays.
    pub fn set_quota(&self, quota: Quota) -> Result<(), BadOption> {
        let gcra = quota.compile()?;
        self.shared
            .bucket
            .set_quota(&self.shared.clock, quota, gcra);
        Ok(())
    }

    /// Fills the bucket. What was counted stays.
    pub fn reset(&self) {
        self.shared.bucket.reset();
    }

    /// Returns what the limiter has counted, and how many tokens it has.
    #[must_use]
    pub fn stats(&self) -> LimiterStats {
        let (allowed, rejected) = self.shared.bucket.counters().read();
        let (quota, tokens, waiting) = self.shared.bucket.view(&self.shared.clock);
        LimiterStats {
            allowed,
            rejected,
            tokens,
            waiting,
            quota,
        }
    }

    /// Sets what was counted back to zero. The tokens stay.
    pub fn reset_stats(&self) {
        self.shared.bucket.counters().reset();
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter").finish_non_exhaustive()
    }
}

impl Place for Shared {
    fn enter(&self, tokens: u32, longest: Duration) -> Entered {
        self.bucket.enter(&self.clock, tokens, longest)
    }

    fn turn(&self, ticket: u64, noted: bool, waker: Waker) -> Turn {
        self.bucket.turn(&self.clock, ticket, noted, waker)
    }

    fn leave(&self, ticket: u64, is_refused: bool) -> Duration {
        self.bucket.leave(&self.clock, ticket, is_refused)
    }

    fn give_back(&self, taken: Taken, tokens: u32) {
        self.refund(taken, tokens);
    }
}

impl Settle for Shared {
    fn refund(&self, taken: Taken, tokens: u32) {
        self.bucket.refund(&self.clock, taken, tokens);
    }

    fn charge(&self, tokens: u32) {
        self.bucket.charge(&self.clock, tokens);
    }
}

impl Level for RateLimiter {}

impl Locked for RateLimiter {
    fn order(&self) -> (u64, usize) {
        (self.shared.id, 0)
    }

    fn locked(&self, work: &mut dyn FnMut(&mut dyn Any)) -> Option<Box<dyn Any>> {
        self.shared.bucket.locked(|slow| work(slow));
        None
    }

    fn take(
        &self,
        state: &mut dyn Any,
        moment: Instant,
        cost: u32,
    ) -> Result<(Allowed, Before), Denied> {
        let slow = slow(state);
        let before = Before::Word(slow.tat());
        let allowed = slow.desk(self.shared.clock.at(moment)).take(cost)?;
        Ok((allowed, before))
    }

    fn look(&self, state: &mut dyn Any, moment: Instant, cost: u32) -> Result<(), Denied> {
        slow(state).desk(self.shared.clock.at(moment)).look(cost)
    }

    fn undo(&self, state: &mut dyn Any, before: Before) {
        if let Before::Word(tat) = before {
            slow(state).undo(tat);
        }
    }

    fn count(&self, _: &mut dyn Any, is_allowed: bool) {
        self.shared.bucket.counters().count(is_allowed);
    }
}

/// What the lock of a bucket guards.
fn slow(state: &mut dyn Any) -> &mut Slow {
    match state.downcast_mut() {
        Some(slow) => slow,
        None => unreachable!("it is what `locked` gave"),
    }
}

/// A number that no other limiter has.
pub(crate) fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
