//! What can go wrong with children.

use std::error::Error;
use std::fmt;

use super::any_child::NotStarted;
use crate::bad_option::BadOption;
use crate::error::{CallError, StartError, source_of};
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::sync::Arc;

/// The reason of a supervisor that did not start because a child of it did not.
///
/// Carried by [`ExitReason::ShutdownWith`]; one in another, for a tree of supervisors.
#[derive(Debug, Clone)]
pub struct FailedToStartChild {
    /// The child's id.
    pub id: Arc<str>,
    /// Why it did not start.
    pub reason: ExitReason,
}

impl fmt::Display for FailedToStartChild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "child `{}` did not start: {}", self.id, self.reason)
    }
}

impl Error for FailedToStartChild {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        source_of(&self.reason)
    }
}

/// Why `start_child` started none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum StartChildError {
    /// A child with this id runs.
    AlreadyStarted(Pid),
    /// There is a child with this id, which does not run at the moment.
    AlreadyPresent,
    /// An option of the child does not go with another, or with the supervisor's.
    BadOption(BadOption),
    /// The supervisor has as many children as it may have.
    MaxChildren,
    /// Its `init` declined. The child is kept, without a process, unless it is temporary or its supervisor dynamic.
    Ignored,
    /// Its `init` failed. Nothing is kept of the child.
    Failed(ExitReason),
    /// The supervisor could not be asked.
    Call(CallError),
}

impl fmt::Display for StartChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyStarted(pid) => write!(f, "a child with this id runs as {pid}"),
            Self::AlreadyPresent => f.write_str("there is a child with this id, not running"),
            Self::BadOption(bad) => bad.fmt(f),
            Self::MaxChildren => f.write_str("the supervisor has as many children as it may have"),
            Self::Ignored => f.write_str("the child declined to start"),
            Self::Failed(reason) => write!(f, "the child did not start: {reason}"),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl From<NotStarted> for StartChildError {
    fn from(error: NotStarted) -> Self {
        match error {
            NotStarted::Ignored => Self::Ignored,
            NotStarted::Failed(reason) => Self::Failed(reason),
        }
    }
}

impl Error for StartChildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(reason) => source_of(reason),
            Self::Call(error) => error.source(),
            _ => None,
        }
    }
}

/// Why something could not be done with a child.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum ChildError {
    /// There is no child with this id.
    NotFound,
    /// The child is a server or a task.
    NotSupervisor,
    /// The child runs: terminate it first.
    Running,
    /// The child is about to be restarted.
    Restarting,
    /// Its `init` declined; the child is kept, without a process.
    Ignored,
    /// Its `init` failed; the child is kept, without a process.
    Failed(ExitReason),
    /// The supervisor could not be asked.
    Call(CallError),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no child with this id"),
            Self::NotSupervisor => f.write_str("the child is no supervisor"),
            Self::Running => f.write_str("the child runs"),
            Self::Restarting => f.write_str("the child is being restarted"),
            Self::Ignored => f.write_str("the child declined to start"),
            Self::Failed(reason) => write!(f, "the child did not start: {reason}"),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl Error for ChildError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Failed(reason) => source_of(reason),
            Self::Call(error) => error.source(),
            _ => None,
        }
    }
}

/// What is wrong with the terms of a child, as an error of the start.
pub(crate) const fn allowed(option: &str) -> &'static str {
    match option.as_bytes() {
        b"auto_shutdown" => "any or all significant where a child is significant",
        b"bounded" => "1 or more",
        b"own_limit" => "set for a child of a dynamic supervisor only",
        b"restart" => "transient or temporary for a significant child",
        _ => "different for each child of a supervisor",
    }
}

pub(crate) fn bad_start(option: &'static str) -> StartError {
    StartError::BadOption(BadOption {
        option,
        allowed: allowed(option),
    })
}
