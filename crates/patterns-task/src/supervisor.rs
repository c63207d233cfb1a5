//! Tasks under a supervisor: processes with a pid, which end with their supervisor and not with their caller.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::num::NonZeroUsize;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use otp_core::{
    Child, ChildCounts, DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef, ExitReason,
    Pid, Restart, Shutdown, StartError, StopError, StopToken,
};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::caught::Caught;
use crate::deadline::{Deadline, end_after, until};
use crate::error::{StartTaskError, TaskError};

/// The options of a [`TaskSupervisor`].
///
/// # Examples
///
/// ```
/// use std::num::NonZeroUsize;
/// use patterns_task::TaskSupervisorConfig;
///
/// let config = TaskSupervisorConfig {
///     max_children: NonZeroUsize::new(100),
///     ..TaskSupervisorConfig::default()
/// };
/// assert_eq!(config.max_restarts, 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSupervisorConfig {
    /// What it is called in log events and tree snapshots. Default: `tasks`.
    pub name: Arc<str>,
    /// How many tasks there are at most, 1 or more. Default: `None`, **no bound**.
    pub max_children: Option<NonZeroUsize>,
    /// How many restarts of one task of [`start_child`](TaskSupervisor::start_child) are borne within `restart_period`; with one more it is
    /// given up. Default: 3. Any number.
    pub max_restarts: usize,
    /// The time within which they are counted. Default: 5 s. Any duration.
    pub restart_period: Duration,
    /// How long a task that was given a [`StopToken`] has to end when it is asked to. Default: 5 s. Any duration;
    /// [`Duration::MAX`] is no limit.
    pub shutdown: Duration,
}

impl Default for TaskSupervisorConfig {
    fn default() -> Self {
        Self {
            name: Arc::from("tasks"),
            max_children: None,
            max_restarts: 3,
            restart_period: Duration::from_secs(5),
            shutdown: Duration::from_secs(5),
        }
    }
}

/// A supervisor of tasks: they run as processes, and a crash of one is nothing to its caller or to the others.
///
/// Cheap to clone. The tasks end when [`stop`](TaskSupervisor::stop) is called or the last handle is dropped, or with the
/// supervisor above, if this is a [`child`](TaskSupervisor::child).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_task::{TaskSupervisor, TaskSupervisorConfig};
///
/// let tasks = TaskSupervisor::start(TaskSupervisorConfig::default()).await?;
/// let answer = tasks.spawn(async { 6 * 7 }).await?;
/// assert_eq!(answer.await, Ok(42));
/// tasks.stop().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
#[must_use = "the tasks are stopped when the last handle of their supervisor is dropped"]
pub struct TaskSupervisor {
    supervisor: DynamicSupervisorRef,
    config: Arc<TaskSupervisorConfig>,
}

impl TaskSupervisor {
    /// Starts a supervisor of its own.
    ///
    /// # Errors
    ///
    /// If there is no tokio runtime here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends it.
    pub async fn start(config: TaskSupervisorConfig) -> Result<Self, StartError> {
        let supervisor = plan(&config).start().await?;
        Ok(Self {
            supervisor,
            config: Arc::new(config),
        })
    }

    /// Makes it a child of a supervisor, with the name of the config as its id, and its address. Tasks can be spawned while it runs.
    pub fn child(config: TaskSupervisorConfig) -> (Child<DynamicSupervisorMsg>, Self) {
        let child = Child::dynamic_supervisor(Arc::clone(&config.name), plan(&config));
        let tasks = Self {
            supervisor: child.dynamic_supervisor_ref(),
            config: Arc::new(config),
        };
        (child, tasks)
    }

    /// Runs `future` as a process below the supervisor, and returns the handle that owns it: OTP's `async_nolink`.
    ///
    /// It is never restarted. It inherits the [`Deadline`] of the caller as a value.
    ///
    /// # Errors
    ///
    /// [`StartTaskError`] if the supervisor does not run, or is full. Nothing of the future has run then.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future starts nothing, or ends what it has started.
    pub async fn spawn<F>(&self, future: F) -> Result<SupervisedTask<F::Output>, StartTaskError>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (tell, told) = oneshot::channel();
        let (owner, owned) = oneshot::channel();
        let deadline = Deadline::current();
        let ordered = Mutex::new(Some((future, tell, owned)));
        let work = move |stop| {
            // There is one start only.
            let ordered = ordered.lock().take();
            async move {
                let Some((future, tell, owned)) = ordered else {
                    return Ok(());
                };
                let life = live(future, tell, owned, stop);
                match deadline {
                    None => life.await,
                    Some(deadline) => deadline.inherited(life).await,
                }
            }
        };
        let child = Child::task("task", work)
            .restart(Restart::Temporary)
            .shutdown(self.shutdown());
        // Dropped before there is an answer, this drops `owner` as well, and the task sees that it has none.
        let pid = self.begin(child).await?;
        Ok(SupervisedTask {
            told: Some(told),
            owner: Some(owner),
            pid,
        })
    }

    /// Starts work that nobody awaits below the supervisor: OTP's `Task.Supervisor.start_child`.
    ///
    /// `make` makes the work anew at each start. With [`Restart::Temporary`] it runs once; with [`Restart::Transient`] it is begun anew after a crash
    /// or an error, with [`Restart::Permanent`] whenever it ends. The token tells it to end in order; one that does not heed it is killed
    /// after the config's `shutdown`.
    ///
    /// # Errors
    ///
    /// [`StartTaskError`] if the supervisor does not run, or is full.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back: the work may be started.
    pub async fn start_child<F>(
        &self,
        restart: Restart,
        make: impl Fn(StopToken) -> F + Send + Sync + 'static,
    ) -> Result<Pid, StartTaskError>
    where
        F: Future<Output = Result<(), ExitReason>> + Send + 'static,
    {
        let child = Child::task("task", make)
            .restart(restart)
            .own_limit(self.config.max_restarts, self.config.restart_period)
            .shutdown(self.shutdown());
        self.begin(child).await
    }

    /// Returns the processes of the tasks, in no order that could be relied on.
    ///
    /// # Errors
    ///
    /// [`StartTaskError::Closed`] if the supervisor does not run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn children(&self) -> Result<Vec<Pid>, StartTaskError> {
        let children = self.supervisor.which_children().await;
        let children = children.map_err(|_| StartTaskError::Closed)?;
        Ok(children
            .iter()
            .filter_map(|child| child.pid().cloned())
            .collect())
    }

    /// Counts the tasks.
    ///
    /// # Errors
    ///
    /// [`StartTaskError::Closed`] if the supervisor does not run.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn count(&self) -> Result<ChildCounts, StartTaskError> {
        let counts = self.supervisor.count_children().await;
        counts.map_err(|_| StartTaskError::Closed)
    }

    /// Stops a task: asks it to end, and kills it after the config's `shutdown`. Tells whether it was one of this supervisor's.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    pub async fn terminate_child(&self, pid: &Pid) -> bool {
        self.supervisor.terminate_child(pid).await.is_ok()
    }

    /// Stops all tasks, at the same time, and the supervisor, and waits for the end.
    ///
    /// # Errors
    ///
    /// As `ServerRef::stop` of otp-core: [`StopError::NoProc`] if it does not run, or not any more, and an error too if it is called from a
    /// task of its own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.supervisor.stop().await
    }

    /// Returns the process of the supervisor, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.supervisor.pid()
    }

    /// Returns the address of the supervisor itself: for snapshots and events.
    pub fn supervisor_ref(&self) -> DynamicSupervisorRef {
        self.supervisor.clone()
    }

    fn shutdown(&self) -> Shutdown {
        match self.config.shutdown {
            Duration::MAX => Shutdown::Infinity,
            time => Shutdown::Timeout(time),
        }
    }

    async fn begin(&self, child: Child<Infallible>) -> Result<Pid, StartTaskError> {
        let (tell, told) = oneshot::channel();
        let started = self
            .supervisor
            .start_child_then(child, move |outcome| drop(tell.send(outcome)));
        if started.is_err() {
            return Err(StartTaskError::Closed);
        }
        match told.await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(StartTaskError::Closed),
        }
    }
}

fn plan(config: &TaskSupervisorConfig) -> DynamicSupervisor {
    let most = config.max_children.map_or(usize::MAX, NonZeroUsize::get);
    DynamicSupervisor::new()
        .name(Arc::clone(&config.name))
        .max_children(most)
        .at_once()
}

/// The life of a supervised task: to its end, or until it has no owner any more, or until it is asked to end, as a process that does not
/// trap exits.
async fn live<F: Future>(
    future: F,
    tell: oneshot::Sender<Result<F::Output, TaskError>>,
    owned: oneshot::Receiver<()>,
    stop: StopToken,
) -> Result<(), ExitReason> {
    let outcome = {
        let mut work = pin!(Caught::new(future));
        let mut asked = pin!(stop.requested());
        let mut owned = Some(owned);
        poll_fn(|cx| {
            if let Some(owner) = &mut owned
                && let Poll::Ready(end) = Pin::new(owner).poll(cx)
            {
                if end.is_err() {
                    return Poll::Ready(None);
                }
                owned = None;
            }
            if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(outcome));
            }
            asked.as_mut().poll(cx).map(|()| None)
        })
        .await
    };
    let panic = match &outcome {
        Some(Err(TaskError::Panicked(message))) => Some(message.clone()),
        _ => None,
    };
    let ended = outcome.is_none();
    // Nobody may be there to hear it; then it is dropped here.
    drop(tell.send(outcome.unwrap_or(Err(TaskError::Aborted))));
    if let Some(message) = panic {
        // The process crashes as if nobody had caught the panic, whose message the hook has seen.
        std::panic::resume_unwind(Box::new(message.to_string()));
    }
    if ended {
        Err(ExitReason::Shutdown)
    } else {
        Ok(())
    }
}

/// A task under a supervisor, owned by this handle: who drops the handle ends the task.
///
/// It is a future of the task's outcome. To let the task run on, below its supervisor, there is [`detach`](SupervisedTask::detach).
///
/// # Cancel safety
///
/// Awaiting `&mut task` may be given up at any time. Awaiting `task` itself owns it: giving that up ends it.
#[must_use = "a task is ended when its handle is dropped; use `detach` to let it run without one"]
pub struct SupervisedTask<T> {
    /// `None` when the outcome was taken.
    told: Option<oneshot::Receiver<Result<T, TaskError>>>,
    /// Dropped, it ends the task.
    owner: Option<oneshot::Sender<()>>,
    pid: Pid,
}

impl<T> SupervisedTask<T> {
    /// Returns the process of the task: for monitors, and for a [`kill`](Pid::kill).
    #[must_use]
    pub fn pid(&self) -> &Pid {
        &self.pid
    }

    /// Lets the task run on without an owner. It still ends with its supervisor.
    pub fn detach(mut self) {
        if let Some(owner) = self.owner.take() {
            // Refused by a task that has ended.
            let _ = owner.send(());
        }
    }
}

/// Nothing in it is pinned: the work is elsewhere.
impl<T> Unpin for SupervisedTask<T> {}

impl<T> Future for SupervisedTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(told) = &mut self.told else {
            return Poll::Ready(Err(TaskError::Consumed));
        };
        // One who ends without a word was killed.
        let outcome = ready!(Pin::new(told).poll(cx)).unwrap_or(Err(TaskError::Aborted));
        self.told = None;
        Poll::Ready(outcome)
    }
}

impl<T> fmt::Debug for SupervisedTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SupervisedTask")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

/// Runs `future` as a process below a supervisor, and waits for it, `timeout` at the longest.
///
/// Any duration is allowed: zero starts nothing, [`Duration::MAX`] is no limit. The time includes the start.
///
/// # Errors
///
/// [`SupervisedError::Start`] if it could not be started; [`SupervisedError::Task`] with what became of it: a panic, an end with its
/// supervisor, or the time was over. It is ended then.
///
/// # Panics
///
/// Outside a tokio runtime with timers, unless `timeout` is [`Duration::MAX`].
///
/// # Cancel safety
///
/// Dropping the future ends the task.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use patterns_task::{SupervisedError, TaskError, TaskSupervisor, TaskSupervisorConfig, supervised_task};
///
/// let tasks = TaskSupervisor::start(TaskSupervisorConfig::default()).await?;
/// let second = Duration::from_secs(1);
/// assert_eq!(supervised_task(&tasks, async { 42 }, second).await.unwrap(), 42);
///
/// let crash = supervised_task(&tasks, async { panic!("out of paper") }, second);
/// let Err(SupervisedError::Task(error)) = crash.await else { unreachable!() };
/// assert_eq!(error, TaskError::Panicked("out of paper".into()));
/// # Ok(()) }
/// ```
pub async fn supervised_task<F>(
    tasks: &TaskSupervisor,
    future: F,
    timeout: Duration,
) -> Result<F::Output, SupervisedError>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let end = end_after(timeout).map_err(SupervisedError::Task)?;
    let work = async { Ok(tasks.spawn(future).await?.await) };
    match until(end, work).await {
        Ok(Ok(outcome)) => outcome.map_err(SupervisedError::Task),
        Ok(Err(error)) => Err(SupervisedError::Start(error)),
        Err(error) => Err(SupervisedError::Task(error)),
    }
}

/// Why [`supervised_task`] has no value.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum SupervisedError {
    /// It was not started.
    Start(StartTaskError),
    /// It was started, and has no value.
    Task(TaskError),
}

impl SupervisedError {
    /// Tells whether its time was over, be it before or after it was begun.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Task(error) if error.is_timeout())
    }
}

impl fmt::Display for SupervisedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => error.fmt(f),
            Self::Task(error) => error.fmt(f),
        }
    }
}

impl Error for SupervisedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Start(error) => error.source(),
            Self::Task(error) => error.source(),
        }
    }
}
