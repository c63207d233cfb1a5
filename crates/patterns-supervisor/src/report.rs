//! How a tree was stopped: who took how long.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use otp_core::{ExitReason, Pid, SupervisorEvent};
use tokio::time::Instant;

use crate::events::{TreeEvent, TreeEvents};

/// How a tree was stopped.
///
/// Its `Display` says in a few lines why it ended and who was slow.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Why the tree ended.
    pub reason: ExitReason,
    /// How long the stop took, from the signal or the tree's own decision on.
    pub took: Duration,
    /// The child that failed too often, if that is why.
    pub gave_up_on: Option<String>,
    /// The children at every depth that ran, in the order in which they ended.
    pub children: Vec<StoppedChild>,
}

/// How one child was stopped with its tree.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoppedChild {
    /// Its path.
    pub path: String,
    /// Its process.
    pub pid: Pid,
    /// Why it ended.
    pub reason: ExitReason,
    /// The time from when it was asked until it had ended. A supervisor's holds those of its children. Zero for one
    /// that was not asked: it ended by itself at that time, or its supervisor was killed.
    pub took: Duration,
    /// The time that it had, if it took longer and was killed.
    pub overran: Option<Duration>,
}

impl ShutdownReport {
    /// Returns the children that did not end in the time that they had, and were killed.
    pub fn slow(&self) -> impl Iterator<Item = &StoppedChild> {
        self.children.iter().filter(|child| child.overran.is_some())
    }

    /// The one that took longest of those that ended in time, if it took any. A supervisor takes as long as its
    /// children, and these are told instead.
    fn slowest_in_time(&self) -> Option<&StoppedChild> {
        let paths = self.children.iter().map(|child| &*child.path);
        let above = paths.flat_map(|path| path.match_indices('/').map(|(at, _)| &path[..at]));
        let supervisors: HashSet<&str> = above.collect();
        let in_time = self.children.iter().filter(|child| {
            let is_leaf = !supervisors.contains(&*child.path);
            let was_killed = matches!(child.reason, ExitReason::Killed);
            is_leaf && !was_killed && !child.took.is_zero()
        });
        in_time.max_by_key(|child| child.took)
    }
}

impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ended: {}", self.reason)?;
        if let Some(child) = &self.gave_up_on {
            write!(f, ", {child} failed too often")?;
        }
        match self.children.len() {
            0 => writeln!(f, "; there was nobody to stop")?,
            1 => writeln!(f, "; 1 child was stopped in {:.1?}", self.took)?,
            number => writeln!(f, "; {number} children were stopped in {:.1?}", self.took)?,
        }
        for child in self.slow() {
            let limit = child.overran.unwrap_or_default();
            let path = &child.path;
            writeln!(f, "  {path} was killed: it had not ended after {limit:?}")?;
        }
        if let Some(slowest) = self.slowest_in_time() {
            let (path, took) = (&slowest.path, slowest.took);
            writeln!(f, "  slowest in time: {path}, {took:.1?}")?;
        }
        Ok(())
    }
}

/// Makes the report from the events of the stop.
pub(crate) struct Collector {
    events: Option<TreeEvents>,
    /// When the stop began.
    begun: Option<Instant>,
    asked: HashMap<Pid, Instant>,
    children: Vec<StoppedChild>,
    gave_up_on: Option<String>,
}

impl Collector {
    pub(crate) fn new(events: Option<TreeEvents>) -> Self {
        Self {
            events,
            begun: None,
            asked: HashMap::new(),
            children: Vec::new(),
            gave_up_on: None,
        }
    }

    /// The stop begins now: what ended before is no part of it.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.drain();
        if self.begun.is_none() {
            self.begun = Some(now);
        }
    }

    /// Takes in what has happened, so that it does not pile up while nothing is stopped.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) {
        while let Some(events) = &mut self.events {
            match events.poll_recv(cx) {
                Poll::Ready(Some(event)) => self.note(event),
                Poll::Ready(None) => self.events = None,
                Poll::Pending => return,
            }
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.events.as_mut().and_then(TreeEvents::try_recv) {
            self.note(event);
        }
    }

    fn note(&mut self, TreeEvent { at, path, event }: TreeEvent) {
        match &event {
            SupervisorEvent::Stopping { .. } if path.is_empty() => {
                self.begun.get_or_insert(at);
            }
            SupervisorEvent::GaveUp { child, .. } if path.is_empty() => {
                self.gave_up_on = Some(child.to_string());
            }
            SupervisorEvent::Stopping { pid, .. } if self.begun.is_some() => {
                self.asked.insert(pid.clone(), at);
            }
            SupervisorEvent::Exited { pid, reason, .. }
                if self.begun.is_some() && !path.is_empty() =>
            {
                // Nobody was asked whose supervisor was killed for being slow, or who ended by itself just now.
                let asked = self.asked.remove(pid).unwrap_or(at);
                self.children.push(StoppedChild {
                    path,
                    pid: pid.clone(),
                    reason: reason.clone(),
                    took: at.saturating_duration_since(asked),
                    overran: None,
                });
            }
            SupervisorEvent::SlowShutdown { pid, after, .. } => {
                let mut children = self.children.iter_mut();
                if let Some(child) = children.find(|child| child.pid == *pid) {
                    child.overran = Some(*after);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn report(mut self, reason: ExitReason) -> ShutdownReport {
        self.drain();
        ShutdownReport {
            reason,
            took: self.begun.map(|begun| begun.elapsed()).unwrap_or_default(),
            gave_up_on: self.gave_up_on,
            children: self.children,
        }
    }
}
