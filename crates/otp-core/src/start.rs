//! Starting a server.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::deadline::Deadlines;
use crate::ending::next_number;
use crate::error::StartError;
use crate::gen_server::GenServer;
use crate::options::ServerOptions;
use crate::pid::Pid;
use crate::process::process;
use crate::server_ref::ServerRef;
use crate::slot::{Ended, Phase, Slot};
use crate::sync::Arc;

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
            Phase::Waiting => return Poll::Pending,
            Phase::Running | Phase::Closed(Ended { served: true, .. }) => Ok(()),
            Phase::Closed(Ended { ignored: true, .. }) => Err(StartError::Ignored),
            Phase::Closed(Ended { reason, .. }) => Err(StartError::Failed(reason.clone())),
        };
        drop(inner);
        let handle = this.handle.take();
        match (outcome, handle) {
            (Ok(()), Some(handle)) => Poll::Ready(Ok(handle)),
            (Ok(()), None) => Poll::Pending,
            (Err(error), _) => Poll::Ready(Err(error)),
        }
    }
}

impl<S: GenServer> Drop for Starting<S> {
    fn drop(&mut self) {
        if let Some(handle) = &self.handle {
            handle.slot.kill(self.number);
        }
    }
}
