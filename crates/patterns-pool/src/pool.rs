//! The handle: what a program does with a pool.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use otp_core::{Child, Pid, Recipient, ServerOptions, ServerRef, Shutdown, StopError};

use crate::closing::Away;
use crate::keeper::{Keeper, PoolMsg};
use crate::shared::{Shared, now};
use crate::sync::Arc;
use crate::{
    BadOption, CheckoutError, CreateError, Guard, Manager, MemberInfo, PoolConfig, PoolEvent,
    PoolInfo, PoolStats, StartError, TransactionError,
};

/// A pool of members (connections, clients, buffers, servers) that are lent one at a time, first come, first served.
///
/// A handle is cheap to clone, and all clones are one pool. Checking out and giving back work on shared state and cross no process.
/// A process of its own makes the members and keeps them in order. It ends with the last handle, or by [`stop`](Self::stop): members
/// that are idle are closed then, and those that borrowers have when they come back.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_pool::{Manager, Pool, PoolConfig};
///
/// struct Buffers;
///
/// impl Manager for Buffers {
///     type Member = Vec<u8>;
///     type Error = std::convert::Infallible;
///
///     async fn create(&self, _id: u64) -> Result<Vec<u8>, Self::Error> {
///         Ok(Vec::with_capacity(65_536))
///     }
/// }
///
/// let pool = Pool::start(PoolConfig { size: 2, ..PoolConfig::default() }, Buffers).await?;
/// let one = pool.checkout().await?;
/// let two = pool.checkout().await?;
/// assert!(pool.try_checkout().is_err());
///
/// drop(one);
/// assert!(pool.try_checkout().is_ok());
/// # drop(two);
/// # Ok(()) }
/// ```
#[must_use = "the pool ends when its last handle is dropped"]
pub struct Pool<M: Manager> {
    shared: Arc<Shared<M>>,
    keeper: ServerRef<PoolMsg>,
}

impl<M: Manager> Pool<M> {
    /// Starts a pool. Unless `warm_up` says otherwise, its first members are there when this returns.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no pool, and the members that were made are closed.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is out of its range, [`StartError::Create`] if a member could not be made, and
    /// [`StartError::Server`] if the process does not start, above all because the call is not made inside a tokio runtime.
    pub async fn start(config: PoolConfig, manager: M) -> Result<Self, StartError> {
        config.check()?;
        let options = ServerOptions::default().name(config.name.as_str());
        let shared = Shared::new(config, manager);
        let keeper = otp_core::start_with(Keeper::new(Arc::clone(&shared)), options).await;
        let keeper = keeper.map_err(|error| match &error {
            otp_core::StartError::Failed(reason) => match reason.downcast_ref::<CreateError>() {
                Some(cause) => StartError::Create(cause.clone()),
                None => StartError::Server(error),
            },
            _ => StartError::Server(error),
        })?;
        Ok(Self { shared, keeper })
    }

    /// Specifies a pool as a child of a supervisor of your own, and returns its handle, which is valid from now on and after each
    /// restart.
    ///
    /// Until the supervisor has started it, and while it is being restarted, checkouts fail with [`CheckoutError::Closed`]. Members that
    /// borrowers have over a restart count until they come back, and are closed then.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_pool::{Manager, Pool, PoolConfig};
    /// # struct Buffers;
    /// # impl Manager for Buffers {
    /// #     type Member = Vec<u8>;
    /// #     type Error = std::convert::Infallible;
    /// #     async fn create(&self, _: u64) -> Result<Vec<u8>, Self::Error> { Ok(Vec::new()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_pool::{Strategy, Supervisor};
    ///
    /// let (child, pool) = Pool::child("buffers", PoolConfig::default(), Buffers)?;
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    /// assert!(pool.checkout().await?.is_empty());
    /// tree.stop().await?;
    /// # Ok(()) }
    /// ```
    pub fn child(
        id: impl Into<Arc<str>>,
        config: PoolConfig,
        manager: M,
    ) -> Result<(Child<PoolMsg>, Self), BadOption> {
        config.check()?;
        // Each closing has its own limit. What is left after that and a little more does not deserve to be waited for.
        let patience = config.close_timeout.saturating_add(Duration::from_secs(1));
        let shared = Shared::new(config, manager);
        let kept = Arc::clone(&shared);
        let child = Child::server(id, move || Keeper::new(Arc::clone(&kept)))
            .shutdown(Shutdown::Timeout(patience))
            .forget_messages();
        let keeper = child.server_ref();
        Ok((child, Self { shared, keeper }))
    }

    /// Checks a member out, waiting for `checkout_timeout` at most (5 s unless set otherwise).
    ///
    /// An idle member is lent at once. Else the caller waits, first come, first served, for one that is given back or made. The
    /// place of the call is written down, for [`MemberInfo::taken_at`] and leak reports. It needs no runtime, unless a check has to wait
    /// for one of its own.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the line. A member that was given already goes to the next one.
    ///
    /// # Errors
    ///
    /// [`CheckoutError::Timeout`] with the cause, [`CheckoutError::Shed`] if the pool is overloaded and told to turn waiters away,
    /// [`CheckoutError::Closed`].
    #[track_caller]
    pub fn checkout(&self) -> impl Future<Output = Result<Guard<M>, CheckoutError>> + Send {
        self.checkout_timeout(self.shared.config.checkout_timeout)
    }

    /// Checks a member out, waiting for `timeout` at most; otherwise as [`checkout`](Self::checkout).
    ///
    /// Zero takes what is idle or fails; [`Duration::MAX`] waits without limit. The time is for waiting: the check of a
    /// member has its own, `check_timeout`.
    ///
    /// # Cancel safety
    ///
    /// As [`checkout`](Self::checkout).
    ///
    /// # Errors
    ///
    /// As [`checkout`](Self::checkout).
    #[track_caller]
    pub fn checkout_timeout(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<Guard<M>, CheckoutError>> + Send {
        let caller = Location::caller();
        self.shared.checkout(timeout, caller)
    }

    /// Takes an idle member without waiting, and without [`check`](Manager::check). It can be called from anywhere.
    ///
    /// If there is none, but room for one, one is made, for the next who asks.
    ///
    /// # Errors
    ///
    /// As [`checkout`](Self::checkout); the time in [`CheckoutError::Timeout`] is zero.
    #[track_caller]
    pub fn try_checkout(&self) -> Result<Guard<M>, CheckoutError> {
        self.shared.try_checkout(Location::caller())
    }

    /// Checks a member out, runs `work` with it, and gives it back, whatever becomes of `work`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops `work` and gives the member back.
    ///
    /// # Errors
    ///
    /// [`TransactionError::Checkout`] if there is no member: `work` was not begun. [`TransactionError::WorkerCrashed`] if the
    /// member is a server and had ended when `work` was done, whatever `work` returned.
    ///
    /// # Panics
    ///
    /// If `work` does. The member is given back.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_pool::{Manager, Pool, PoolConfig};
    /// # struct Buffers;
    /// # impl Manager for Buffers {
    /// #     type Member = Vec<u8>;
    /// #     type Error = std::convert::Infallible;
    /// #     async fn create(&self, _: u64) -> Result<Vec<u8>, Self::Error> { Ok(Vec::new()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::start(PoolConfig::default(), Buffers).await?;
    /// let length = pool
    ///     .transaction(async |buffer| {
    ///         buffer.extend_from_slice(b"hello");
    ///         buffer.len()
    ///     })
    ///     .await?;
    /// assert_eq!(length, 5);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn transaction<R>(
        &self,
        work: impl AsyncFnOnce(&mut M::Member) -> R,
    ) -> impl Future<Output = Result<R, TransactionError>> {
        let checkout = self.checkout();
        async move {
            let mut member = checkout.await?;
            // Watched from before `work`, or the reason would not be known after it.
            let process = self.shared.manager.pid(&member);
            let process = process.map(|pid| (pid.monitor(), pid));
            let result = work(&mut member).await;
            match process {
                Some((end, pid)) if !pid.is_alive() => {
                    Err(TransactionError::WorkerCrashed(end.await))
                }
                _ => Ok(result),
            }
        }
    }

    /// Looks at each idle member and closes those that `keep` does not want. Returns how many it closed.
    ///
    /// Meanwhile the idle members are not available: who comes waits for a moment. Those in use are left alone. If `keep` panics, the
    /// member that it looked at and those after it are closed.
    ///
    /// # Panics
    ///
    /// If `keep` does.
    pub fn retain(&self, mut keep: impl FnMut(&mut M::Member, &MemberInfo) -> bool) -> usize {
        let now = now();
        let away = self.shared.with(|ledger| {
            let away = ledger.take_away(usize::MAX, |_| true).into_iter();
            let away = away.map(|(key, member)| (key, member, ledger.member_info(key, now)));
            away.collect::<Vec<_>>()
        });
        // All are held by guards before the first one is looked at.
        let away: Vec<_> = away
            .into_iter()
            .map(|(key, member, info)| (Away::new(&self.shared, key, member), info))
            .collect();
        let mut closed = 0;
        for (mut member, info) in away {
            let kept = match (member.member(), info) {
                (Some(member), Some(info)) => keep(member, &info),
                _ => false,
            };
            closed += usize::from(!kept);
            member.back(kept);
        }
        closed
    }

    /// Sets how many members there are to be at most, but for the overflow; 1 or more.
    ///
    /// If there are more, idle ones are closed now, and others when they come back. If there is room for more, those are made for who
    /// waits, and as `min_idle` says.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if `size` is 0, or above 1,000,000 in a pool with `min_idle: None`.
    pub fn resize(&self, size: usize) -> Result<(), BadOption> {
        match self.shared.config.size_fault(size) {
            Some(allowed) => Err(BadOption {
                option: "size",
                allowed,
            }),
            None => {
                self.shared.with(|ledger| ledger.resize(size));
                Ok(())
            }
        }
    }

    /// Tells how the pool and each of its members is doing.
    #[must_use]
    pub fn info(&self) -> PoolInfo {
        let now = now();
        self.shared.with(|ledger| ledger.info(now))
    }

    /// Returns what the pool has counted.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        self.shared.with(|ledger| ledger.stats())
    }

    /// Returns the manager of its members.
    #[must_use]
    pub fn manager(&self) -> &M {
        &self.shared.manager
    }

    /// Returns the process that keeps the pool in order, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.keeper.pid()
    }

    /// Has everything that happens to members from now on told to `listener`.
    ///
    /// One whose mailbox is full misses events; one that has ended is forgotten. A member that the pool itself closes is no event, but counted.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Numbers;
    /// # impl patterns_pool::Manager for Numbers {
    /// #     type Member = u64;
    /// #     type Error = std::convert::Infallible;
    /// #     async fn create(&self, id: u64) -> Result<u64, Self::Error> { Ok(id) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_pool::{Guard, Pool, PoolConfig, PoolEvent, inbox};
    ///
    /// let pool = Pool::start(PoolConfig { size: 1, ..PoolConfig::default() }, Numbers).await?;
    /// let (listener, mut events) = inbox::<PoolEvent>();
    /// pool.listen(listener.recipient());
    /// Guard::discard(pool.checkout().await?);
    /// assert!(matches!(events.recv().await, Some(PoolEvent::Created { id: 2 })));
    /// # Ok(()) }
    /// ```
    pub fn listen(&self, listener: Recipient<PoolEvent>) {
        self.shared.listen(listener);
    }

    /// Stops the pool and waits until its process has ended and the members that were idle are closed.
    ///
    /// Who waits for a member is told [`CheckoutError::Closed`], and so is who comes later. Members that borrowers have stay theirs: each is
    /// closed when it is given back, and nobody waits for that. A pool that is a [`child`](Self::child) is to be stopped by its supervisor,
    /// which would otherwise start it again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if it has ended already.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.keeper.stop().await
    }
}

impl<M: Manager> Clone for Pool<M> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            keeper: self.keeper.clone(),
        }
    }
}

impl<M: Manager> fmt::Debug for Pool<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.shared.config.name)
            .field("info", &self.info())
            .finish()
    }
}
