//! The handle: what a program does with a breaker.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::classified::any_error;
use crate::permit::Held;
use crate::running::{run, run_sync};
use crate::shared::Shared;
use crate::sync::Arc;
use crate::{
    BadOption, BreakerConfig, BreakerError, BreakerEvents, BreakerStats, ClassifiedBreaker, Hooks,
    Outcome, OwnedPermit, Permit, Rejected, State,
};

/// A circuit breaker: it stands before something that can fail, counts how calls to it end, and keeps callers away from it
/// while it is down.
///
/// A handle is cheap to clone, and all clones are one breaker. There is no process behind it and nothing to start or stop: what
/// time changes is seen when somebody asks. All of it but [`call`](Self::call) is plain functions; it works from threads and sync
/// code, without a runtime.
///
/// # Examples
///
/// ```
/// use patterns_breaker::{Breaker, BreakerConfig, BreakerError, State};
///
/// let breaker = Breaker::new(BreakerConfig { failure_threshold: Some(2), ..BreakerConfig::default() })?;
/// for _ in 0..2 {
///     let failed = breaker.call_sync(|| "seven".parse::<u32>());
///     assert!(matches!(failed, Err(BreakerError::Failed(_))));
/// }
/// assert_eq!(breaker.state(), State::Open);
///
/// let rejected = breaker.call_sync(|| "7".parse::<u32>()).unwrap_err();
/// assert_eq!(rejected.to_string(), "circuit open, try again in 5 s");
/// # Ok::<(), patterns_breaker::BadOption>(())
/// ```
#[derive(Clone)]
pub struct Breaker {
    shared: Arc<Shared>,
}

impl Breaker {
    /// Makes a breaker, closed.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    pub fn new(config: BreakerConfig) -> Result<Self, BadOption> {
        Self::with_hooks(config, Hooks::new())
    }

    /// Makes a breaker that tells a listener of each change of its state.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_hooks(config: BreakerConfig, hooks: Hooks) -> Result<Self, BadOption> {
        config.check()?;
        Ok(Self::checked(config, hooks))
    }

    /// Makes one by options that were checked before.
    pub(crate) fn checked(config: BreakerConfig, hooks: Hooks) -> Self {
        let shared = Shared::new(&config, hooks);
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    #[cfg(feature = "tower")]
    pub(crate) fn clone_shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Runs `work` if the breaker lets it through, for `call_timeout` at most, and counts how it ends. Every error is a failure:
    /// see [`classify_by`](Self::classify_by).
    ///
    /// The permit is taken when the future is first polled. The limit counts from when `work` first waits for something; what
    /// never waits cannot be cut, and what takes long without waiting is not noticed. Where there are no timers of tokio (no
    /// runtime, or one built without them) nothing is cut: work that took longer than its limit counts as a failure when it ends,
    /// and its result is returned all the same.
    ///
    /// # Errors
    ///
    /// [`BreakerError::Rejected`] if the breaker does not let it through, and nothing was run. [`BreakerError::Failed`] with the error of
    /// `work`, [`BreakerError::Timeout`], or [`BreakerError::Panicked`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, the work is, and then its permit comes back: the call counts as cancelled, as neither a success nor
    /// a failure.
    ///
    /// # Examples
    ///
    /// ```
    /// # async fn fetch(_: u32) -> std::io::Result<&'static str> { Ok("3.50") }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_breaker::{Breaker, BreakerConfig, BreakerError};
    ///
    /// let billing = Breaker::new(BreakerConfig::default())?;
    /// match billing.call(fetch(7)).await {
    ///     Ok(invoice) => assert_eq!(invoice, "3.50"),
    ///     Err(BreakerError::Rejected(rejected)) => eprintln!("not now: {rejected}"),
    ///     Err(error) => eprintln!("billing: {error}"),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn call<W, T, E>(&self, work: W) -> impl Future<Output = Result<T, BreakerError<E>>>
    where
        W: Future<Output = Result<T, E>>,
    {
        self.call_timeout(work, self.shared.call_timeout())
    }

    /// Runs `work` for `timeout` at most; otherwise as [`call`](Self::call).
    ///
    /// Zero cuts what does not end without waiting; [`Duration::MAX`] is no limit.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    pub fn call_timeout<W, T, E>(
        &self,
        work: W,
        timeout: Duration,
    ) -> impl Future<Output = Result<T, BreakerError<E>>>
    where
        W: Future<Output = Result<T, E>>,
    {
        // No `async fn`: each of those on the way would keep room for `work` once more.
        run(|| Held::take(self.shared()), timeout, any_error, work)
    }

    /// Runs `work`, which waits for nothing, if the breaker lets it through, and counts how it ends. Every error is a failure.
    ///
    /// It cannot be cut. If it takes longer than `call_timeout`, it counts as a failure when it returns; its result is
    /// returned all the same.
    ///
    /// # Errors
    ///
    /// [`BreakerError::Rejected`] if the breaker does not let it through, [`BreakerError::Failed`] with the error of `work`, or
    /// [`BreakerError::Panicked`].
    pub fn call_sync<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, BreakerError<E>> {
        run_sync(Held::take(self.shared())?, any_error, work)
    }

    /// Takes the right to one call, for work that cannot be wrapped.
    ///
    /// # Errors
    ///
    /// [`Rejected`] if the breaker lets no call through.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_breaker::{Breaker, BreakerConfig};
    ///
    /// let breaker = Breaker::new(BreakerConfig::default())?;
    /// if let Ok(permit) = breaker.try_acquire() {
    ///     match "7".parse::<u32>() {
    ///         Ok(_) => permit.success(),
    ///         Err(_) => permit.failure(),
    ///     }
    /// }
    /// assert_eq!(breaker.stats().successes, 1);
    /// # Ok::<(), patterns_breaker::BadOption>(())
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejected> {
        Permit::take(&self.shared)
    }

    /// Takes the right to one call as [`try_acquire`](Self::try_acquire) does, for what outlives this handle: another task, a
    /// callback, a body that is still to come.
    ///
    /// # Errors
    ///
    /// As [`try_acquire`](Self::try_acquire).
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, Rejected> {
        OwnedPermit::take(Arc::clone(&self.shared))
    }

    /// Returns a view whose calls count as `classify` says.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_breaker::{Breaker, BreakerConfig, Outcome};
    ///
    /// let service = Breaker::new(BreakerConfig::default())?.classify_by(|result: &Result<u16, String>| match result {
    ///     Ok(500..) => Outcome::Failure,   // an answer, but not one of a service that is well
    ///     Ok(400..) => Outcome::Ignored,   // our own fault
    ///     Ok(_) => Outcome::Success,
    ///     Err(_) => Outcome::Failure,
    /// });
    /// assert_eq!(service.call(async { Ok(503) }).await, Ok(503));
    /// assert_eq!(service.breaker().stats().failure_count, 1);
    /// # Ok(()) }
    /// ```
    pub fn classify_by<C, T, E>(&self, classify: C) -> ClassifiedBreaker<C>
    where
        C: Fn(&Result<T, E>) -> Outcome,
    {
        ClassifiedBreaker::new(self.clone(), classify)
    }

    /// Returns the state it is in.
    #[must_use]
    pub fn state(&self) -> State {
        self.shared.state()
    }

    /// Returns what it has counted.
    #[must_use]
    pub fn stats(&self) -> BreakerStats {
        self.shared.stats()
    }

    /// Sets the totals back to zero, but for the calls that are in flight, which stay among those let through.
    ///
    /// State and counts towards thresholds stay.
    pub fn reset_stats(&self) {
        self.shared.reset_stats();
    }

    /// Opens it, as failures would: it lets trials through after the reset time.
    ///
    /// While it is open already, its time begins anew; while it is half-open, that counts as a failed trial. What is
    /// isolated stays so.
    pub fn trip(&self) {
        self.shared.trip();
    }

    /// Rejects all calls from now on, until [`reset`](Self::reset): for maintenance, say.
    pub fn isolate(&self) {
        self.shared.isolate();
    }

    /// Closes it, whatever state it is in, and begins to count towards its thresholds anew. Totals stay: see
    /// [`reset_stats`](Self::reset_stats).
    ///
    /// Calls that are in flight count for the totals only.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// Returns the changes of its state from now on, to be received one after the other.
    ///
    /// `capacity` changes wait at most; the receiver is told how many it has missed. With 0 it is told only that.
    pub fn events(&self, capacity: usize) -> BreakerEvents {
        self.shared.events(capacity)
    }
}

impl fmt::Debug for Breaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Breaker").field(&self.stats()).finish()
    }
}
