//! `Task`: work in the background that has an owner.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::task::coop::unconstrained;

use crate::deadline::{Deadline, until};
use crate::error::TaskError;
use crate::stop::StopSignal;

/// Runs `future` in the background, as a task that the returned handle owns.
///
/// It begins at once, whether or not it is awaited, and inherits the [`Deadline`] of the caller. Costs next to nothing above
/// `tokio::spawn`.
///
/// # Panics
///
/// Outside a tokio runtime.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let length = patterns_task::spawn(async { "a task".len() });
/// assert_eq!(length.await?, 6);
/// # Ok(()) }
/// ```
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let work = match Deadline::current() {
        None => Work::Plain(tokio::spawn(future)),
        Some(deadline) => {
            let limited = until(Some(deadline.instant()), future);
            Work::Limited(tokio::spawn(deadline.inherited(limited)))
        }
    };
    Task { work, stop: None }
}

/// Runs what `make` makes in the background, as [`spawn`] does, and gives it a signal by which
/// [`shutdown`](Task::shutdown) asks it to end in order.
///
/// # Panics
///
/// Outside a tokio runtime. A panic in `make` itself is the caller's.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
///
/// let task = patterns_task::spawn_with_stop(|stop| async move {
///     stop.requested().await;
///     "all is written down"
/// });
/// assert_eq!(task.shutdown(Duration::from_secs(5)).await, Some(Ok("all is written down")));
/// # }
/// ```
pub fn spawn_with_stop<F>(make: impl FnOnce(StopSignal) -> F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let stop = StopSignal::default();
    let mut task = spawn(make(stop.clone()));
    task.stop = Some(stop);
    task
}

/// Work in the background, owned by this handle: who drops the handle aborts the work.
///
/// A `Task` is a future of its outcome. It cannot be cloned, so there is one who awaits it. Work that is to go on without an
/// owner is let go by [`detach`](Task::detach) or [`ignore`](Task::ignore).
///
/// An aborted task ends at its next `.await` that waits. Code that never waits cannot be aborted by anybody; for that there is
/// [`parallel_map_blocking`](crate::parallel_map_blocking), or tokio's `spawn_blocking`.
///
/// # Cancel safety
///
/// Awaiting `&mut task` may be given up at any time. Awaiting `task` itself owns it: giving that up aborts the work.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use tokio::time::sleep;
///
/// let mut task = patterns_task::spawn(async {
///     sleep(Duration::from_secs(3)).await;
///     "done"
/// });
/// let second = Duration::from_secs(1);
/// assert_eq!(task.yield_for(second).await, None); // not yet; it runs on
/// assert_eq!(task.await, Ok("done"));
/// # }
/// ```
#[must_use = "a task is aborted when its handle is dropped; use `detach` to let it run without one"]
pub struct Task<T> {
    work: Work<T>,
    stop: Option<StopSignal>,
}

enum Work<T> {
    Plain(JoinHandle<T>),
    /// One that has inherited a deadline, and keeps it.
    Limited(JoinHandle<Result<T, TaskError>>),
    /// One that was done from the beginning, or whose outcome is kept here until somebody asks for it.
    Held(Result<T, TaskError>),
    Consumed,
}

impl<T> Task<T> {
    /// Makes a task that is done: nothing is run, and awaiting it gives `value` at once. It needs no runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_task::{Task, spawn};
    ///
    /// let known = Some(7);
    /// let task = match known {
    ///     Some(value) => Task::completed(value),
    ///     None => spawn(async { 6 + 1 }),
    /// };
    /// assert_eq!(task.await, Ok(7));
    /// # }
    /// ```
    pub fn completed(value: T) -> Self {
        Self {
            work: Work::Held(Ok(value)),
            stop: None,
        }
    }

    /// Waits for the outcome, `timeout` at the longest: any duration, [`Duration::MAX`] being no limit.
    ///
    /// # Errors
    ///
    /// What became of the task if it has no value. [`TaskError::Timeout`] when the time is over: the task is aborted then. To
    /// let it run on, use [`yield_for`](Task::yield_for).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers, unless the task is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the task.
    pub async fn await_for(mut self, timeout: Duration) -> Result<T, TaskError> {
        self.yield_for(timeout)
            .await
            .unwrap_or(Err(TaskError::Timeout))
    }

    /// Waits for the outcome, `timeout` at the longest; `None` if it is not there by then. May be asked again.
    ///
    /// Any duration is allowed: zero looks once, [`Duration::MAX`] is no limit. After `Some` the outcome is taken, and each
    /// further one is [`TaskError::Consumed`].
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers, unless the task is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing: the task runs on, and its outcome is not lost.
    pub async fn yield_for(&mut self, timeout: Duration) -> Option<Result<T, TaskError>> {
        if let Some(outcome) = self.take_finished() {
            return Some(outcome);
        }
        tokio::time::timeout(timeout, self).await.ok()
    }

    /// Ends the task: asks it to end, waits for that for `timeout` at the longest, and then aborts it.
    ///
    /// Gives the outcome if there is one, be it that the task was done before or that it ended when it was asked to; `None` if
    /// it was ended by this. Only a task of [`spawn_with_stop`] can be asked; any other is aborted at once. A task that was asked,
    /// did not end in time and had to be aborted gives [`TaskError::Aborted`].
    ///
    /// When this returns, the task has dropped all it had. For that it waits as long as it takes an aborted task to get to its
    /// next `.await`, which `timeout` does not bound.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers, unless the task is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future aborts the task.
    pub async fn shutdown(mut self, timeout: Duration) -> Option<Result<T, TaskError>> {
        let asked = self.stop.take();
        if let Some(stop) = &asked {
            stop.request();
            if let Some(outcome) = self.yield_for(timeout).await {
                return Some(outcome);
            }
        }
        self.abort();
        match (&mut self).await {
            Err(TaskError::Aborted) if asked.is_none() => None,
            outcome => Some(outcome),
        }
    }

    /// Gives the task up: its outcome if it is there, and otherwise `None`. The task then runs on without an owner, and
    /// nobody learns what becomes of it.
    pub fn ignore(mut self) -> Option<Result<T, TaskError>> {
        let outcome = self.take_finished();
        self.detach();
        outcome
    }

    /// Lets the task run on without an owner.
    pub fn detach(mut self) {
        // A handle of tokio's that is dropped leaves its task alone.
        drop(mem::replace(&mut self.work, Work::Consumed));
    }

    /// Aborts the task. It ends at its next `.await` that waits, with [`TaskError::Aborted`] as its outcome; if it was done
    /// before that, it keeps its value.
    pub fn abort(&self) {
        match &self.work {
            Work::Plain(handle) => handle.abort(),
            Work::Limited(handle) => handle.abort(),
            Work::Held(_) | Work::Consumed => {}
        }
    }

    /// Tells whether the task has ended: an outcome can be had without waiting.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match &self.work {
            Work::Plain(handle) => handle.is_finished(),
            Work::Limited(handle) => handle.is_finished(),
            Work::Held(_) | Work::Consumed => true,
        }
    }

    /// Keeps an outcome for whoever asks next.
    pub(crate) fn hold(&mut self, outcome: Result<T, TaskError>) {
        self.work = Work::Held(outcome);
    }

    /// Takes the outcome that is kept here, if one is.
    pub(crate) fn take_held(&mut self) -> Option<Result<T, TaskError>> {
        if !matches!(self.work, Work::Held(_)) {
            return None;
        }
        match mem::replace(&mut self.work, Work::Consumed) {
            Work::Held(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Takes the outcome if it is there; needs no runtime.
    fn take_finished(&mut self) -> Option<Result<T, TaskError>> {
        if !self.is_finished() {
            return None;
        }
        // Unconstrained, for a task that is done looks unfinished to one who has used up its turn.
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut unconstrained(self)).poll(&mut cx) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }
}

/// Nothing in it is pinned: the work is elsewhere.
impl<T> Unpin for Task<T> {}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.work {
            Work::Plain(handle) => match Pin::new(handle).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(outcome) => outcome.map_err(TaskError::from),
            },
            Work::Limited(handle) => match Pin::new(handle).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(outcome) => outcome.unwrap_or_else(|error| Err(error.into())),
            },
            Work::Held(_) | Work::Consumed => {
                return Poll::Ready(self.take_held().unwrap_or(Err(TaskError::Consumed)));
            }
        };
        self.work = Work::Consumed;
        Poll::Ready(outcome)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.abort();
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("is_finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}
