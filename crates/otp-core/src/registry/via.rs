//! `Via`: whoever holds a key.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::time::Duration;

use super::row::Owner;
use super::unique::Registry;
use crate::error::{CallError, CastError, StartError};
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::options::ServerOptions;
use crate::panics;
use crate::pid::Pid;
use crate::reply::ReplyTo;
use crate::server_ref::{ServerRef, WeakRef};
use crate::start::begin;
use crate::sync::Arc;

/// The address of whoever holds a key of a [`Registry`], looked up anew at each use.
///
/// Made by [`Registry::via`]. A server that is started or supervised by it holds the key before its `init` runs, and while another one
/// holds it does not start.
///
/// ```
/// # use otp_core::{Context, ExitReason, GenServer, Registry, StartError};
/// # struct Printer;
/// # impl GenServer for Printer {
/// #     type Msg = String;
/// #     async fn handle(&mut self, _: String, _: &mut Context<String>) -> Result<(), ExitReason> { Ok(()) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry: Registry<&str, String> = Registry::new();
/// let printer = registry.via("printer");
/// assert!(printer.cast("too early".to_owned()).is_err());
///
/// let server = printer.start(Printer).await?;
/// printer.cast("in time".to_owned())?;
/// assert!(matches!(printer.start(Printer).await, Err(StartError::AlreadyStarted(_))));
/// # drop(server);
/// # Ok(()) }
/// ```
pub struct Via<M> {
    name: Arc<dyn Name<M>>,
}

/// A key of a registry, whatever its type.
trait Name<M>: Send + Sync {
    fn whereis(&self) -> Option<ServerRef<M>>;
    /// Gives the key to a process; otherwise tells why that one does not start.
    fn claim(&self, owner: &Owner<'_, M>) -> Result<(), StartError>;
}

struct Key<K, M, V, S> {
    registry: Registry<K, M, V, S>,
    key: K,
    value: V,
}

impl<K, M, V, S> Name<M> for Key<K, M, V, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    fn whereis(&self) -> Option<ServerRef<M>> {
        self.registry.whereis(&self.key)
    }

    fn claim(&self, owner: &Owner<'_, M>) -> Result<(), StartError> {
        match self
            .registry
            .claim(owner, self.key.clone(), self.value.clone())
        {
            Some(Ok(())) => Ok(()),
            Some(Err(held)) => Err(StartError::AlreadyStarted(held.pid)),
            None => Err(StartError::Failed(ExitReason::Killed)),
        }
    }
}

impl<M: Send + 'static> Via<M> {
    pub(super) fn new<K, V, S>(registry: Registry<K, M, V, S>, key: K, value: V) -> Self
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        S: BuildHasher + Send + Sync + 'static,
    {
        Self {
            name: Arc::new(Key {
                registry,
                key,
                value,
            }),
        }
    }

    /// Returns the address of the server that holds the key at the moment.
    pub fn whereis(&self) -> Option<ServerRef<M>> {
        self.name.whereis()
    }

    /// Sends a message to whoever holds the key.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::cast`]; [`CastError::NoProc`] if nobody does.
    pub fn cast(&self, message: M) -> Result<(), CastError<M>> {
        match self.whereis() {
            Some(server) => server.cast(message),
            None => Err(CastError::NoProc(message)),
        }
    }

    /// Sends a request to whoever holds the key, and waits for its reply for 5 s at most.
    ///
    /// # Cancel safety
    ///
    /// As [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// As [`ServerRef::call`]; [`CallError::NoProc`] if nobody does.
    pub async fn call<R: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<R>) -> M,
    ) -> Result<R, CallError> {
        match self.whereis() {
            Some(server) => server.call(request).await,
            None => Err(CallError::NoProc),
        }
    }

    /// The same with a time-out of your own; see [`ServerRef::call_timeout`].
    ///
    /// # Cancel safety
    ///
    /// As [`ServerRef::call`].
    ///
    /// # Errors
    ///
    /// As [`Via::call`].
    pub async fn call_timeout<R: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<R>) -> M,
        timeout: Duration,
    ) -> Result<R, CallError> {
        match self.whereis() {
            Some(server) => server.call_timeout(request, timeout).await,
            None => Err(CallError::NoProc),
        }
    }

    /// Starts a server that holds the key from before its `init` on; otherwise as [`start`](crate::start()).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done ends the new process.
    ///
    /// # Errors
    ///
    /// [`StartError::AlreadyStarted`] if somebody holds the key; `server` is dropped then. Otherwise as
    /// [`start`](crate::start()). When the start fails the key is free.
    pub async fn start<S: GenServer<Msg = M>>(
        &self,
        server: S,
    ) -> Result<ServerRef<M>, StartError> {
        self.start_with(server, ServerOptions::default()).await
    }

    /// Starts it with options; otherwise as [`start`](Via::start).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Via::start).
    ///
    /// # Errors
    ///
    /// As [`start`](Via::start) and [`start_with`](crate::start_with).
    pub async fn start_with<S: GenServer<Msg = M>>(
        &self,
        server: S,
        options: ServerOptions,
    ) -> Result<ServerRef<M>, StartError> {
        begin(server, options, None, Some(self.clone())).await
    }

    /// Gives the key to the process that runs `server` as `pid`.
    pub(crate) fn claim(&self, server: &WeakRef<M>, pid: &Pid) -> Result<(), StartError> {
        // The key's code is the program's: a panic there is a failed start, and not that of a supervisor.
        panics::catch(|| self.name.claim(&Owner::new(server, pid)))
            .unwrap_or_else(|panic| Err(StartError::Failed(panic)))
    }
}

impl<M> Clone for Via<M> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
        }
    }
}

impl<M> fmt::Debug for Via<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Via(..)")
    }
}
