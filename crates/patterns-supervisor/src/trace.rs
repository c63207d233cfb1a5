//! What a script of faults did, and what came of it.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{ExitReason, Pid, SupervisorEvent};

use crate::error::FaultError;
use crate::fault::Fault;
use crate::path::relative;

/// What a [`FaultScript`](crate::FaultScript) did, and what came of it, in order.
///
/// Its `Display` is a line for each entry, and the same for the same script under a paused clock: a process is told as
/// the first, second, third one of its child, and not by its pid.
#[derive(Debug, Clone)]
pub struct FaultTrace {
    pub(crate) entries: Vec<TraceEntry>,
    pub(crate) prefix: Arc<[Arc<str>]>,
    /// The number among those of its child, for each process that ran as the script began.
    pub(crate) first: HashMap<Pid, u64>,
}

/// One thing that happened while a script ran.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TraceEntry {
    /// When: since the script began.
    pub at: Duration,
    /// What.
    pub step: TraceStep,
}

/// What happened at one point of a [`FaultTrace`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TraceStep {
    /// The script's own doing.
    Fault {
        /// To whom.
        path: String,
        /// What.
        fault: Fault,
        /// Whether it hit somebody.
        outcome: Result<(), FaultError>,
    },
    /// What the tree told.
    Event(SupervisorEvent),
    /// The tree ended, and with it the script.
    TreeEnded(ExitReason),
}

impl FaultTrace {
    /// Returns the entries, in order.
    #[must_use]
    pub fn entries(&self) -> &[TraceEntry] {
        &self.entries
    }
}

impl fmt::Display for FaultTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut numbers = Numbers {
            of: self.first.clone(),
            last: HashMap::new(),
        };
        for TraceEntry { at, step } in &self.entries {
            let time = format!("{:.3} s", at.as_secs_f64());
            write!(f, "{time:<10} ")?;
            match step {
                TraceStep::Fault {
                    path,
                    fault,
                    outcome,
                } => {
                    write!(f, "fault at {path}: {fault}")?;
                    if let Err(error) = outcome {
                        write!(f, " ({error})")?;
                    }
                    writeln!(f)?;
                }
                TraceStep::Event(event) => {
                    let text = event.to_string();
                    let place = event.path().join("/");
                    // The place stands first. It is told from this supervisor on, and the pid by its number.
                    let what = text.strip_prefix(&place).unwrap_or(&text);
                    let what = match event.pid() {
                        Some(pid) => {
                            let number = numbers.number(event, pid);
                            what.replacen(&pid.to_string(), &format!("#{number}"), 1)
                        }
                        None => what.to_owned(),
                    };
                    match relative(event, &self.prefix) {
                        Some([]) | None => writeln!(f, "{place}{what}")?,
                        Some(path) => writeln!(f, "{}{what}", path.join("/"))?,
                    }
                }
                TraceStep::TreeEnded(reason) => writeln!(f, "the tree ended: {reason}")?,
            }
        }
        Ok(())
    }
}

/// Which process of its child a pid is.
struct Numbers<'a> {
    of: HashMap<Pid, u64>,
    last: HashMap<&'a [Arc<str>], u64>,
}

impl<'a> Numbers<'a> {
    fn number(&mut self, event: &'a SupervisorEvent, pid: &Pid) -> u64 {
        let last = self.last.entry(event.path()).or_default();
        let number = *self.of.entry(pid.clone()).or_insert(*last + 1);
        *last = (*last).max(number);
        number
    }
}
