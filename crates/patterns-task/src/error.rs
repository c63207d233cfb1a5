//! What can go wrong with tasks, and with what is built of them.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use otp_core::StartChildError;
use otp_core::contained::{self, Payload};
use tokio::task::JoinError;

/// Why a task has no value.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{TaskError, spawn};
///
/// let task = spawn(async { "no number".parse::<u16>().expect("a port") });
/// let Err(TaskError::Panicked(message)) = task.await else { unreachable!() };
/// assert!(message.starts_with("a port"));
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TaskError {
    /// Its code panicked, with this message. A payload that is no text reads `Box<dyn Any>`.
    Panicked(Arc<str>),
    /// It was aborted before it was done, or its runtime was dropped.
    Aborted,
    /// Its time was over before it was done; it was aborted then.
    Timeout,
    /// The time for all was over before its turn came: nothing of it was done.
    NotStarted,
    /// What became of it was told before.
    Consumed,
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Aborted => f.write_str("aborted"),
            Self::Timeout => f.write_str("timed out"),
            Self::NotStarted => f.write_str("the time was over before it was begun"),
            Self::Consumed => f.write_str("its outcome was taken before"),
        }
    }
}

impl Error for TaskError {}

impl TaskError {
    /// Tells whether its time was over, be it before or after it was begun.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout | Self::NotStarted)
    }

    pub(crate) fn of(panic: &Payload) -> Self {
        Self::Panicked(panic.message())
    }
}

impl From<JoinError> for TaskError {
    fn from(error: JoinError) -> Self {
        match error.try_into_panic() {
            Ok(payload) => Self::of(&Payload::from(payload)),
            Err(_) => Self::Aborted,
        }
    }
}

/// Runs `work`; a panic comes back as an error. What `work` borrowed may be torn then: all callers drop it next, or say so in their docs.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, TaskError> {
    contained::catch(work).map_err(|panic| TaskError::of(&panic))
}

/// Why an operation that can fail by itself has no value: its own error, or that of the task it ran in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure<E> {
    /// It returned this error.
    Failed(E),
    /// It panicked, was aborted, or ran out of time.
    Task(TaskError),
}

impl<E> Failure<E> {
    /// Returns the operation's own error, if it is one.
    pub fn error(&self) -> Option<&E> {
        match self {
            Self::Failed(error) => Some(error),
            Self::Task(_) => None,
        }
    }

    /// Tells whether its time was over, be it before or after it was begun.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Task(error) if error.is_timeout())
    }

    pub(crate) fn of<T>(outcome: Result<Result<T, E>, TaskError>) -> Result<T, Self> {
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Self::Failed(error)),
            Err(error) => Err(Self::Task(error)),
        }
    }
}

impl<E> From<TaskError> for Failure<E> {
    fn from(error: TaskError) -> Self {
        Self::Task(error)
    }
}

impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Task(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for Failure<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(error) => error.source(),
            Self::Task(_) => None,
        }
    }
}

/// What became of one of many, with the input that it was about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError<I, E = TaskError> {
    /// The input's place among the inputs, from 0 on.
    pub index: usize,
    /// The input, handed back; `()` where the work owned it.
    pub input: I,
    /// Why there is no value.
    pub error: E,
}

impl<I> ItemError<I> {
    /// Tells whether its time was over, be it before or after it was begun.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        self.error.is_timeout()
    }
}

impl<I, E> ItemError<I, Failure<E>> {
    /// Tells whether its time was over, be it before or after it was begun.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.error.is_timeout()
    }
}

impl<I, E: fmt::Display> fmt::Display for ItemError<I, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}: {}", self.index, self.error)
    }
}

impl<I: fmt::Debug, E: Error + 'static> Error for ItemError<I, E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Why a race has no winner, or a hedged request no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RaceError<E> {
    /// There was nobody to race.
    Empty,
    /// None succeeded: why, in the order in which they were begun.
    Failed(Vec<Failure<E>>),
    /// The time was over, and none had succeeded. Those that still ran have
    /// [`TaskError::Timeout`](crate::TaskError::Timeout), the others what they had failed with.
    Timeout(Vec<Failure<E>>),
}

impl<E> RaceError<E> {
    pub(crate) fn of(failures: Vec<Failure<E>>) -> Self {
        if failures.is_empty() {
            Self::Empty
        } else if failures.iter().any(Failure::is_timeout) {
            Self::Timeout(failures)
        } else {
            Self::Failed(failures)
        }
    }

    /// Tells whether the time was over.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout(_))
    }

    /// Returns why each of them has no value, in the order in which they were begun.
    #[must_use]
    pub fn failures(&self) -> &[Failure<E>] {
        match self {
            Self::Empty => &[],
            Self::Failed(failures) | Self::Timeout(failures) => failures,
        }
    }
}

impl<E: fmt::Display> fmt::Display for RaceError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = match self {
            Self::Empty => return f.write_str("there was nobody to race"),
            Self::Failed(failures) => {
                f.write_str("none succeeded")?;
                failures
            }
            Self::Timeout(failures) => {
                f.write_str("none succeeded in time")?;
                failures
            }
        };
        for (index, failure) in failures.iter().enumerate() {
            write!(f, "{} {failure}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for RaceError<E> {}

/// Why no supervised task was started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StartTaskError {
    /// The supervisor has as many tasks as it may have.
    MaxChildren,
    /// The supervisor was stopped, has ended, or is just being started by the one above.
    Closed,
    /// The supervisor refused for another reason.
    Refused(StartChildError),
}

impl From<StartChildError> for StartTaskError {
    fn from(error: StartChildError) -> Self {
        match error {
            StartChildError::MaxChildren => Self::MaxChildren,
            StartChildError::Call(_) => Self::Closed,
            other => Self::Refused(other),
        }
    }
}

impl fmt::Display for StartTaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxChildren => f.write_str("the supervisor has as many tasks as it may have"),
            Self::Closed => f.write_str("the supervisor of the tasks does not run"),
            Self::Refused(error) => error.fmt(f),
        }
    }
}

impl Error for StartTaskError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Refused(error) => error.source(),
            _ => None,
        }
    }
}
