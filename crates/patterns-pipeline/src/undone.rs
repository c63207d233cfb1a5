//! What became of an undo.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The name of a step or a stage.
pub type Name = Cow<'static, str>;

/// What became of the undo of one step of one run.
///
/// Handed to the hook of [`on_undone`](crate::Pipeline::on_undone), and found in [`StepError::undone`](crate::StepError::undone) and
/// [`Trace::undone`](crate::Trace::undone).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Undone {
    /// The name of the step that was, or was not, undone.
    pub step: Name,
    /// What became of it.
    pub outcome: UndoOutcome,
    /// How long the undo took, from its beginning; zero if it was not begun.
    pub took: Duration,
}

/// How an undo ended. There are no other ways.
#[derive(Debug, Clone)]
pub enum UndoOutcome {
    /// It was done.
    Done,
    /// It returned this error.
    Failed(Arc<dyn Error + Send + Sync>),
    /// It panicked with this message.
    Panicked(Arc<str>),
    /// It was begun and could not be ended: its runtime was shut down.
    Unfinished,
    /// It was not begun: there is no runtime, or none any more, on which it could run in the background.
    NotRun,
}

impl Undone {
    /// Tells whether the step was undone.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.outcome, UndoOutcome::Done)
    }
}

impl fmt::Display for Undone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "undo of `{}`: {}", self.step, self.outcome)
    }
}

impl fmt::Display for UndoOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(error) => error.fmt(f),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::Unfinished => f.write_str("unfinished, its runtime was shut down"),
            Self::NotRun => f.write_str("not run, there is no runtime for it"),
        }
    }
}
