//! The children of a dynamic supervisor, by the number of their process.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::super::any_child::AnyChild;
use super::super::error::{ChildError, StartChildError};
use super::super::info::{ChildInfo, ChildState};
use super::super::intensity::Window;
use super::process::Asks;
use crate::pid::Pid;
use crate::sync::Arc;

/// A child. One that waits for a restart stands under the number of its last process.
pub(super) struct Member {
    pub(super) child: Arc<dyn AnyChild>,
    pub(super) phase: Phase,
    pub(super) restarts: u64,
    /// Attempts since it last ran for long enough, for the back-off.
    pub(super) attempts: u32,
    pub(super) started: Option<Instant>,
    /// The number of the retry that it waits for, or of the last one.
    pub(super) retry: u64,
    /// Its own limit of restarts.
    pub(super) window: Option<Window>,
}

/// What a child is doing.
pub(super) enum Phase {
    /// Only where the supervisor waits for no child. The reply is of the one who asked for the start.
    Starting(Pid, Option<Asks<Result<Pid, StartChildError>>>),
    Running(Pid),
    Restarting,
    /// Only where the supervisor waits for no child: it is asked to end and will be forgotten. Those who asked.
    Stopping(Pid, Vec<Asks<Result<(), ChildError>>>),
}

impl Phase {
    /// The process that is there.
    pub(super) fn pid(&self) -> Option<&Pid> {
        match self {
            Self::Starting(pid, _) | Self::Running(pid) | Self::Stopping(pid, _) => Some(pid),
            Self::Restarting => None,
        }
    }
}

impl Member {
    pub(super) fn new(child: Arc<dyn AnyChild>, phase: Phase) -> Self {
        let limit = child.terms().own_limit;
        Self {
            child,
            phase,
            restarts: 0,
            attempts: 0,
            started: None,
            retry: 0,
            window: limit.map(|(restarts, period)| Window::new(restarts, period)),
        }
    }

    pub(super) fn info(&self) -> ChildInfo {
        let terms = self.child.terms();
        ChildInfo {
            id: Arc::clone(&terms.id),
            state: match &self.phase {
                Phase::Starting(pid, _) => ChildState::Starting(pid.clone()),
                Phase::Running(pid) | Phase::Stopping(pid, _) => ChildState::Running(pid.clone()),
                Phase::Restarting => ChildState::Restarting,
            },
            kind: self.child.kind(),
            restart: terms.restart,
            restarts: self.restarts,
            mailbox_len: self.child.mailbox_len(),
        }
    }
}

/// All children.
#[derive(Default)]
pub(super) struct Members(BTreeMap<u64, Member>);

impl Members {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn insert(&mut self, number: u64, member: Member) {
        self.0.insert(number, member);
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Member> {
        self.0.get_mut(&number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.0.values()
    }

    /// Takes a child out without closing its address.
    pub(super) fn take(&mut self, number: u64) -> Option<Member> {
        self.0.remove(&number)
    }

    pub(super) fn take_all(&mut self) -> Vec<Member> {
        std::mem::take(&mut self.0).into_values().collect()
    }
}
