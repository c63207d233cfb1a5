//! Servers as the members of a pool.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use otp_core::{
    CallError, CastError, ExitReason, GenServer, Pid, ReplyTo, ServerOptions, ServerRef,
};

use crate::Manager;
use crate::sync::{AtomicUsize, Ordering};

type Starting<Msg> =
    Pin<Box<dyn Future<Output = Result<ServerRef<Msg>, otp_core::StartError>> + Send>>;

/// The [`Manager`] of a pool of servers: each member is a [`GenServer`], made by a factory from its id.
///
/// The pool is linked with its members. One that ends, for whatever reason and wherever it is, is replaced by one with
/// a new id. They are stopped in order ([`ServerRef::stop_with`], reason [`ExitReason::Shutdown`]) when they leave the pool, and
/// killed when `close_timeout` is over. If the pool's process is killed, so are they.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pool::{Context, ExitReason, GenServer, Pool, PoolConfig, ReplyTo, Servers};
///
/// struct Adder;
/// struct Add(u64, u64, ReplyTo<u64>);
///
/// impl GenServer for Adder {
///     type Msg = Add;
///
///     async fn handle(&mut self, Add(a, b, reply): Add, _: &mut Context<Add>) -> Result<(), ExitReason> {
///         reply.send(a + b);
///         Ok(())
///     }
/// }
///
/// let adders = Pool::start(PoolConfig::default(), Servers::new(|_id| Adder)).await?;
/// assert_eq!(adders.process(|reply| Add(2, 3, reply)).await?, 5);
/// # Ok(()) }
/// ```
pub struct Servers<Msg: Send + 'static> {
    start: Box<dyn Fn(u64) -> Starting<Msg> + Send + Sync>,
}

impl<Msg: Send + 'static> Servers<Msg> {
    /// Makes members by `factory`, which gets the id of each. They are named `worker` and their id.
    ///
    /// A panic in `factory` is a member that could not be made.
    #[must_use]
    pub fn new<S>(factory: impl Fn(u64) -> S + Send + Sync + 'static) -> Self
    where
        S: GenServer<Msg = Msg>,
    {
        Self::with_options(
            |id| ServerOptions::default().name(format!("worker {id}")),
            factory,
        )
    }

    /// Makes members by `factory`, each with the options that `options` gives for its id.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_pool::{Context, ExitReason, GenServer, Servers};
    /// # struct Mailer;
    /// # impl GenServer for Mailer {
    /// #     type Msg = ();
    /// #     async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> { Ok(()) }
    /// # }
    /// use patterns_pool::ServerOptions;
    ///
    /// let mailers = Servers::with_options(
    ///     |id| ServerOptions::default().name(format!("mailer {id}")).bounded(100),
    ///     |_id| Mailer,
    /// );
    /// # let _ = mailers;
    /// ```
    #[must_use]
    pub fn with_options<S>(
        options: impl Fn(u64) -> ServerOptions + Send + Sync + 'static,
        factory: impl Fn(u64) -> S + Send + Sync + 'static,
    ) -> Self
    where
        S: GenServer<Msg = Msg>,
    {
        Self {
            start: Box::new(move |id| Box::pin(otp_core::start_with(factory(id), options(id)))),
        }
    }
}

impl<Msg: Send + 'static> Manager for Servers<Msg> {
    type Member = Worker<Msg>;
    type Error = Box<dyn Error + Send + Sync>;

    async fn create(&self, id: u64) -> Result<Worker<Msg>, Self::Error> {
        let server = (self.start)(id).await?;
        // Without its process nobody could tell that it has ended.
        let pid = server.pid().ok_or("it ended as soon as it had started")?;
        Ok(Worker {
            server,
            pid,
            id,
            unanswered: AtomicUsize::new(0),
        })
    }

    /// One that is at work still for somebody who has given up is no use to the next one.
    fn is_broken(&self, worker: &mut Worker<Msg>) -> bool {
        *worker.unanswered.get_mut() > 0
    }

    async fn close(&self, worker: Worker<Msg>) {
        let mut end = KilledUnlessEnded(Some(worker.pid));
        // How it ended is of no interest: it has.
        let _ = worker.server.stop_with(ExitReason::Shutdown).await;
        end.0 = None;
    }

    fn pid(&self, worker: &Worker<Msg>) -> Option<Pid> {
        Some(worker.pid.clone())
    }
}

/// The patience with a server that is asked to end: when this is dropped it is killed.
struct KilledUnlessEnded(Option<Pid>);

impl Drop for KilledUnlessEnded {
    fn drop(&mut self) {
        if let Some(pid) = &self.0 {
            pid.kill();
        }
    }
}

impl<Msg: Send + 'static> fmt::Debug for Servers<Msg> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Servers").finish_non_exhaustive()
    }
}

/// A server that is a member of a pool, as its borrower sees it.
pub struct Worker<Msg> {
    server: ServerRef<Msg>,
    pid: Pid,
    id: u64,
    /// Calls whose answer nobody waits for any more, and which the server may be working on.
    unanswered: AtomicUsize,
}

impl<Msg: Send + 'static> Worker<Msg> {
    /// Returns its number in the pool, which is never used again.
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }

    /// Returns its process, which may have ended.
    pub const fn pid(&self) -> &Pid {
        &self.pid
    }

    /// Sends a request and waits for its reply, for 5 s at most; see [`ServerRef::call`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is safe. The server may be at work on the request, so it is not lent to anybody else: it is
    /// replaced when it is given back, and stopped when it has done what it was asked.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::call`]. After [`CallError::Timeout`] it is not lent to anybody else either.
    pub async fn call<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> Msg,
    ) -> Result<T, CallError> {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        self.answered(self.server.call(request).await)
    }

    /// Sends a request and waits for its reply, for `timeout` at most; otherwise as [`call`](Self::call).
    ///
    /// # Cancel safety
    ///
    /// As [`call`](Self::call).
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub async fn call_timeout<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> Msg,
        timeout: Duration,
    ) -> Result<T, CallError> {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        self.answered(self.server.call_timeout(request, timeout).await)
    }

    fn answered<T>(&self, answer: Result<T, CallError>) -> Result<T, CallError> {
        if !matches!(answer, Err(CallError::Timeout)) {
            self.unanswered.fetch_sub(1, Ordering::Relaxed);
        }
        answer
    }

    /// Sends a message and goes on; see [`ServerRef::cast`]. What is not handled when the worker is given back keeps the next borrower
    /// waiting.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::cast`].
    pub fn cast(&self, message: Msg) -> Result<(), CastError<Msg>> {
        self.server.cast(message)
    }

    /// Returns the address itself, for what else it offers.
    ///
    /// A clone of it outlasts the guard. Whoever keeps one sends to a server that somebody else has by then, keeps it running when
    /// the pool has dropped it, and the pool knows nothing of its calls.
    pub const fn server_ref(&self) -> &ServerRef<Msg> {
        &self.server
    }
}

impl<Msg> fmt::Debug for Worker<Msg> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker")
            .field("id", &self.id)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}
