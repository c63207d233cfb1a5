//! The specification of a child.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::task::{Context, Poll};
use std::time::Duration;

use super::any_child::{AnyChild, Below, ChildStart};
use super::dynamic::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef};
use super::events::Place;
use super::handle::SupervisorRef;
use super::info::ChildKind;
use super::launchers::{DynamicTrees, Launcher, Servers, Tasks, Trees};
use super::plan::Supervisor;
use super::starting::{begin, start};
use super::stop_token::StopToken;
use super::terms::{Restart, Shutdown, Terms};
use super::tree::SupervisorMsg;
use crate::backoff::Backoff;
use crate::contained::Contained;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::keeper::Parent;
use crate::options::ServerOptions;
use crate::pid::Pid;
use crate::process::Factory;
use crate::registry::Via;
use crate::server_ref::ServerRef;
use crate::slot::Slot;
use crate::sync::{Arc, Mutex};

/// How long a child has to end in order, unless told otherwise: as in OTP.
const DEFAULT_SHUTDOWN: Duration = Duration::from_secs(5);

/// A child of a supervisor, as a specification: what to run, and on what terms.
///
/// Its address is valid from now on and survives every restart: messages that are sent before the child
/// runs, or while it is being restarted, wait for it. When the specification is dropped (the supervisor
/// has ended for good, or the child was deleted), they come back with `NoProc`.
///
/// ```
/// # use otp_core::{Child, Context, ExitReason, GenServer, ReplyTo, Restart, Strategy, Supervisor};
/// # struct Counter(u64);
/// # enum Msg { Add(u64), Total(ReplyTo<u64>) }
/// # impl GenServer for Counter {
/// #     type Msg = Msg;
/// #     async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
/// #         match msg { Msg::Add(n) => self.0 += n, Msg::Total(reply) => reply.send(self.0) }
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = Child::server("counter", || Counter(0));
/// let counter_ref = counter.server_ref();
/// let tree = Supervisor::new(Strategy::OneForOne).child(counter).start().await?;
///
/// counter_ref.pid().expect("it runs").kill();
/// counter_ref.cast(Msg::Add(2))?;
/// assert_eq!(counter_ref.call(Msg::Total).await?, 2); // answered by the next incarnation
/// # tree.stop().await?;
/// # Ok(()) }
/// ```
#[must_use = "a child does nothing until a supervisor starts it"]
pub struct Child<M: Send + 'static> {
    terms: Terms,
    kept: Kept<M>,
    pub(super) start_timeout: Duration,
    pub(super) name: Option<Via<M>>,
    // The program's own: a drop that panics must not take the supervisor along.
    launcher: Contained<Box<dyn Launcher<M>>>,
}

/// The handle of a specification. While it is there, the slot outlives its incarnations.
struct Kept<M: Send + 'static>(ServerRef<M>);

impl<M: Send + 'static> Drop for Kept<M> {
    fn drop(&mut self) {
        self.0.slot.release();
    }
}

impl<M: Send + 'static> Child<M> {
    /// Specifies a server. `factory` makes it anew at each start, in the child's own process: a panic in
    /// there is a failed start.
    pub fn server<S: GenServer<Msg = M>>(
        id: impl Into<Arc<str>>,
        factory: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        Self::server_with(id, ServerOptions::default(), factory)
    }

    /// Specifies a server with options. Without a name it is named by its id.
    pub fn server_with<S: GenServer<Msg = M>>(
        id: impl Into<Arc<str>>,
        options: ServerOptions,
        factory: impl Fn() -> S + Send + Sync + 'static,
    ) -> Self {
        let factory: Factory<S> = Arc::new(factory);
        Self::new(id.into(), options, Box::new(Servers(factory)))
    }

    fn new(id: Arc<str>, options: ServerOptions, launcher: Box<dyn Launcher<M>>) -> Self {
        let name = options.name.unwrap_or_else(|| Arc::clone(&id));
        let slot = Arc::new(Slot::new(options.capacity, Some(name)));
        slot.keep();
        let shutdown = match launcher.kind() {
            ChildKind::Worker => Shutdown::Timeout(DEFAULT_SHUTDOWN),
            ChildKind::Supervisor => {
                // What one incarnation was asked and told is nothing to the next.
                slot.forget_messages();
                Shutdown::Infinity
            }
        };
        Self {
            terms: Terms {
                id,
                restart: Restart::default(),
                shutdown,
                significant: false,
                bounded: options.capacity,
                backoff: None,
                own_limit: None,
            },
            kept: Kept(ServerRef::first(slot)),
            start_timeout: options.start_timeout,
            name: None,
            launcher: Contained(Some(launcher)),
        }
    }

    /// Returns the child's id.
    pub fn id(&self) -> &Arc<str> {
        &self.terms.id
    }

    /// Returns the child's address: valid now, and after each restart.
    pub fn server_ref(&self) -> ServerRef<M> {
        self.kept.0.clone()
    }

    /// Sets when the child is restarted. Default: [`Restart::Permanent`].
    pub fn restart(mut self, restart: Restart) -> Self {
        self.terms.restart = restart;
        self
    }

    /// Sets how the child is stopped. Default: [`Shutdown::Timeout`] of 5 s, for a supervisor
    /// [`Shutdown::Infinity`].
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.terms.shutdown = shutdown;
        self
    }

    /// Makes the child one whose end may stop the supervisor; see [`AutoShutdown`](crate::AutoShutdown).
    /// Allowed for transient and temporary children of a supervisor that shuts down by itself.
    pub fn significant(mut self) -> Self {
        self.terms.significant = true;
        self
    }

    /// Has messages that wait dropped when the child ends, their callers told at once. Default: they are kept
    /// for the next incarnation. What is sent after the end waits for it in any case.
    pub fn forget_messages(self) -> Self {
        self.slot().forget_messages();
        self
    }

    /// Sets how many restarts of this child within how long a time are borne, whatever happens to others; they do not count
    /// for the supervisor then. With one more the child is forgotten, and its address closed.
    ///
    /// For children of a [`DynamicSupervisor`](crate::DynamicSupervisor). Default: none, the supervisor's own limit counts.
    pub fn own_limit(mut self, restarts: usize, period: Duration) -> Self {
        self.terms.own_limit = Some((restarts, period));
        self
    }

    /// Has restarts wait. Default: none, as in OTP: the first attempt is made at once, and so is each
    /// further one.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.terms.backoff = Some(backoff);
        self
    }

    /// Has each incarnation hold a key of a registry from before its `init` to its end. While another process holds it
    /// the child does not start: its start fails with
    /// [`StartError::AlreadyStarted`](crate::StartError::AlreadyStarted) as the cause.
    pub fn register_as(mut self, name: Via<M>) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn launcher(&self) -> &dyn Launcher<M> {
        self.launcher
            .0
            .as_deref()
            .expect("there until it is dropped")
    }

    pub(super) fn shutdown_terms(&self) -> Shutdown {
        self.terms.shutdown
    }

    pub(super) fn slot(&self) -> &Arc<Slot<M>> {
        &self.kept.0.slot
    }
}

impl Child<Infallible> {
    /// Specifies a future. `work` makes it anew at each start; it runs as a process, and is asked to end
    /// by the [`StopToken`].
    ///
    /// It counts as started as soon as it is made. Its end is the child's end: `Ok` is `Normal`, after
    /// which a permanent child is started again. One that does not heed the token is killed when its
    /// time is over.
    ///
    /// ```
    /// # use otp_core::{Child, Restart, Strategy, Supervisor};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = Child::task("listener", |stop| async move {
    ///     let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    ///     loop {
    ///         tokio::select! {
    ///             () = stop.requested() => return Ok(()),
    ///             accepted = listener.accept() => drop(accepted?),
    ///         }
    ///     }
    /// });
    /// let tree = Supervisor::new(Strategy::OneForOne).child(listener).start().await?;
    /// tree.stop().await?;
    /// # Ok(()) }
    /// ```
    pub fn task<F>(
        id: impl Into<Arc<str>>,
        work: impl Fn(StopToken) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<(), ExitReason>> + Send + 'static,
    {
        let launcher = Tasks {
            work: Arc::new(work),
            running: Mutex::new(None),
        };
        Self::new(id.into(), ServerOptions::default(), Box::new(launcher))
    }
}

impl Child<SupervisorMsg> {
    /// Specifies a supervisor with children of its own. They are started anew with each start of it; the
    /// addresses of those that it was given here stay valid all along.
    pub fn supervisor(id: impl Into<Arc<str>>, supervisor: Supervisor) -> Self {
        let id = id.into();
        let fault = supervisor.fault();
        let launcher = Trees { supervisor, fault };
        Self::new(id, ServerOptions::default(), Box::new(launcher))
    }

    /// Returns the address of the supervisor: valid now, and after each restart.
    pub fn supervisor_ref(&self) -> SupervisorRef {
        SupervisorRef::new(self.server_ref())
    }
}

impl Child<DynamicSupervisorMsg> {
    /// Specifies a dynamic supervisor. Its own children are gone with each end of it.
    pub fn dynamic_supervisor(id: impl Into<Arc<str>>, supervisor: DynamicSupervisor) -> Self {
        let launcher = DynamicTrees(supervisor);
        Self::new(id.into(), ServerOptions::default(), Box::new(launcher))
    }

    /// Returns the address of the supervisor: valid now, and after each restart.
    pub fn dynamic_supervisor_ref(&self) -> DynamicSupervisorRef {
        DynamicSupervisorRef::new(self.server_ref())
    }
}

impl<M: Send + 'static> AnyChild for Child<M> {
    fn terms(&self) -> &Terms {
        &self.terms
    }

    fn kind(&self) -> ChildKind {
        self.launcher().kind()
    }

    fn start(
        self: Arc<Self>,
        parent: Arc<dyn Parent>,
        supervisor: u64,
        place: Place,
    ) -> ChildStart {
        Box::pin(start(self, parent, supervisor, place))
    }

    fn shut_down(&self, pid: &Pid) {
        self.launcher().shut_down(self.slot(), pid.number());
    }

    fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        self.slot().poll_over(cx)
    }

    fn stop_waiting(&self) {
        self.slot().stop_waiting();
        for child in self.launcher().below() {
            child.stop_waiting();
        }
    }

    fn mailbox_len(&self) -> usize {
        self.slot().info().mailbox_len
    }

    fn below(&self) -> Option<Below> {
        self.launcher().supervisor(&self.kept.0)
    }

    fn begin(self: Arc<Self>, parent: Arc<dyn Parent>, supervisor: u64, place: Place) -> Pid {
        begin(&self, parent, supervisor, place)
    }

    fn is_ending(&self) -> bool {
        self.slot().is_ending()
    }

    fn start_timeout(&self) -> Duration {
        self.start_timeout
    }
}

impl<M: Send + 'static> fmt::Debug for Child<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("id", &self.terms.id)
            .field("restart", &self.terms.restart)
            .field("shutdown", &self.terms.shutdown)
            .finish_non_exhaustive()
    }
}
