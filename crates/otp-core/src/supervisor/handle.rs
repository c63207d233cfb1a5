//! `SupervisorRef`: the address of a supervisor.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use super::any_child::Below;
use super::child::Child;
use super::dynamic::DynamicSupervisorRef;
use super::error::{ChildError, StartChildError};
use super::events::SupervisorEvent;
use super::info::{ChildCounts, ChildInfo, TreeSnapshot};
use super::terms::Strategy;
use super::tree::{Request, SupervisorMsg};
use crate::error::{CallError, StopError};
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::ReplyTo;
use crate::server_ref::ServerRef;
use crate::suspended::Suspended;
use crate::sync::Arc;

/// The address of a supervisor: a strong handle.
///
/// When the last one of a root supervisor is dropped, the tree is stopped in order; keep one, or
/// [`detach`](SupervisorRef::detach). Requests wait for a supervisor that is busy with a restart or a stop,
/// without limit, as in OTP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a tree is stopped when its last `SupervisorRef` is dropped; use `detach` to keep it running without one"]
pub struct SupervisorRef {
    server: ServerRef<SupervisorMsg>,
}

impl SupervisorRef {
    pub(super) fn new(server: ServerRef<SupervisorMsg>) -> Self {
        Self { server }
    }

    /// Starts one more child, as the last in order, and returns its address when its `init` has returned.
    ///
    /// It belongs to the running incarnation of the supervisor: if that one is restarted, the child is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back: the child may still be started.
    ///
    /// # Errors
    ///
    /// See [`StartChildError`].
    pub async fn start_child<M: Send + 'static>(
        &self,
        child: Child<M>,
    ) -> Result<ServerRef<M>, StartChildError> {
        let server = child.server_ref();
        self.ask(|reply| Request::Start(Arc::new(child), reply))
            .await
            .map_err(StartChildError::Call)??;
        Ok(server)
    }

    /// Stops a child. It keeps its specification and its place, unless it is temporary; calls to it fail
    /// with `NoProc` until it is started again. Also takes back a restart that is due.
    ///
    /// Not for a child to end itself: it would wait for its own end, until its time is over and it is killed.
    /// A server ends itself by `Err(reason)`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`]; a child that does not run is no error. [`ChildError::Call`] if the
    /// supervisor could not be asked.
    pub async fn terminate_child(&self, id: &str) -> Result<(), ChildError> {
        let id = Arc::from(id);
        self.ask(|reply| Request::Terminate(id, reply))
            .await
            .map_err(ChildError::Call)?
    }

    /// Starts a child that does not run. It does not count as a restart, and if it fails no other attempt
    /// is made.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// See [`ChildError`].
    pub async fn restart_child(&self, id: &str) -> Result<Pid, ChildError> {
        let id = Arc::from(id);
        self.ask(|reply| Request::Restart(id, reply))
            .await
            .map_err(ChildError::Call)?
    }

    /// Forgets a child that does not run. Its address is closed for ever.
    ///
    /// A child that the supervisor was given before its start comes back with a restart of the supervisor.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// See [`ChildError`].
    pub async fn delete_child(&self, id: &str) -> Result<(), ChildError> {
        let id = Arc::from(id);
        self.ask(|reply| Request::Delete(id, reply))
            .await
            .map_err(ChildError::Call)?
    }

    /// Returns the children, last started first, as OTP does.
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

    /// Returns the strategy by which it restarts.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If the supervisor could not be asked.
    pub async fn strategy(&self) -> Result<Strategy, CallError> {
        self.ask(Request::Strategy).await
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

    /// Returns the address of a child that is a supervisor: valid now, and after each restart of it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::NotSupervisor`] if the child is another thing, and
    /// [`ChildError::Call`] if this supervisor could not be asked.
    pub async fn supervisor(&self, id: &str) -> Result<Self, ChildError> {
        match self.below(id).await? {
            Below::Supervisor(supervisor) => Ok(supervisor),
            Below::Dynamic(_) => Err(ChildError::NotSupervisor),
        }
    }

    /// Returns the address of a child that is a dynamic supervisor; otherwise as [`supervisor`](SupervisorRef::supervisor).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// As [`supervisor`](SupervisorRef::supervisor).
    pub async fn dynamic_supervisor(&self, id: &str) -> Result<DynamicSupervisorRef, ChildError> {
        match self.below(id).await? {
            Below::Dynamic(supervisor) => Ok(supervisor),
            Below::Supervisor(_) => Err(ChildError::NotSupervisor),
        }
    }

    async fn below(&self, id: &str) -> Result<Below, ChildError> {
        let id = Arc::from(id);
        self.ask(|reply| Request::Below(id, reply))
            .await
            .map_err(ChildError::Call)?
    }

    /// Returns the whole tree below this supervisor, as it is now.
    ///
    /// Each supervisor is asked in its turn, and nobody is stopped meanwhile; one that ends before it
    /// answers shows no children.
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

    /// Has everything that happens in the tree from now on reported to `listener`; see
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

    /// Stops the supervisor and everybody below it, last started first, and waits for the end.
    ///
    /// Not waited for are the children of a supervisor below that was killed just before: they have been told to end, and
    /// nobody is there to wait for them, as in OTP.
    ///
    /// To a supervisor above it, this is the end of a child as any other, with reason `Normal`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back: the tree goes on stopping.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`].
    pub async fn stop(&self) -> Result<(), StopError> {
        self.server.stop().await
    }

    /// Stops the supervisor with a reason of your own; otherwise as [`stop`](SupervisorRef::stop).
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](SupervisorRef::stop).
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

    /// Runs the tree until `signal` is there, then stops it in order; or until it ends by itself. Returns
    /// the reason of its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops this handle.
    ///
    /// # Examples
    ///
    /// ```
    /// # use otp_core::{Strategy, Supervisor};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tree = Supervisor::new(Strategy::OneForOne).start().await?;
    /// // In a program: `tokio::signal::ctrl_c()`.
    /// let signal = tokio::time::sleep(std::time::Duration::from_millis(1));
    /// let reason = tree.run_until(signal).await;
    /// assert!(reason.is_normal());
    /// # Ok(()) }
    /// ```
    pub async fn run_until<T>(self, signal: impl Future<Output = T>) -> ExitReason {
        let (mut end, mut signal) = (pin!(self.wait()), pin!(signal));
        let ended = poll_fn(|cx| match end.as_mut().poll(cx) {
            Poll::Ready(reason) => Poll::Ready(Some(reason)),
            Poll::Pending => signal.as_mut().poll(cx).map(|_| None),
        })
        .await;
        match ended {
            Some(reason) => reason,
            None => match self.stop().await {
                Ok(()) => ExitReason::Normal,
                Err(StopError::Exited(reason)) => reason,
                Err(_) => end.await,
            },
        }
    }

    /// Lets the tree run on without any handle, until it ends itself or is stopped.
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

    /// As in OTP, a supervisor is waited for as long as it takes: it may be stopping a child that takes its
    /// time.
    fn ask<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> Request,
    ) -> impl Future<Output = Result<T, CallError>> {
        self.server
            .call_timeout(|reply| SupervisorMsg(request(reply)), Duration::MAX)
    }
}
