//! What can go wrong: with a step, with a run, with an item of a flow.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::contained::{self, Payload};
use parking_lot::Mutex;

use crate::undone::{Name, Undone};

/// A step's time was over.
///
/// [`timeout`](crate::Pipeline::timeout) makes the pipeline's own error of it, by `From`.
///
/// # Examples
///
/// ```
/// use patterns_pipeline::TimedOut;
///
/// #[derive(Debug)]
/// enum OrderError { SoldOut, Late(TimedOut) }
///
/// impl From<TimedOut> for OrderError {
///     fn from(late: TimedOut) -> Self { Self::Late(late) }
/// }
/// # let _ = OrderError::SoldOut;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimedOut {
    after: Duration,
}

impl TimedOut {
    pub(crate) const fn new(after: Duration) -> Self {
        Self { after }
    }

    /// Returns the limit, as it was set.
    #[must_use]
    pub const fn after(&self) -> Duration {
        self.after
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no result after {:?}", self.after)
    }
}

impl Error for TimedOut {}

/// A panic of a step, as a value.
///
/// Boxed, so that the results of steps are no larger for it.
pub struct Panicked(Box<Panic>);

struct Panic {
    message: Arc<str>,
    /// Only its owner takes it; the lock makes it `Sync`.
    payload: Mutex<Payload>,
}

impl Panicked {
    pub(crate) fn new(payload: Payload) -> Self {
        Self(Box::new(Panic {
            message: payload.message(),
            payload: Mutex::new(payload),
        }))
    }

    /// Returns the panic's message. What is no text reads `Box<dyn Any>`.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Lets the panic go on, as it was. The panic hook has told of it and is not called again.
    ///
    /// # Panics
    ///
    /// Always: that is what it is for.
    pub fn resume(self) -> ! {
        self.0.payload.into_inner().resume()
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Panicked").field(&self.message()).finish()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message())
    }
}

impl Error for Panicked {}

/// Why a step has no output. There are no other ways.
#[derive(Debug)]
pub enum Cause<E> {
    /// It returned this error.
    Failed(E),
    /// Its time was over, and its work was dropped.
    Timeout {
        /// The limit.
        after: Duration,
        /// The same as the pipeline's error: what [`run`](crate::Pipeline::run) returns.
        error: E,
    },
    /// It panicked.
    Panicked(Panicked),
}

impl<E> Cause<E> {
    /// Tells whether the step's time was over.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Returns the error that the step returned, or that its time limit made. `None` if it panicked.
    #[must_use]
    pub const fn error(&self) -> Option<&E> {
        match self {
            Self::Failed(error) | Self::Timeout { error, .. } => Some(error),
            Self::Panicked(_) => None,
        }
    }

    /// Returns that error, and lets a panic go on.
    ///
    /// # Panics
    ///
    /// As the step did, if it did.
    #[must_use]
    pub fn into_error(self) -> E {
        match self {
            Self::Failed(error) | Self::Timeout { error, .. } => error,
            Self::Panicked(panic) => panic.resume(),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Cause<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Timeout { after, .. } => TimedOut::new(*after).fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for Cause<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this one's, so its source comes next.
            Self::Failed(error) => error.source(),
            Self::Timeout { .. } | Self::Panicked(_) => None,
        }
    }
}

/// Where and why a run ended, and what was undone: the error of [`run_tagged`](crate::Pipeline::run_tagged).
#[derive(Debug)]
pub struct StepError<E> {
    /// The name of the step.
    pub step: Name,
    /// Why it has no output.
    pub cause: Cause<E>,
    /// What became of each undo, in the order in which they were run: the last step's first.
    pub undone: Vec<Undone>,
}

impl<E> StepError<E> {
    /// The error alone; a panic goes on. What undos returned goes first, for its drops may panic too.
    pub(crate) fn into_plain(self) -> E {
        contained::drop_contained(self.undone);
        self.cause.into_error()
    }

    /// Tells whether the step's time was over.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        self.cause.is_timeout()
    }

    /// Tells whether all that was done and has an undo was undone.
    #[must_use]
    pub fn is_undone(&self) -> bool {
        self.undone.iter().all(Undone::is_done)
    }
}

impl<E: fmt::Display> fmt::Display for StepError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step `{}`: {}", self.step, self.cause)?;
        for undone in self.undone.iter().filter(|undone| !undone.is_done()) {
            write!(f, "; {undone}")?;
        }
        Ok(())
    }
}

impl<E: Error + 'static> Error for StepError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text is this one's, so its source comes next.
        self.cause.source()
    }
}

/// Why an item of a flow has no value: what the stages after it hand on, and the flow gives out.
#[derive(Debug)]
pub struct StageError<E> {
    /// Which item of the source it was, from 0.
    pub index: u64,
    /// The name of the stage.
    pub stage: Name,
    /// What happened in it.
    pub failure: StageFailure<E>,
}

impl<E> StageError<E> {
    /// Tells whether the time of a step was over, in the pipeline that the item went through.
    #[must_use]
    pub const fn is_timeout(&self) -> bool {
        matches!(&self.failure, StageFailure::Step(error) if error.is_timeout())
    }
}

/// What happened to an item in a stage.
#[derive(Debug)]
#[non_exhaustive]
pub enum StageFailure<E> {
    /// The work returned this error.
    Failed(E),
    /// A step of the pipeline that it went through failed.
    Step(StepError<E>),
    /// The work panicked.
    Panicked(Panicked),
    /// The runtime on which the work ran was shut down.
    Stopped,
}

impl<E: fmt::Display> fmt::Display for StageFailure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Step(error) => error.fmt(f),
            Self::Panicked(panic) => panic.fmt(f),
            Self::Stopped => f.write_str("its runtime was shut down"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for StageError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            index,
            stage,
            failure,
        } = self;
        write!(f, "item {index}, stage `{stage}`: {failure}")
    }
}

impl<E: Error + 'static> Error for StageError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.failure {
            // Their text is this one's, so their source comes next.
            StageFailure::Failed(error) => error.source(),
            StageFailure::Step(error) => error.source(),
            StageFailure::Panicked(_) | StageFailure::Stopped => None,
        }
    }
}
