//! A supervisor as a specification.

use std::fmt;
use std::time::Duration;

use super::any_child::AnyChild;
use super::child::Child;
use super::error::bad_start;
use super::events::{Hub, Place, SupervisorEvent};
use super::handle::SupervisorRef;
use super::terms::{AutoShutdown, Strategy};
use super::tree::Tree;
use crate::context::Context;
use crate::error::StartError;
use crate::options::ServerOptions;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::start::begin;
use crate::sync::Arc;

/// A supervisor with its children, as a specification.
///
/// Started by [`start`](Supervisor::start), or made the child of another one by
/// [`Child::supervisor`]. It behaves as OTP's `supervisor`: children are started in the order in which they
/// were added, each when the `init` of the one before has returned, and stopped in reverse. A child that
/// ends is restarted on its [`Restart`](crate::Restart) terms; with too many restarts in too short a time the
/// supervisor stops all its children and then itself, with `Shutdown`.
#[must_use = "a supervisor does nothing until it is started"]
pub struct Supervisor {
    pub(super) name: Arc<str>,
    pub(super) strategy: Strategy,
    pub(super) intensity: usize,
    pub(super) period: Duration,
    pub(super) auto_shutdown: AutoShutdown,
    pub(super) children: Vec<Arc<dyn AnyChild>>,
    pub(super) only_if: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(super) listeners: Vec<Recipient<SupervisorEvent>>,
}

impl Supervisor {
    /// Makes a supervisor without children.
    pub fn new(strategy: Strategy) -> Self {
        Self {
            name: Arc::from("root"),
            strategy,
            intensity: 3,
            period: Duration::from_secs(5),
            auto_shutdown: AutoShutdown::default(),
            children: Vec::new(),
            only_if: None,
            listeners: Vec::new(),
        }
    }

    /// Names it, for log events, events and snapshots. Default: `root`; as a child it is named by its id.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how many restarts within how long a time are still borne. Default: 3 within 5 s.
    ///
    /// Each attempt counts; the restart of a group counts as one. With an intensity of 0 the first restart
    /// is one too many.
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.intensity = restarts;
        self.period = period;
        self
    }

    /// Has it stop by itself when its significant children have ended. Default: never.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.auto_shutdown = auto_shutdown;
        self
    }

    /// Adds a child, to be started after those before.
    pub fn child<M: Send + 'static>(mut self, child: Child<M>) -> Self {
        self.children.push(Arc::new(child));
        self
    }

    /// Has each start ask `condition` first: where it is `false` the supervisor declines to start, as OTP's
    /// does when `init` returns `ignore`.
    pub fn only_if(mut self, condition: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.only_if = Some(Arc::new(condition));
        self
    }

    /// Has everything that happens in the tree reported to `listener`, from the start on.
    ///
    /// `listener` is a server that takes [`SupervisorEvent`]s, or an [`inbox`](crate::inbox()). It is kept
    /// running while the tree is. One whose mailbox is full misses events. Of a supervisor that is a child,
    /// the tree's own listeners are the ones that count.
    pub fn report_to(mut self, listener: Recipient<SupervisorEvent>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Starts it and, one after the other, its children.
    ///
    /// The tree runs until it gives up, is stopped, or the last [`SupervisorRef`] is dropped, which stops it
    /// in order.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done ends all that it has started.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if two children have the same id or a significant child does not fit;
    /// nothing was started then. [`StartError::Failed`] with
    /// [`FailedToStartChild`](crate::FailedToStartChild) if a child did not start: those before were
    /// stopped again. Otherwise as [`start`](crate::start()).
    pub async fn start(self) -> Result<SupervisorRef, StartError> {
        self.start_as_child_of(None).await
    }

    /// Starts it linked with the process of `ctx`, its parent: when that one ends, it stops in order, with
    /// the same reason. Otherwise as [`start`](Supervisor::start).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Supervisor::start).
    ///
    /// # Errors
    ///
    /// As [`start`](Supervisor::start).
    pub fn start_link<M: Send + 'static>(
        self,
        ctx: &mut Context<M>,
    ) -> impl Future<Output = Result<SupervisorRef, StartError>> + Send + use<M> {
        self.start_as_child_of(Some(ctx.pid()))
    }

    async fn start_as_child_of(self, parent: Option<Pid>) -> Result<SupervisorRef, StartError> {
        if let Some(option) = self.fault() {
            return Err(bad_start(option));
        }
        let options = ServerOptions::default().name(Arc::clone(&self.name));
        let place = Place::root(Hub::of(&self.listeners), &self.name);
        let server = begin(Tree::new(self, None, place), options, parent, None).await?;
        Ok(SupervisorRef::new(server))
    }

    /// The same once more, for the next incarnation. Not `Clone`: two trees cannot share their children.
    pub(super) fn copy(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            strategy: self.strategy,
            intensity: self.intensity,
            period: self.period,
            auto_shutdown: self.auto_shutdown,
            children: self.children.clone(),
            only_if: self.only_if.clone(),
            listeners: self.listeners.clone(),
        }
    }

    /// The option that is wrong, if one is.
    pub(super) fn fault(&self) -> Option<&'static str> {
        let mut ids = std::collections::HashSet::with_capacity(self.children.len());
        for child in &self.children {
            if !ids.insert(&child.terms().id) {
                return Some("id");
            }
        }
        self.children
            .iter()
            .find_map(|child| child.terms().fault_in_static(self.auto_shutdown))
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", &self.name)
            .field("strategy", &self.strategy)
            .field("children", &self.children.len())
            .finish_non_exhaustive()
    }
}
