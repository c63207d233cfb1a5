//! Many tasks awaited together, under one time-out.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::coop::unconstrained;

use crate::error::{ItemError, TaskError};
use crate::task::Task;
use crate::woken::Woken;

/// Waits for all tasks, `timeout` at the longest for all together, and gives their values in the order of the tasks.
///
/// Any duration is allowed; [`Duration::MAX`] is no limit.
///
/// # Errors
///
/// An [`ItemError`] with the index of the first task that has no value, whatever its place, or with [`TaskError::Timeout`] and the index of
/// the first that is not done when the time is over. The other tasks are aborted then.
///
/// # Panics
///
/// Outside a tokio runtime with timers, unless all are done.
///
/// # Cancel safety
///
/// Dropping the future aborts the tasks.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use patterns_task::{await_many, spawn};
///
/// let tasks = ["a", "bc", "def"].map(|text| spawn(async move { text.len() }));
/// assert_eq!(await_many(tasks, Duration::from_secs(5)).await?, [1, 2, 3]);
/// # Ok(()) }
/// ```
pub async fn await_many<T>(
    tasks: impl IntoIterator<Item = Task<T>>,
    timeout: Duration,
) -> Result<Vec<T>, ItemError<()>> {
    let mut tasks: Vec<Task<T>> = tasks.into_iter().collect();
    let failed = |index, error| ItemError {
        index,
        input: (),
        error,
    };
    let mut first = None;
    Each::new(tasks.len())
        .run(&mut tasks, timeout, |index, is_ok| {
            if !is_ok {
                first = Some(index);
            }
            is_ok
        })
        .await;
    if let Some(index) = first
        && let Some(Err(error)) = tasks[index].take_held()
    {
        return Err(failed(index, error));
    }
    let mut values = Vec::with_capacity(tasks.len());
    for (index, task) in tasks.iter_mut().enumerate() {
        let outcome = task.take_held().unwrap_or(Err(TaskError::Timeout));
        values.push(outcome.map_err(|error| failed(index, error))?);
    }
    Ok(values)
}

/// Waits for all tasks, `timeout` at the longest for all together, and gives what has become of each, in their order; `None` for those that
/// are not done. They run on, and may be asked again.
///
/// Any duration is allowed: zero looks once, [`Duration::MAX`] is no limit. A task whose outcome was taken before gives
/// [`TaskError::Consumed`].
///
/// # Panics
///
/// Outside a tokio runtime with timers, unless all are done.
///
/// # Cancel safety
///
/// Dropping the future changes nothing: the tasks run on, and no outcome is lost.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_task::{spawn, yield_many};
/// use tokio::time::sleep;
///
/// let mut tasks = [1, 3].map(|seconds| spawn(sleep(Duration::from_secs(seconds))));
/// assert_eq!(yield_many(&mut tasks, Duration::from_secs(2)).await, [Some(Ok(())), None]);
/// # }
/// ```
pub async fn yield_many<T>(
    tasks: &mut [Task<T>],
    timeout: Duration,
) -> Vec<Option<Result<T, TaskError>>> {
    Each::new(tasks.len())
        .run(tasks, timeout, |_, _| true)
        .await;
    tasks.iter_mut().map(Task::take_held).collect()
}

/// Looks at each task when there is something to see, so that the work does not grow with the square of their number.
struct Each {
    woken: Woken,
    /// `None` once the outcome is there.
    wakers: Vec<Option<Waker>>,
    /// Whose turn it is to be looked at.
    to_look_at: VecDeque<usize>,
    /// Whose outcome is not there yet.
    open: usize,
}

impl Each {
    fn new(tasks: usize) -> Self {
        let woken = Woken::default();
        Self {
            wakers: (0..tasks).map(|number| Some(woken.waker(number))).collect(),
            woken,
            to_look_at: (0..tasks).collect(),
            open: tasks,
        }
    }

    /// Leaves the outcomes in the tasks as they come, where they survive the drop of this future, until `told` has had enough, all are there or
    /// the time is over.
    async fn run<T>(
        &mut self,
        tasks: &mut [Task<T>],
        timeout: Duration,
        mut told: impl FnMut(usize, bool) -> bool,
    ) {
        let done = poll_fn(|cx| self.poll(tasks, cx, &mut told));
        // A tokio timer is made only by those who have to wait.
        let mut done = pin!(done);
        let first = poll_fn(|cx| Poll::Ready(done.as_mut().poll(cx).is_ready())).await;
        if !first {
            let _ = tokio::time::timeout(timeout, done).await;
        }
    }

    fn poll<T>(
        &mut self,
        tasks: &mut [Task<T>],
        cx: &mut Context<'_>,
        told: &mut impl FnMut(usize, bool) -> bool,
    ) -> Poll<()> {
        loop {
            while let Some(index) = self.to_look_at.pop_front() {
                let Some(waker) = &self.wakers[index] else {
                    continue;
                };
                let mut cx = Context::from_waker(waker);
                // Unconstrained: there are as many looks as tasks, however many are done.
                let mut task = unconstrained(&mut tasks[index]);
                if let Poll::Ready(outcome) = Pin::new(&mut task).poll(&mut cx) {
                    self.wakers[index] = None;
                    self.open -= 1;
                    let is_ok = outcome.is_ok();
                    tasks[index].hold(outcome);
                    if !told(index, is_ok) {
                        return Poll::Ready(());
                    }
                }
            }
            if self.open == 0 {
                return Poll::Ready(());
            }
            if !self.woken.take(&mut self.to_look_at, Some(cx)) {
                return Poll::Pending;
            }
        }
    }
}
