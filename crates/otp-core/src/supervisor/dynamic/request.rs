//! What a dynamic supervisor is asked, and what it hears of its children.

use super::super::any_child::{AnyChild, NotStarted};
use super::super::error::{ChildError, StartChildError};
use super::super::events::SupervisorEvent;
use super::super::info::{ChildCounts, ChildInfo};
use super::super::tree::Look;
use crate::exit_reason::ExitReason;
use crate::panics;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::ReplyTo;
use crate::sync::Arc;

/// What a dynamic supervisor understands. Sent by [`DynamicSupervisorRef`](crate::DynamicSupervisorRef).
#[derive(Debug)]
pub struct DynamicSupervisorMsg(pub(super) Request);

pub(super) enum Request {
    /// The child that ran as that process has ended.
    Ended(Pid, ExitReason),
    /// What became of a start that nobody waits for.
    Begun(Pid, Result<(), NotStarted>),
    /// Everybody else has been told of the end of that process too; for a supervisor that waits for nobody.
    Over(Pid),
    /// The child with that number has had its time to start, or to end.
    TimeIsOver(u64, Pid),
    /// To make the next attempt at the restart of the child with that number, if it is the one that it waits for.
    Retry(u64, u64),
    Start(Arc<dyn AnyChild>, Asks<Result<Pid, StartChildError>>),
    Terminate(LastNumber, Asks<Result<(), ChildError>>),
    Which(ReplyTo<Vec<ChildInfo>>),
    Count(ReplyTo<ChildCounts>),
    Look(ReplyTo<Look>),
    ReportTo(Recipient<SupervisorEvent>, ReplyTo<()>),
}

/// Gives the number of a child's last process, as it is when the request is handled.
pub(super) type LastNumber = Box<dyn Fn() -> u64 + Send>;

/// One who asked, and is told the outcome.
pub(super) enum Asks<T: Send + 'static> {
    /// Waits for the reply.
    Reply(ReplyTo<T>),
    /// Has something done with the outcome, in the supervisor's process.
    Then(Box<dyn FnOnce(T) + Send>),
}

impl<T: Send + 'static> Asks<T> {
    pub(super) fn send(self, outcome: T) {
        match self {
            Self::Reply(reply) => reply.send(outcome),
            Self::Then(then) => {
                // It is the program's code, and its panic must not be that of the supervisor.
                if let Err(panic) = panics::catch(|| then(outcome)) {
                    tracing::error!(%panic, "what was to be done after a request to a supervisor panicked");
                }
            }
        }
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Request(..)")
    }
}
