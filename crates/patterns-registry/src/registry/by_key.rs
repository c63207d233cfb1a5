//! Calls and casts by key, which start the worker where there is none.

use std::borrow::Borrow;
use std::hash::Hash;
use std::time::Duration;

use otp_core::{CallError, CastError, ReplyTo};
use tokio::time::{Instant, timeout as within};

use super::WorkerRegistry;
use crate::{CallWorkerError, CastWorkerError};

/// How long a call by key takes at most unless told otherwise: as long as in OTP.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// How many workers a cast tries before it gives its message back.
const CAST_ATTEMPTS: usize = 16;

impl<K, M, V> WorkerRegistry<K, M, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Default + Send + Sync + 'static,
{
    /// Sends a request to the worker of a key, which is started if there is none, and waits for its reply; for 5 s at
    /// most, the start included.
    ///
    /// `request` makes the message of the [`ReplyTo`]: a variant's own constructor, or a closure where there is more to say.
    /// A worker that is being restarted or stopped is waited for, and in the latter case a new one is started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is safe at any time: a start that it began goes on, and a request that was sent may still be
    /// handled.
    ///
    /// # Errors
    ///
    /// [`CallWorkerError::Start`] if there is no worker and none could be started. [`CallWorkerError::Call`] as
    /// [`ServerRef::call`](otp_core::ServerRef::call): [`CallError::Timeout`] also if the worker has not started in
    /// time; [`CallError::NoProc`] or [`CallError::Exited`] if the worker ends before it has handled the request, which is
    /// not sent to another one.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_registry::{Context, ExitReason, GenServer, RegistryConfig, WorkerRegistry, ReplyTo};
    /// # struct Account(i64);
    /// enum Msg { Pay(i64, ReplyTo<i64>) }
    /// # impl GenServer for Account {
    /// #     type Msg = Msg;
    /// #     async fn handle(&mut self, Msg::Pay(cents, reply): Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
    /// #         self.0 += cents;
    /// #         reply.send(self.0);
    /// #         Ok(())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let accounts = WorkerRegistry::start(RegistryConfig::default(), |_: &u32| Account(0)).await?;
    /// assert_eq!(accounts.call(&17, |reply| Msg::Pay(250, reply)).await?, 250);
    /// # Ok(()) }
    /// ```
    pub async fn call<Q, T>(
        &self,
        key: &Q,
        request: impl FnOnce(ReplyTo<T>) -> M,
    ) -> Result<T, CallWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        T: Send + 'static,
    {
        self.call_timeout(key, request, DEFAULT_TIMEOUT).await
    }

    /// Sends a request to the worker of a key, for `timeout` at most, the start included; otherwise as [`call`](WorkerRegistry::call).
    ///
    /// `Duration::MAX` waits without limit.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](WorkerRegistry::call).
    ///
    /// # Errors
    ///
    /// As [`call`](WorkerRegistry::call).
    pub async fn call_timeout<Q, T>(
        &self,
        key: &Q,
        request: impl FnOnce(ReplyTo<T>) -> M,
        timeout: Duration,
    ) -> Result<T, CallWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        T: Send + 'static,
    {
        let hash = self.core.table.hash(key);
        let (worker, left) = match self.ready(hash, key) {
            Some(worker) => (worker, timeout),
            None => {
                let begun = Instant::now();
                let worker = match within(timeout, self.ensure(hash, key, V::default)).await {
                    Ok(worker) => worker.map_err(CallWorkerError::Start)?,
                    Err(_) => return Err(CallWorkerError::Call(CallError::Timeout)),
                };
                let left = match timeout {
                    Duration::MAX => Duration::MAX,
                    timeout => timeout.saturating_sub(begun.elapsed()),
                };
                (worker, left)
            }
        };
        // The worker, and so the lease of it, is held until the reply is there.
        let reply = worker.server.call_timeout(request, left).await;
        reply.map_err(CallWorkerError::Call)
    }

    /// Sends a message to the worker of a key, which is started if there is none. `Ok` means accepted, not handled.
    ///
    /// It waits for a start, a restart or a stop of the worker, without limit, and for nothing else.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the message if it is not sent yet. A start that it began goes on.
    ///
    /// # Errors
    ///
    /// Gives the message back: [`CastWorkerError::Start`] if there is no worker and none could be started,
    /// [`CastWorkerError::Full`] if its mailbox is full, [`CastWorkerError::Ended`] if one worker after the other
    /// started and ended again at once.
    pub async fn cast<Q>(&self, key: &Q, message: M) -> Result<(), CastWorkerError<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.core.table.hash(key);
        let mut message = message;
        for _ in 0..CAST_ATTEMPTS {
            let worker = match self.ready(hash, key) {
                Some(worker) => worker,
                None => match self.ensure(hash, key, V::default).await {
                    Ok(worker) => worker,
                    Err(error) => return Err(CastWorkerError::Start { error, message }),
                },
            };
            message = match worker.server.cast(message) {
                Ok(()) => return Ok(()),
                Err(CastError::Full(message)) => return Err(CastWorkerError::Full(message)),
                // It has ended since it was found, which the table knows by now.
                Err(CastError::NoProc(message)) => message,
            };
        }
        Err(CastWorkerError::Ended(message))
    }
}
