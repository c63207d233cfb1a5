//! `SupervisionTree`: the handle of a running tree.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use otp_core::{
    CallError, Child, ChildError, ChildInfo, ChildState, ExitReason, Pid, ServerRef,
    StartChildError, StartError, StopError, SupervisorRef, TreeSnapshot, inbox,
};
use tokio::time::Instant;

use crate::config::TreeConfig;
use crate::error::FaultError;
use crate::events::TreeEvents;
use crate::fault::Fault;
use crate::info::TreeInfo;
use crate::path::{Found, find};
use crate::report::{Collector, ShutdownReport};

/// The handle of a running supervisor and all that is below it.
///
/// Clones lead to the same tree. When the last one is dropped, the tree is stopped in order.
///
/// A child is named by its *path*: the ids from this supervisor down to it with a `/` between them, as in
/// `payments/gateway`.
#[derive(Debug, Clone)]
#[must_use = "a tree is stopped when its last handle is dropped"]
pub struct SupervisionTree {
    root: SupervisorRef,
    /// The ids from the root of all down to this supervisor.
    prefix: Arc<[Arc<str>]>,
}

impl SupervisionTree {
    /// Starts a tree: its children in order, each when the one before has started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done ends all that it has started.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if two children of the root have the same id, or a significant child of it does not
    /// fit; nothing was started then. [`StartError::Failed`] if a child did not start, a supervisor with such children
    /// for instance: the error names it, and those before it were stopped again.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_supervisor::{SupervisionTree, TreeConfig};
    ///
    /// let tree = SupervisionTree::start(TreeConfig::default()).await?;
    /// assert_eq!(tree.info().await?.specs, 0);
    /// # Ok(()) }
    /// ```
    pub async fn start(config: TreeConfig) -> Result<Self, StartError> {
        config.into_supervisor().start().await.map(Self::from)
    }

    /// Returns the address of its supervisor, for what `otp_core` offers beyond this.
    pub fn supervisor_ref(&self) -> &SupervisorRef {
        &self.root
    }

    /// Returns the process of its supervisor, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.root.pid()
    }

    /// Returns the handle of a supervisor below: its paths begin there.
    ///
    /// It follows the supervisor over its restarts, and keeps nobody running: when the last handle of the whole tree is
    /// dropped, this one leads nowhere.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`], [`ChildError::NotSupervisor`], and [`ChildError::Call`] if a supervisor on the
    /// way could not be asked.
    pub async fn subtree(&self, path: &str) -> Result<Self, ChildError> {
        let Found { parent, child, ids } = find(&self.root, path).await?;
        let root = parent.supervisor(&child.id).await?;
        let prefix = self.prefix.iter().cloned().chain(ids).collect();
        Ok(Self { root, prefix })
    }

    /// Starts one more child of this supervisor, as the last in order, and returns its address.
    ///
    /// It belongs to the supervisor's running incarnation: if that one is restarted, the child is gone.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back: the child may still be started.
    ///
    /// # Errors
    ///
    /// See [`StartChildError`].
    pub async fn add_child<M: Send + 'static>(
        &self,
        child: Child<M>,
    ) -> Result<ServerRef<M>, StartChildError> {
        self.root.start_child(child).await
    }

    /// Stops a child on its own terms, and forgets it. A child that does not run is only forgotten; a restart that is
    /// due is taken back.
    ///
    /// A child that stands in the [`TreeConfig`] comes back if its supervisor is restarted.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back; the child may then be stopped and not forgotten.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`]; [`ChildError::Running`] if somebody else has started it again meanwhile;
    /// [`ChildError::Call`] if a supervisor could not be asked.
    pub async fn remove_child(&self, path: &str) -> Result<(), ChildError> {
        let Found { parent, child, .. } = find(&self.root, path).await?;
        parent.terminate_child(&child.id).await?;
        match parent.delete_child(&child.id).await {
            // A temporary one is forgotten with its end.
            Err(ChildError::NotFound) => Ok(()),
            outcome => outcome,
        }
    }

    /// Stops a child on its own terms, and keeps its place for [`restart_child`](Self::restart_child); a temporary one
    /// is forgotten.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// [`ChildError::NotFound`]; a child that does not run is no error. [`ChildError::Call`] if a supervisor
    /// could not be asked.
    pub async fn stop_child(&self, path: &str) -> Result<(), ChildError> {
        let Found { parent, child, .. } = find(&self.root, path).await?;
        parent.terminate_child(&child.id).await
    }

    /// Starts a child that does not run: one that was stopped, that ended and was not restarted, or that
    /// declined to start. It does not count as a restart.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back.
    ///
    /// # Errors
    ///
    /// [`ChildError::Running`], [`ChildError::Restarting`], [`ChildError::NotFound`], and the other
    /// [`ChildError`]s.
    pub async fn restart_child(&self, path: &str) -> Result<Pid, ChildError> {
        let Found { parent, child, .. } = find(&self.root, path).await?;
        parent.restart_child(&child.id).await
    }

    /// Tells how this supervisor and its own children are doing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If the supervisor could not be asked.
    pub async fn info(&self) -> Result<TreeInfo, CallError> {
        let strategy = self.root.strategy().await?;
        let mut children = self.root.which_children().await?;
        children.reverse();
        let runs = |child: &&ChildInfo| child.pid().is_some_and(Pid::is_alive);
        Ok(TreeInfo {
            strategy,
            running: children.iter().filter(runs).count(),
            specs: children.len(),
            children,
        })
    }

    /// Returns the whole tree as it is now. Its `Display` is a tree of text; [`Mermaid`](crate::Mermaid) and
    /// [`Dot`](crate::Dot) draw it.
    ///
    /// Each supervisor is asked in its turn, and nobody is stopped meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If this supervisor could not be asked. One below that ends before it answers shows no children.
    pub async fn snapshot(&self) -> Result<TreeSnapshot, CallError> {
        self.root.snapshot().await
    }

    /// Has a child fail as if its own code had panicked, to see what becomes of it. The child need not help.
    ///
    /// Returns as soon as the child is hit; what its supervisor does about it comes after. A supervisor on the way
    /// that is starting or stopping a child tells who its children are when it is done with that, and the fault waits
    /// for it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done hits nobody.
    ///
    /// # Errors
    ///
    /// See [`FaultError`].
    pub async fn crash_child(&self, path: &str) -> Result<(), FaultError> {
        self.inject(path, Fault::panic("crashed on purpose")).await
    }

    /// Does a fault to a child, at any depth; see [`crash_child`](Self::crash_child).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done hits nobody.
    ///
    /// # Errors
    ///
    /// See [`FaultError`].
    pub async fn inject(&self, path: &str, fault: Fault) -> Result<(), FaultError> {
        let Found { child, .. } = find(&self.root, path).await?;
        match child.state {
            ChildState::Running(pid) if pid.is_alive() => fault.hit(&pid),
            _ => return Err(FaultError::NotRunning),
        }
        Ok(())
    }

    /// Returns what happens in the tree from now on. Of a [`subtree`](Self::subtree), what happens there, over its
    /// restarts, until the whole tree ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If the supervisor could not be asked.
    pub async fn events(&self) -> Result<TreeEvents, CallError> {
        let (listener, inbox) = inbox();
        self.root.report_to(listener.recipient()).await?;
        Ok(TreeEvents {
            inbox,
            prefix: Arc::clone(&self.prefix),
            finished: false,
        })
    }

    /// Stops the tree, last started first, and reports who took how long.
    ///
    /// Each child is asked to end and killed when its own time for that is over, so the wait is as long as the children's
    /// times allow. To the supervisor above a [`subtree`](Self::subtree) this is the end of a child as any other, after
    /// which it may be started again; [`stop_child`](Self::stop_child) has it stay stopped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back once the supervisor has been asked.
    ///
    /// # Errors
    ///
    /// [`StopError::NoProc`] if the tree had ended before, by a stop for instance.
    pub async fn stop(&self) -> Result<ShutdownReport, StopError> {
        let Some(end) = self.root.pid().map(|pid| pid.monitor()) else {
            return Err(StopError::NoProc);
        };
        let mut collector = Collector::new(self.events().await.ok());
        collector.begin(Instant::now());
        match self.root.stop().await {
            // One that ran when it was to be stopped, and ended by itself before it heard of it, has done what is
            // asked; the report says why.
            Ok(()) | Err(StopError::Exited(_) | StopError::NoProc) => {
                Ok(collector.report(end.await))
            }
            Err(error) => Err(error),
        }
    }

    /// Runs the tree until `signal` is there, then stops it in order; or until it ends by itself. Reports why it ended,
    /// and who took how long. Of a [`subtree`](Self::subtree), until this incarnation of it ends.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops this handle.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// use patterns_supervisor::{SupervisionTree, TreeConfig};
    ///
    /// let tree = SupervisionTree::start(TreeConfig::default()).await?;
    /// // In a program: `patterns_supervisor::shutdown_signal()?`.
    /// let signal = tokio::time::sleep(Duration::from_millis(1));
    /// let report = tree.run_until(signal).await;
    /// assert!(report.reason.is_normal());
    /// # Ok(()) }
    /// ```
    pub async fn run_until<T>(self, signal: impl Future<Output = T>) -> ShutdownReport {
        let Some(end) = self.root.pid().map(|pid| pid.monitor()) else {
            return Collector::new(None).report(ExitReason::NoProc);
        };
        let mut collector = Collector::new(self.events().await.ok());
        let (mut end, mut signal) = (pin!(end), pin!(signal));
        let ended = poll_fn(|cx| {
            collector.poll(cx);
            match end.as_mut().poll(cx) {
                Poll::Ready(reason) => Poll::Ready(Some(reason)),
                Poll::Pending => signal.as_mut().poll(cx).map(|_| None),
            }
        })
        .await;
        let reason = match ended {
            Some(reason) => reason,
            None => {
                collector.begin(Instant::now());
                // One that ends by itself at this very moment has done what is asked.
                let _ = self.root.stop().await;
                end.await
            }
        };
        collector.report(reason)
    }

    /// Waits for the end of the supervisor that runs now, and returns its reason; `NoProc` if none does.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait(&self) -> ExitReason {
        self.root.wait().await
    }
}

impl From<SupervisorRef> for SupervisionTree {
    /// Makes the handle of a tree that was built with `otp_core` alone. For the root of one: paths in events and reports are told from
    /// there.
    fn from(root: SupervisorRef) -> Self {
        Self {
            root,
            prefix: Arc::from([]),
        }
    }
}
