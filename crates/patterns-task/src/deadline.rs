//! Deadlines that tasks inherit from those who start them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::TaskError;

tokio::task_local! {
    static CURRENT: Deadline;
}

/// A moment by which work has to be done.
///
/// Inside [`with_deadline`] it is inherited: by everything that this crate starts there, however deep, and never widened on the
/// way. It bounds every time-out of this crate, [`retry`](crate::retry)'s sleeps included. Code of your own asks for it by
/// [`current`](Deadline::current), to tell a server how long an answer is of use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Deadline(Instant);

impl Deadline {
    /// Makes the deadline that is over when `time` has passed from now on. A `time` that no clock can hold, as
    /// [`Duration::MAX`], is taken as 30 years.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use patterns_task::{Deadline, TaskError, with_deadline};
    ///
    /// let second = Deadline::after(Duration::from_secs(1));
    /// let minute = Duration::from_secs(60);
    /// let remaining = with_deadline(second, async move {
    ///     let inner = with_deadline(Deadline::after(minute), async { Deadline::current() });
    ///     inner.await.map(|deadline| deadline == Some(second))
    /// });
    /// assert_eq!(remaining.await, Ok(Ok(true))); // a minute does not fit into a second
    /// # }
    /// ```
    #[must_use]
    pub fn after(time: Duration) -> Self {
        const FAR: Duration = Duration::from_secs(86_400 * 365 * 30);
        let now = Instant::now();
        Self(now.checked_add(time).unwrap_or_else(|| now + FAR))
    }

    /// Makes the deadline that is over at `instant`.
    #[must_use]
    pub fn at(instant: Instant) -> Self {
        Self(instant)
    }

    /// Returns the deadline that the code which calls this has inherited, if it has.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_get().ok()
    }

    /// Returns the moment.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }

    /// Returns how much time is left; zero when it is over.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Tells whether it is over.
    #[must_use]
    pub fn is_over(self) -> bool {
        Instant::now() >= self.0
    }

    /// Runs `future` so that it and what it starts inherit the deadline, which `future` itself is to keep.
    pub(crate) fn inherited<F: Future>(
        self,
        future: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        CURRENT.scope(self, future)
    }
}

impl fmt::Debug for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deadline")
            .field("remaining", &self.remaining())
            .finish()
    }
}

/// Runs `future` as a task of tokio's that inherits the deadline of the caller. It does not keep it by itself.
pub(crate) fn launch<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    match Deadline::current() {
        None => tokio::spawn(future),
        Some(deadline) => tokio::spawn(deadline.inherited(future)),
    }
}

/// Returns the moment `timeout` from now, or the inherited deadline if that is sooner; `None` without either. The clock is read only
/// if it matters.
///
/// # Errors
///
/// [`TaskError::NotStarted`] if that moment has come: what has no time at all is not begun.
pub(crate) fn end_after(timeout: Duration) -> Result<Option<Instant>, TaskError> {
    let deadline = Deadline::current().map(Deadline::instant);
    if timeout == Duration::MAX && deadline.is_none() {
        return Ok(None);
    }
    let now = Instant::now();
    let own = match timeout {
        Duration::MAX => None,
        timeout => now.checked_add(timeout),
    };
    match sooner(own, deadline) {
        Some(end) if end <= now => Err(TaskError::NotStarted),
        end => Ok(end),
    }
}

pub(crate) fn sooner(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Runs `future` up to `end`; a value that is there at that moment counts.
pub(crate) fn until<F: Future>(end: Option<Instant>, future: F) -> Until<F> {
    Until {
        future,
        end,
        timer: None,
    }
}

pin_project! {
    /// Goes by the clock, not by its timer alone: of two that end at the same moment, one inside the other, the inner one is over
    /// first.
    pub(crate) struct Until<F> {
        #[pin]
        future: F,
        end: Option<Instant>,
        #[pin]
        timer: Option<Sleep>,
    }
}

impl<F: Future> Future for Until<F> {
    type Output = Result<F::Output, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Poll::Ready(value) = this.future.poll(cx) {
            return Poll::Ready(Ok(value));
        }
        let Some(end) = *this.end else {
            return Poll::Pending;
        };
        if Instant::now() >= end {
            return Poll::Ready(Err(TaskError::Timeout));
        }
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(end)));
        }
        match this.timer.as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| Err(TaskError::Timeout)),
            None => Poll::Pending,
        }
    }
}

/// Runs `future` until `deadline`, or until the deadline of the caller if that is sooner.
///
/// What the future starts inherits the deadline, see [`Deadline`]. The future runs in place.
///
/// # Errors
///
/// [`TaskError::Timeout`] when the time is over; the future is dropped then, and with it the tasks it owns. A future that is
/// done at that very moment has succeeded. [`TaskError::NotStarted`] if the time was over from the beginning.
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping it drops `future`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_task::{Deadline, MapConfig, TaskError, parallel_map, with_deadline};
/// use tokio::time::sleep;
///
/// let deadline = Deadline::after(Duration::from_secs(2));
/// let naps = with_deadline(deadline, async {
///     let nap = |&secs: &u64| sleep(Duration::from_secs(secs));
///     parallel_map([1, 60], nap, MapConfig::default()).await // ends with the deadline, not after a minute
/// });
/// let naps = naps.await.unwrap();
/// assert_eq!(naps[0], Ok(()));
/// assert_eq!(naps[1].as_ref().unwrap_err().error, TaskError::Timeout);
/// # }
/// ```
pub async fn with_deadline<F: Future>(
    deadline: Deadline,
    future: F,
) -> Result<F::Output, TaskError> {
    let deadline = Deadline::current().map_or(deadline, |outer| outer.min(deadline));
    if deadline.is_over() {
        return Err(TaskError::NotStarted);
    }
    until(Some(deadline.0), deadline.inherited(future)).await
}
