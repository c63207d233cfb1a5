//! `DynamicSupervisorRef`: the address of a dynamic supervisor.

use std::time::Duration;

use super::super::child::Child;
use super::super::error::{ChildError, StartChildError};
use super::super::events::SupervisorEvent;
use super::super::info::{ChildCounts, ChildInfo, TreeSnapshot};
use super::request::{Asks, DynamicSupervisorMsg, Request};
use crate::error::{CallError, StopError};
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::ReplyTo;
use crate::server_ref::ServerRef;
use crate::suspended::Suspended;
use crate::sync::Arc;

/// The address of a dynamic supervisor: a strong handle.
///
/// When the last one is dropped, the supervisor and its children are stopped; keep one, or
/// [`detach`](DynamicSupervisorRef::detach). Requests wait for a supervisor that is busy, without limit, as in OTP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "the children are stopped when the last handle of their supervisor is dropped; use `detach` to keep them running without one"]
pub struct DynamicSupervisorRef {
    pub(in super::super) server: ServerRef<DynamicSupervisorMsg>,
}

impl DynamicSupervisorRef {
    pub(in super::super) fn new(server: ServerRef<DynamicSupervisorMsg>) -> Self {
        Self { server }
    }

    /// Starts a child, and returns its address when its `init` has returned.
    ///
    /// Its id need not differ from those of others: it is for events and listings. The address survives the child's restarts, and
    /// is closed when the child is forgotten.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back: the child may still be started.
    ///
    /// # Errors
    ///
    /// [`StartChildError::MaxChildren`], and the others. After an error nothing is left of the child; so it is also if its
    /// `init` declines.
    pub async fn start_child<M: Send + 'static>(
        &self,
        child: Child<M>,
    ) -> Result<ServerRef<M>, StartChildError> {
        let server = child.server_ref();
        self.ask(|reply| Request::Start(Arc::new(child), Asks::Reply(reply)))
            .await
            .map_err(StartChildError::Call)??;
        Ok(server)
    }

    /// Begins the start of a child, and has `then` called with the outcome, in the supervisor's process: for those who cannot wait
    /// for it, or must not be able to call it off. The address of the child is the one that the child has before.
    ///
    /// `then` must return soon. If the supervisor ends before there is an outcome, `then` is dropped without a call; a panic in it
    /// goes to the log.
    ///
    /// # Errors
    ///
    /// Gives `then` back if the supervisor does not run.
    pub fn start_child_then<M, F>(&self, child: Child<M>, then: F) -> Result<(), F>
    where
        M: Send + 'static,
        F: FnOnce(Result<Pid, StartChildError>) + Send + 'static,
    {
        if !self.server.is_alive() {
            return Err(then);
        }
        let request = Request::Start(Arc::new(child), Asks::Then(Box::new(then)));
        // Refused only at its very end: then it is dropped uncalled, as it would be a moment later.
        let _ = self.server.cast(DynamicSupervisorMsg(request));
        Ok(())
    }

    /// Begins the stop of the child that runs a server, whatever process does at that moment, and has `then` called with the
    /// outcome; otherwise as [`terminate_child`](DynamicSupervisorRef::terminate_child) and
    /// [`start_child_then`](DynamicSupervisorRef::start_child_then).
    ///
    /// # Errors
    ///
    /// Gives `then` back if the supervisor does not run.
    pub fn terminate_server_then<M, F>(&self, server: &ServerRef<M>, then: F) -> Result<(), F>
    where
        M: Send + 'static,
        F: FnOnce(Result<(), ChildError>) + Send + 'static,
    {
        if !self.server.is_alive() {
            return Err(then);
        }
        let slot = Arc::clone(&server.slot);
        let number = Box::new(move || slot.last_number());
        let request = Request::Terminate(number, Asks::Then(Box::new(then)));
        let _ = self.server.cast(DynamicSupervisorMsg(request));
        Ok(())
    }

    /// Stops a child on its own terms, and forgets it. One that waits for a restart is named by its last process.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`] if `pid` is no child, or no more. [`ChildError::Call`] if the supervisor could not be asked.
    pub async fn terminate_child(&self, pid: &Pid) -> Result<(), ChildError> {
        let number = pid.number();
        let number = Box::new(move || number);
        self.ask(|reply| Request::Terminate(number, Asks::Reply(reply)))
            .await
            .map_err(ChildError::Call)?
    }

    /// Returns the children, in no order that could be relied on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If the supervisor could not be asked.
    pub async fn which_children(&self) -> Result<Vec<ChildInfo>, CallError> {
        self.ask(Request::Which).await
    }

    /// Counts the children.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If the supervisor could not be asked.
    pub async fn count_children(&self) -> Result<ChildCounts, CallError> {
        self.ask(Request::Count).await
    }

    /// Returns the tree below this supervisor as it is now; see [`SupervisorRef::snapshot`](crate::SupervisorRef::snapshot).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If this supervisor could not be asked.
    pub async fn snapshot(&self) -> Result<TreeSnapshot, CallError> {
        self.ask(Request::Look).await?.below().await
    }

    /// Has everything that happens from now on reported to `listener`; see
    /// [`Supervisor::report_to`](crate::Supervisor::report_to).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// If the supervisor could not be asked.
    pub async fn report_to(&self, listener: Recipient<SupervisorEvent>) -> Result<(), CallError> {
        self.ask(|reply| Request::ReportTo(listener, reply)).await
    }

    /// Stops the supervisor and its children, all at the same time, and waits for the end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    pub async fn stop(&self) -> Result<(), StopError> {
        self.server.stop().await
    }

    /// Stops it with a reason of your own; otherwise as [`stop`](DynamicSupervisorRef::stop).
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](DynamicSupervisorRef::stop).
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    pub async fn stop_with(&self, reason: ExitReason) -> Result<(), StopError> {
        self.server.stop_with(reason).await
    }

    /// Waits for the end of the supervisor that runs now, and returns its reason; `NoProc` if none does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait(&self) -> ExitReason {
        match self.pid() {
            Some(pid) => pid.monitor().await,
            None => ExitReason::NoProc,
        }
    }

    /// Lets it run on without any handle, until it ends itself or is stopped.
    pub fn detach(self) {
        let _ = self.server.clone().detach();
    }

    /// Returns the process that runs the supervisor at this moment, if one does.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.server.pid()
    }

    /// Tells whether the supervisor is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// Holds the supervisor: until the guard is dropped it handles no request and restarts nobody.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the request back.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::suspend`].
    pub async fn suspend(&self) -> Result<Suspended, CallError> {
        self.server.suspend().await
    }

    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> Request,
    ) -> impl Future<Output = Result<T, CallError>> {
        self.server
            .call_timeout(|reply| DynamicSupervisorMsg(request(reply)), Duration::MAX)
    }
}
