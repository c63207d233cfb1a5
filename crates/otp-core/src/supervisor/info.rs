//! How a supervisor and its children are doing.

use std::fmt;

use super::terms::{Restart, Strategy};
use crate::pid::Pid;
use crate::sync::Arc;

/// What a child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChildKind {
    /// A server or a task.
    Worker,
    /// A supervisor with children of its own.
    Supervisor,
}

/// What a child is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChildState {
    /// Its `init` runs. Seen only below a dynamic supervisor that starts [at once](crate::DynamicSupervisor::at_once); elsewhere
    /// a supervisor answers when the start is done.
    Starting(Pid),
    /// It runs, or has just ended and the supervisor has not noticed yet.
    Running(Pid),
    /// Its last restart failed, or waits for its back-off; another attempt will be made.
    Restarting,
    /// It does not run: terminated, ended in order, or it declined to start.
    Stopped,
}

/// One child of a supervisor.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChildInfo {
    /// Its id.
    pub id: Arc<str>,
    /// What it is doing.
    pub state: ChildState,
    /// What it is.
    pub kind: ChildKind,
    /// When it is restarted.
    pub restart: Restart,
    /// How often it was started again, in this incarnation of the supervisor.
    pub restarts: u64,
    /// Messages that wait for it.
    pub mailbox_len: usize,
}

impl ChildInfo {
    /// Returns its process, if it runs or starts.
    #[must_use]
    pub fn pid(&self) -> Option<&Pid> {
        match &self.state {
            ChildState::Running(pid) | ChildState::Starting(pid) => Some(pid),
            ChildState::Restarting | ChildState::Stopped => None,
        }
    }
}

/// The numbers of a supervisor's children.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ChildCounts {
    /// All that the supervisor knows of, running or not.
    pub specs: usize,
    /// Those whose process runs.
    pub active: usize,
    /// The supervisors among them, running or not.
    pub supervisors: usize,
    /// The others, running or not.
    pub workers: usize,
}

/// A tree of supervisors at one moment, or nearly: each supervisor is asked in its turn.
///
/// Its `Display` is a tree of text.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TreeSnapshot {
    /// The supervisor's name, or the child's id.
    pub id: Arc<str>,
    /// Its strategy.
    pub strategy: Strategy,
    /// Its process.
    pub pid: Pid,
    /// The children in the order in which they are started, each with what is below it if it is a
    /// supervisor that runs.
    pub children: Vec<(ChildInfo, Option<Self>)>,
}

impl fmt::Display for TreeSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {} {:?}", self.id, self.pid, self.strategy)?;
        self.write_children(f, "")
    }
}

impl TreeSnapshot {
    fn write_children(&self, f: &mut fmt::Formatter<'_>, indent: &str) -> fmt::Result {
        for (at, (child, below)) in self.children.iter().enumerate() {
            let last = at + 1 == self.children.len();
            let (branch, next) = if last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            write!(f, "{indent}{branch}{}", child.id)?;
            match &child.state {
                ChildState::Running(pid) => write!(f, " {pid}")?,
                ChildState::Starting(pid) => write!(f, " {pid} starting")?,
                ChildState::Restarting => f.write_str(" restarting")?,
                ChildState::Stopped => f.write_str(" stopped")?,
            }
            if let Some(below) = below {
                write!(f, " {:?}", below.strategy)?;
            }
            if child.restarts > 0 {
                write!(f, ", restarts: {}", child.restarts)?;
            }
            if child.mailbox_len > 0 {
                write!(f, ", waiting messages: {}", child.mailbox_len)?;
            }
            writeln!(f)?;
            if let Some(below) = below {
                below.write_children(f, &format!("{indent}{next}"))?;
            }
        }
        Ok(())
    }
}
