//! A scope that none of its tasks outlives.

use std::collections::HashMap;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::task::{AbortHandle, JoinHandle};

use crate::caught::Caught;
use crate::deadline::{Deadline, Until, launch, until};
use crate::error::TaskError;

/// Runs `body`, and waits until all tasks that were spawned in its [`Scope`] are gone: none outlives it.
///
/// The first task that panics ends the scope: all others are aborted, `body` is dropped where it is, and the scope gives that panic. A task that fails
/// with a value of its own is `body`'s to look at.
///
/// # Errors
///
/// [`TaskError::Panicked`] if a task has panicked.
///
/// # Panics
///
/// Outside a tokio runtime. A panic of `body` itself is the caller's; the tasks are aborted then.
///
/// # Cancel safety
///
/// Dropping the future aborts all tasks, which end at their next `.await` that waits; that is not waited for.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let sum = patterns_task::scope(|scope| async move {
///     let one = scope.spawn(async { 1 });
///     let two = scope.spawn(async { 2 });
///     scope.spawn(async { println!("awaited by the scope itself") });
///     Ok::<_, patterns_task::TaskError>(one.await? + two.await?)
/// });
/// assert_eq!(sum.await, Ok(Ok(3)));
/// # }
/// ```
pub async fn scope<F, Fut>(body: F) -> Result<Fut::Output, TaskError>
where
    F: FnOnce(Scope) -> Fut,
    Fut: Future,
{
    let scope = Scope {
        shared: Arc::default(),
    };
    // Aborts what is left, however this future ends.
    let open = Open(&scope);
    let outcome = {
        let mut body = pin!(body(scope.clone()));
        let mut outcome = None;
        poll_fn(|cx| {
            if outcome.is_none()
                && let Poll::Ready(value) = body.as_mut().poll(cx)
            {
                outcome = Some(value);
            }
            scope.poll_over(cx, outcome.is_some())
        })
        .await;
        outcome
    };
    // The body is gone, and can spawn no more: now the others.
    drop(open);
    poll_fn(|cx| scope.poll_gone(cx)).await;
    let panic = scope.shared.lock().panic.take();
    match (panic, outcome) {
        (Some(panic), _) => Err(panic),
        (None, Some(value)) => Ok(value),
        (None, None) => Err(TaskError::Aborted),
    }
}

/// Where tasks are spawned that do not outlive it; see [`scope`].
///
/// Cheap to clone: tasks may take it along, and spawn others. When the scope is over, nothing can be spawned any more.
#[derive(Clone)]
pub struct Scope {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    /// Those that are not gone. One that is being spawned has no handle yet.
    tasks: HashMap<u64, Option<AbortHandle>>,
    next: u64,
    closed: bool,
    /// The first one.
    panic: Option<TaskError>,
    /// The scope, if it waits.
    waker: Option<Waker>,
}

impl Scope {
    /// Runs `future` as a task of the scope; it inherits the [`Deadline`] of the caller.
    ///
    /// The task is the scope's. Its handle serves to await its outcome, and may be dropped: the task runs on. In a scope that is over
    /// nothing runs any more, and the task is [`TaskError::Aborted`] from the beginning.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn spawn<F>(&self, future: F) -> ScopedTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let number = {
            let mut shared = self.shared.lock();
            if shared.closed {
                return ScopedTask(Work::Refused);
            }
            let number = shared.next;
            shared.next += 1;
            shared.tasks.insert(number, None);
            number
        };
        let deadline = Deadline::current().map(Deadline::instant);
        let task = launch(Scoped {
            work: Caught::new(until(deadline, future)),
            place: Place {
                shared: Arc::clone(&self.shared),
                number,
            },
        });
        let mut shared = self.shared.lock();
        let closed = shared.closed;
        if let Some(place) = shared.tasks.get_mut(&number) {
            *place = Some(task.abort_handle());
        }
        drop(shared);
        if closed {
            // The scope was closed between the two looks, and had no handle to abort it by.
            task.abort();
        }
        ScopedTask(Work::Running(task))
    }

    /// Aborts all tasks of the scope that run now. Others can be spawned after that.
    pub fn abort_all(&self) {
        let running: Vec<AbortHandle> = {
            let shared = self.shared.lock();
            shared.tasks.values().flatten().cloned().collect()
        };
        running.iter().for_each(AbortHandle::abort);
    }

    /// Returns how many tasks of the scope are not gone yet.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.lock().tasks.len()
    }

    /// Waits until the scope is over: a panic, or the body is done and all tasks are gone. Nothing can be spawned after the latter.
    fn poll_over(&self, cx: &Context<'_>, body_is_done: bool) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut shared = self.shared.lock();
        if shared.panic.is_some() {
            return Poll::Ready(());
        }
        if body_is_done && shared.tasks.is_empty() {
            shared.closed = true;
            return Poll::Ready(());
        }
        let before = shared.waker.replace(waker);
        drop(shared);
        drop(before);
        Poll::Pending
    }

    /// Waits until all tasks are gone.
    fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut shared = self.shared.lock();
        if shared.tasks.is_empty() {
            return Poll::Ready(());
        }
        let before = shared.waker.replace(waker);
        drop(shared);
        drop(before);
        Poll::Pending
    }

    fn notice(&self, change: impl FnOnce(&mut Shared)) {
        let mut shared = self.shared.lock();
        change(&mut shared);
        let waker = shared.waker.take();
        drop(shared);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("running", &self.running())
            .finish()
    }
}

/// A scope that was not closed yet.
struct Open<'a>(&'a Scope);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.shared.lock().closed = true;
        self.0.abort_all();
    }
}

pin_project! {
    /// A task of a scope. Its work goes before its place.
    struct Scoped<F> {
        #[pin]
        work: Caught<Until<F>>,
        place: Place,
    }
}

impl<F: Future> Future for Scoped<F> {
    type Output = Result<F::Output, TaskError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.work.poll(cx)).and_then(|outcome| outcome);
        if let Err(panic @ TaskError::Panicked(_)) = &outcome {
            let panic = panic.clone();
            let scope = Scope {
                shared: Arc::clone(&this.place.shared),
            };
            scope.notice(|shared| {
                shared.panic.get_or_insert(panic);
            });
        }
        Poll::Ready(outcome)
    }
}

/// A task's place in its scope, until it is gone.
struct Place {
    shared: Arc<Mutex<Shared>>,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        let scope = Scope {
            shared: Arc::clone(&self.shared),
        };
        let mut gone = None;
        scope.notice(|shared| gone = shared.tasks.remove(&self.number));
    }
}

/// The outcome of a task that a [`Scope`] owns, as a future.
///
/// # Cancel safety
///
/// Awaiting it may be given up at any time, and it may be dropped: the task is the scope's, and runs on.
pub struct ScopedTask<T>(Work<T>);

enum Work<T> {
    Running(JoinHandle<Result<T, TaskError>>),
    /// The scope was over.
    Refused,
    Consumed,
}

impl<T> ScopedTask<T> {
    /// Aborts the task, and leaves the others alone.
    pub fn abort(&self) {
        if let Work::Running(task) = &self.0 {
            task.abort();
        }
    }

    /// Tells whether the task has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match &self.0 {
            Work::Running(task) => task.is_finished(),
            Work::Refused | Work::Consumed => true,
        }
    }
}

/// Nothing in it is pinned: the work is elsewhere.
impl<T> Unpin for ScopedTask<T> {}

impl<T> Future for ScopedTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = match &mut self.0 {
            Work::Running(task) => match ready!(Pin::new(task).poll(cx)) {
                Ok(outcome) => outcome,
                Err(error) => Err(error.into()),
            },
            Work::Refused => Err(TaskError::Aborted),
            Work::Consumed => Err(TaskError::Consumed),
        };
        self.0 = Work::Consumed;
        Poll::Ready(outcome)
    }
}

impl<T> fmt::Debug for ScopedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopedTask")
            .field("is_finished", &self.is_finished())
            .finish()
    }
}
