//! The children of a dynamic supervisor, by the number of their process.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::super::any_child::{AnyChild, NotStarted};
use super::super::error::{ChildError, StartChildError};
use super::super::info::{ChildInfo, ChildState};
use super::super::intensity::Window;
use super::request::Asks;
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::sync::Arc;
use crate::timers::TimerRef;

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
    /// The number of its last process that had started, by which it stays known until it has been started again; 0 before the first.
    pub(super) ran: u64,
    /// What its end is to the supervisor, once it is over: the reason, or why the start gave no process.
    pub(super) ended: Option<Result<ExitReason, NotStarted>>,
    /// For the time that it has to start, or to end.
    pub(super) timer: Option<TimerRef>,
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
        let number = phase.pid().map_or(0, Pid::number);
        Self {
            child,
            phase,
            restarts: 0,
            attempts: 0,
            started: None,
            retry: 0,
            ran: number,
            ended: None,
            timer: None,
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
pub(super) struct Members {
    all: BTreeMap<u64, Member>,
    /// Under which number those stand that are known by another one, for they are being started again.
    started_again: BTreeMap<u64, u64>,
}

impl Members {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn insert(&mut self, number: u64, member: Member) {
        if member.ran != 0 && member.ran != number {
            self.started_again.insert(member.ran, number);
        }
        self.all.insert(number, member);
    }

    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut Member> {
        self.all.get_mut(&number)
    }

    /// Under which number a child stands that is known by this one.
    pub(super) fn find(&self, number: u64) -> u64 {
        self.started_again.get(&number).copied().unwrap_or(number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.all.values()
    }

    /// Takes a child out without closing its address.
    pub(super) fn take(&mut self, number: u64) -> Option<Member> {
        let member = self.all.remove(&number)?;
        self.started_again.remove(&member.ran);
        Some(member)
    }

    pub(super) fn take_all(&mut self) -> Vec<Member> {
        self.started_again.clear();
        std::mem::take(&mut self.all).into_values().collect()
    }
}
