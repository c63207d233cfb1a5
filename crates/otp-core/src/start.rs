//! Starting a server.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::current;
use crate::deadline::Deadlines;
use crate::ending::next_number;
use crate::error::StartError;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::options::ServerOptions;
use crate::panics;
use crate::pid::Pid;
use crate::process::process;
use crate::registry::Via;
use crate::relations;
use crate::reply::{self, Awaiting};
use crate::server_ref::ServerRef;
use crate::slot::{Ended, Phase, Slot};
use crate::sync::Arc;
use crate::waits;

/// Starts a server on the current tokio runtime and returns when its `init` has returned.
///
/// The server runs until it ends itself, is stopped, or the last [`ServerRef`] is dropped.
///
/// # Cancel safety
///
/// Dropping the future before it is done ends the new process.
///
/// # Errors
///
/// [`StartError::NoRuntime`] outside a runtime, [`StartError::NoTimers`] in one without timers,
/// [`StartError::Ignored`] if `init` declined, [`StartError::Failed`] if it failed or panicked.
/// After an error nothing is left of the server: its state is dropped.
///
/// # Examples
///
/// See [`GenServer`].
pub async fn start<S: GenServer>(server: S) -> Result<ServerRef<S::Msg>, StartError> {
    start_with(server, ServerOptions::default()).await
}

/// Starts a server with options; otherwise as [`start`].
///
/// # Cancel safety
///
/// Dropping the future before it is done ends the new process.
///
/// # Errors
///
/// As [`start`], and [`StartError::Timeout`] if `init` took longer than
/// [`ServerOptions::start_timeout`], [`StartError::BadOption`] if an option has a value that is not
/// allowed.
pub async fn start_with<S: GenServer>(
    server: S,
    options: ServerOptions,
) -> Result<ServerRef<S::Msg>, StartError> {
    begin(server, options, None, None).await
}

/// Starts a server; linked with `parent` and known as `name` from before its first poll, if there is one.
pub(crate) async fn begin<S: GenServer>(
    server: S,
    options: ServerOptions,
    parent: Option<Pid>,
    name: Option<Via<S::Msg>>,
) -> Result<ServerRef<S::Msg>, StartError> {
    options.check()?;
    let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
    let deadlines = Deadlines::of(&runtime).ok_or(StartError::NoTimers)?;
    let slot = Arc::new(Slot::new(options.capacity, options.name));
    let _ = slot.deadlines.set(deadlines);
    let number = next_number();
    let starting = Starting {
        server: Some(server),
        number,
        handle: Some(ServerRef::first(slot)),
        parent,
        name,
        waiting: None,
    };
    if options.start_timeout == Duration::MAX {
        return starting.await;
    }
    let pid = starting
        .handle
        .as_ref()
        .map(|handle| Pid::new(number, &handle.slot));
    let started = timeout(options.start_timeout, starting).await;
    if let (Err(_), Some(pid)) = (&started, pid) {
        // Dropping the starting future has killed the process.
        let _ = timeout(LONGEST_END, pid.monitor()).await;
    }
    started.unwrap_or(Err(StartError::Timeout))
}

/// How long `start` waits for the end of a process that it killed. One that never awaits cannot be
/// killed, and must not keep `start` from returning.
const LONGEST_END: Duration = Duration::from_millis(100);

/// A process whose `init` has not returned yet. Holds the first handle; dropped with it, it takes
/// the process along.
pub(crate) struct Starting<S: GenServer> {
    // `None` once it has moved into its process.
    pub(crate) server: Option<S>,
    pub(crate) number: u64,
    pub(crate) handle: Option<ServerRef<S::Msg>>,
    pub(crate) parent: Option<Pid>,
    pub(crate) name: Option<Via<S::Msg>>,
    /// In a process: that it waits for the new one to have started.
    pub(crate) waiting: Option<Awaiting<()>>,
}

// Nothing in it is ever pinned in place.
impl<S: GenServer> Unpin for Starting<S> {}

impl<S: GenServer> Future for Starting<S> {
    type Output = Result<ServerRef<S::Msg>, StartError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(handle) = &this.handle else {
            return Poll::Pending;
        };
        if let Some(server) = this.server.take() {
            // The waker is left before the process exists: once it runs, nothing is to be done
            // here.
            handle.slot.begin(this.number, Some(cx.waker().clone()));
            if let Some(parent) = &this.parent {
                let pid = Pid::new(this.number, &handle.slot);
                pid.relate(|relations| relations.parent = parent.number());
                if !relations::link(parent, &pid) {
                    let error = StartError::Failed(ExitReason::NoProc);
                    return Poll::Ready(Err(this.refuse(server, error)));
                }
            }
            if let Some(name) = this.name.take() {
                let pid = Pid::new(this.number, &handle.slot);
                if let Err(error) = name.claim(&handle.downgrade(), &pid) {
                    return Poll::Ready(Err(this.refuse(server, error)));
                }
            }
            this.waiting = handle.slot.note_start();
            tokio::spawn(process(Arc::clone(&handle.slot), this.number, server));
            return Poll::Pending;
        }
        let waker = cx.waker().clone();
        let mut inner = handle.slot.inner.lock();
        let outcome = match &mut inner.phase {
            Phase::Starting(starter) => {
                let before = starter.replace(waker);
                drop(inner);
                drop(before);
                return Poll::Pending;
            }
            Phase::Waiting | Phase::Stopped => return Poll::Pending,
            Phase::Running | Phase::Closed(Ended { served: true, .. }) => Ok(()),
            Phase::Closed(Ended { ignored: true, .. }) => Err(StartError::Ignored),
            Phase::Closed(Ended { reason, .. }) => Err(StartError::Failed(reason.clone())),
        };
        drop(inner);
        this.waiting = None;
        let handle = this.handle.take();
        match (outcome, handle) {
            (Ok(()), Some(handle)) => Poll::Ready(Ok(handle)),
            (Ok(()), None) => Poll::Pending,
            (Err(error), _) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: GenServer> Starting<S> {
    /// Drops a server that does not get to run: its parent is gone, or its name taken.
    #[cold]
    fn refuse(&self, server: S, error: StartError) -> StartError {
        let dropped = panics::catch_drop(server);
        let error = dropped.err().map_or(error, StartError::Failed);
        if let Some(handle) = &self.handle {
            handle.slot.end(Ended {
                reason: match &error {
                    StartError::Failed(reason) => reason.clone(),
                    error => ExitReason::from(error.clone()),
                },
                served: false,
                ignored: false,
            });
        }
        error
    }
}

impl<M: Send + 'static> Slot<M> {
    /// Writes down that the process on this thread, if one runs there, waits for the start.
    pub(crate) fn note_start(self: &Arc<Self>) -> Option<Awaiting<()>> {
        if current::process() == 0 {
            return None;
        }
        let (reply, started) = reply::pair(None);
        self.inner.lock().extras().start = Some(reply);
        waits::note(self, started.settle_handle());
        Some(started)
    }
}

impl<S: GenServer> Drop for Starting<S> {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            if let Some(parent) = &self.parent {
                relations::unlink(parent, &Pid::new(self.number, &handle.slot));
            }
            handle.slot.kill(self.number);
        }
    }
}
