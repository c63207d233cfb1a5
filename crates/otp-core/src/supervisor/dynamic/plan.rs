//! A dynamic supervisor as a specification.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use super::super::events::{Hub, Place, SupervisorEvent};
use super::handle::DynamicSupervisorRef;
use super::process::DynamicTree;
use crate::context::Context;
use crate::error::StartError;
use crate::options::ServerOptions;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::start::begin;
use crate::sync::Arc;

/// A supervisor whose children are all started while it runs, as a specification.
///
/// It behaves as Elixir's `DynamicSupervisor`. Each child brings its own terms, none depends on another, and each is known by its
/// process. One that ends and is not restarted is forgotten. At its end the supervisor asks all children to end at the same time, so
/// that it takes as long as the slowest and not as their sum.
///
/// ```
/// # use otp_core::{Child, Context, DynamicSupervisor, ExitReason, GenServer, ReplyTo, Restart};
/// # struct Room(u32);
/// # struct Enter(ReplyTo<u32>);
/// # impl GenServer for Room {
/// #     type Msg = Enter;
/// #     async fn handle(&mut self, Enter(reply): Enter, _: &mut Context<Enter>) -> Result<(), ExitReason> {
/// #         self.0 += 1;
/// #         reply.send(self.0);
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rooms = DynamicSupervisor::new().max_children(1_000).start().await?;
/// let lobby = rooms.start_child(Child::server("lobby", || Room(0)).restart(Restart::Transient)).await?;
/// assert_eq!(lobby.call(Enter).await?, 1);
///
/// lobby.pid().expect("it runs").kill();
/// assert_eq!(lobby.call(Enter).await?, 1); // the next one has begun anew
/// assert_eq!(rooms.count_children().await?.active, 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a supervisor does nothing until it is started"]
pub struct DynamicSupervisor {
    pub(super) name: Arc<str>,
    pub(super) intensity: usize,
    pub(super) period: Duration,
    pub(super) max_children: usize,
    pub(super) at_once: bool,
    pub(super) only_if: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    pub(super) listeners: Vec<Recipient<SupervisorEvent>>,
}

impl Default for DynamicSupervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl DynamicSupervisor {
    /// Makes a supervisor without children.
    pub fn new() -> Self {
        Self {
            name: Arc::from("root"),
            intensity: 3,
            period: Duration::from_secs(5),
            max_children: usize::MAX,
            at_once: false,
            only_if: None,
            listeners: Vec::new(),
        }
    }

    /// Names it, for log events, events and snapshots. Default: `root`; as a child it is named by its id.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets how many restarts within how long a time are still borne, of all children together. Default: 3 within 5 s.
    ///
    /// With more it gives up, and all children with it. Where children have nothing to do with each other, give each a
    /// [limit of its own](crate::Child::own_limit).
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.intensity = restarts;
        self.period = period;
        self
    }

    /// Sets how many children there may be, those that are being restarted included. Default: `usize::MAX`, no limit.
    pub fn max_children(mut self, children: usize) -> Self {
        self.max_children = children;
        self
    }

    /// Has it wait for no child: starts, restarts and stops go on side by side. Default: one after the other, as in OTP.
    ///
    /// One whose `init` or `terminate` takes its time then keeps nobody else waiting. A child that is being started is
    /// shown as [`Starting`](crate::ChildState::Starting), and counts as a child but not as active.
    pub fn at_once(mut self) -> Self {
        self.at_once = true;
        self
    }

    /// Has each start ask `condition` first: where it is `false` the supervisor declines to start.
    pub fn only_if(mut self, condition: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.only_if = Some(Arc::new(condition));
        self
    }

    /// Has everything that happens reported to `listener`; see [`Supervisor::report_to`](crate::Supervisor::report_to).
    pub fn report_to(mut self, listener: Recipient<SupervisorEvent>) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Starts it.
    ///
    /// It runs until it gives up, is stopped, or the last [`DynamicSupervisorRef`] is dropped, which stops it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done ends it.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    pub async fn start(self) -> Result<DynamicSupervisorRef, StartError> {
        self.start_as_child_of(None).await
    }

    /// Starts it linked with the process of `ctx`, its parent: when that one ends, it stops, with the same reason.
    ///
    /// # Cancel safety
    ///
    /// As [`start`](DynamicSupervisor::start).
    ///
    /// # Errors
    ///
    /// As [`start`](DynamicSupervisor::start).
    pub fn start_link<M: Send + 'static>(
        self,
        ctx: &mut Context<M>,
    ) -> impl Future<Output = Result<DynamicSupervisorRef, StartError>> + Send + use<M> {
        self.start_as_child_of(Some(ctx.pid()))
    }

    async fn start_as_child_of(
        self,
        parent: Option<Pid>,
    ) -> Result<DynamicSupervisorRef, StartError> {
        let options = ServerOptions::default().name(Arc::clone(&self.name));
        let place = Place::root(Hub::of(&self.listeners), &self.name);
        let server = begin(DynamicTree::new(&self, place), options, parent, None).await?;
        Ok(DynamicSupervisorRef::new(server))
    }
}

impl fmt::Debug for DynamicSupervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamicSupervisor")
            .field("name", &self.name)
            .field("max_children", &self.max_children)
            .finish_non_exhaustive()
    }
}
