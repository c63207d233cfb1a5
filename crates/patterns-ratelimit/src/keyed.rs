//! The handle of a limiter with a bucket for each key.

mod at;

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use otp_core::ServerRef;

pub use at::KeyLevel;
use at::{At, OwnedAt};

use crate::desk::Wakers;
use crate::server::{RateLimitMsg, Server};
use crate::table::Table;
use crate::waiting::until_ready;
use crate::{
    Allowed, BadOption, Child, Denied, KeyedConfig, KeyedStats, Pid, Quota, Reservation,
    StartError, StopError, WaitError, WaitOptions,
};

/// A rate limiter with a quota for each key: a user, an address, a tenant.
///
/// A handle is cheap to clone, and all clones are one limiter. Checks are plain functions, cross no process, and work from threads and sync code without a
/// runtime. A key is remembered from its first request until its tokens are all back; then it says no more than a key that never was, and is forgotten: a few by
/// each new key, and all that are idle by the process that [`start`](Self::start) makes.
///
/// # User code under a lock
///
/// `K`'s `Eq` and `Clone`, and `Hash` when the table grows or a key has a line or a quota of its own, run while a shard of the keys is locked. They must not use the same
/// limiter, or they may wait for themselves for ever. A panic in one reaches the caller, and the limiter stays whole and usable. `Drop` runs outside the
/// locks.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_ratelimit::{KeyedRateLimiter, Quota};
///
/// let logins = KeyedRateLimiter::<String>::start(Quota::per_minute(5)).await?;
/// for _ in 0..5 {
///     assert!(logins.allow("ada"));
/// }
/// assert!(!logins.allow("ada"));
/// assert!(logins.allow("grace"));
/// # Ok(())
/// # }
/// ```
#[must_use = "the limiter ends when its last handle is dropped"]
pub struct KeyedRateLimiter<K> {
    table: Arc<Table<K>>,
    /// `None` if it was made without a process.
    server: Option<ServerRef<RateLimitMsg>>,
}

impl<K> KeyedRateLimiter<K>
where
    K: Hash + Eq + Send + Sync + 'static,
{
    /// Makes a limiter without a process, for which no runtime is needed. New keys alone take care that idle ones are forgotten.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is outside its range.
    pub fn new(config: impl Into<KeyedConfig>) -> Result<Self, BadOption> {
        Ok(Self {
            table: table(&config.into())?,
            server: None,
        })
    }

    /// Starts a limiter, and the process that forgets idle keys.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is outside its range, and why its process did not start, above all [`StartError::NoRuntime`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no limiter, and its process ends.
    pub async fn start(config: impl Into<KeyedConfig>) -> Result<Self, StartError> {
        let config = config.into();
        let table = table(&config)?;
        let server = Server::new(Arc::downgrade(&table), config.sweep_interval);
        let server = otp_core::start(server).await?;
        Ok(Self {
            table,
            server: Some(server),
        })
    }

    /// Makes a limiter whose process is a child of a supervisor.
    ///
    /// The limiter can be used at once. Its keys are in the handles and not in the process, so a restart of that loses none.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is outside its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_ratelimit::{Strategy, Supervisor};
    /// use patterns_ratelimit::{KeyedRateLimiter, Quota};
    ///
    /// let (child, users) = KeyedRateLimiter::<u64>::child("users", Quota::per_second(5))?;
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    /// assert!(users.allow(&7));
    /// tree.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn child(
        id: impl Into<Arc<str>>,
        config: impl Into<KeyedConfig>,
    ) -> Result<(Child<RateLimitMsg>, Self), BadOption> {
        let config = config.into();
        let table = table(&config)?;
        let (weak, interval) = (Arc::downgrade(&table), config.sweep_interval);
        let child = Child::server(id, move || Server::new(weak.clone(), interval));
        let server = Some(child.server_ref());
        Ok((child, Self { table, server }))
    }
}

fn table<K>(config: &KeyedConfig) -> Result<Arc<Table<K>>, BadOption> {
    config.check()?;
    let gcra = config.quota.compile()?;
    Ok(Arc::new(Table::new(config, gcra)))
}

impl<K> KeyedRateLimiter<K> {
    /// Returns the number of keys that are remembered; some of them may be idle, and about to be forgotten.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Says whether no key is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the keys that are remembered, in no order, as a snapshot of one shard after the other.
    #[must_use]
    pub fn keys(&self) -> Vec<K>
    where
        K: Clone,
    {
        self.table.keys()
    }

    /// Returns what the limiter has counted, and how many keys it remembers. It looks into each shard.
    #[must_use]
    pub fn stats(&self) -> KeyedStats {
        self.table.stats()
    }

    /// Sets what was counted back to zero. The tokens stay.
    pub fn reset_stats(&self) {
        self.table.reset_stats();
    }

    /// Returns the quota of all keys that have none of their own.
    #[must_use]
    pub fn quota(&self) -> Quota {
        self.table.quota()
    }

    /// Ends the process and waits for its end. Without one, as [`new`](Self::new) makes it, there is nothing to do.
    ///
    /// The limiter itself goes on, for every handle: only new keys forget idle ones then. One that is a [child](Self::child) is to be stopped by its
    /// supervisor, which would otherwise start its process again.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if it has ended already.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped after it was first polled, the process still ends.
    pub async fn stop(&self) -> Result<(), StopError> {
        match &self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }

    /// Returns the process that forgets idle keys, if it runs; without one, `None`.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.server.as_ref().and_then(ServerRef::pid)
    }
}

impl<K: Hash + Eq> KeyedRateLimiter<K> {
    /// Takes one token of a key. Says whether it was there.
    #[must_use = "a refused request is not to be served"]
    pub fn allow<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.table.allows(key, 1)
    }

    /// Takes `cost` tokens of a key, all or none. A cost of zero takes nothing.
    ///
    /// # Errors
    ///
    /// [`Denied::Limited`] if they are not there, which says when to try again; [`Denied::Impossible`] if they never will be; and
    /// [`Denied::TooManyKeys`] if the key is not remembered and there is no room for it.
    #[inline]
    pub fn consume<Q>(&self, key: &Q, cost: u32) -> Result<Allowed, Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.table.consume(key, cost)
    }

    /// Looks whether `cost` tokens of a key could be taken now. Takes, counts and remembers nothing, and so does not ask whether there is room for the key.
    ///
    /// # Errors
    ///
    /// [`Denied::Limited`] and [`Denied::Impossible`], as [`consume`](Self::consume).
    pub fn check<Q>(&self, key: &Q, cost: u32) -> Result<(), Denied>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let asked = self.table.asked(key);
        let nanos = self.table.clock.now();
        let shard = self.table.shard_of(asked.hash);
        self.table.with(shard, |shard| {
            shard.at_desk(asked, nanos, |desk| desk.look(cost))
        })
    }

    /// Returns how many tokens a key has now, rounded down, without those that somebody waits for.
    #[must_use]
    pub fn tokens<Q>(&self, key: &Q) -> u32
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let asked = self.table.asked(key);
        let nanos = self.table.clock.now();
        let shard = self.table.shard_of(asked.hash);
        self.table.with(shard, |shard| {
            shard.at_desk(asked, nanos, |desk| desk.left())
        })
    }

    /// Takes `cost` tokens of a key, of which what is not used goes back.
    ///
    /// # Errors
    ///
    /// As [`consume`](Self::consume).
    pub fn try_reserve<Q>(&self, key: &Q, cost: u32) -> Result<Reservation, Denied>
    where
        K: Borrow<Q> + Clone + Send + Sync + 'static,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        // Before anything is taken, for it is the program's code.
        let owned = key.to_owned();
        let taken = At::new(&self.table, key).reserve(cost)?;
        let place = OwnedAt::new(Arc::clone(&self.table), owned);
        Ok(Reservation::new(Arc::new(place), taken, cost))
    }

    /// Waits until there is a token of a key, and takes it: first come, first served. Who comes later and does not wait gets only what those who
    /// wait leave.
    ///
    /// # Errors
    ///
    /// [`WaitError::Denied`] if it can never be or there is no room for the key, and [`WaitError::NoTimers`] if it has to wait and there is no tokio runtime
    /// with timers.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, its place in the line is free, and nothing was taken.
    pub async fn until_ready<Q>(&self, key: &Q) -> Result<Allowed, WaitError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.until_ready_with(key, 1, WaitOptions::default()).await
    }

    /// Waits until there are `cost` tokens of a key, and takes them, with a limit on how long that may take, and jitter.
    ///
    /// # Errors
    ///
    /// As [`until_ready`](Self::until_ready), and [`WaitError::Timeout`] if it takes longer than it may: at once, if that is known at once.
    ///
    /// # Cancel safety
    ///
    /// As [`until_ready`](Self::until_ready). During the jitter the tokens are taken already, and go back.
    pub async fn until_ready_with<Q>(
        &self,
        key: &Q,
        cost: u32,
        options: WaitOptions,
    ) -> Result<Allowed, WaitError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        until_ready(&At::new(&self.table, key), cost, options).await
    }

    /// Names one key as a level for [`consume_all`](crate::consume_all).
    pub fn at<'a, Q>(&'a self, key: &'a Q) -> KeyLevel<'a, K, Q>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        KeyLevel::new(At::new(&self.table, key))
    }

    /// Gives all keys that have no quota of their own another one, at once. What is owed stays owed, in tokens, but never more than the new capacity; whoever waits,
    /// waits by the new one.
    ///
    /// It goes through all keys, one shard after the other, during which those who ask a key of that shard wait: some 10 ns for each of its keys.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if the quota is outside its range; the old one stays.
    pub fn set_quota(&self, quota: Quota) -> Result<(), BadOption> {
        let gcra = quota.compile()?;
        self.table.set_quota(quota, gcra);
        Ok(())
    }

    /// Gives a key a quota of its own, at once, as [`set_quota`](Self::set_quota) does for all others; `None` takes it away.
    ///
    /// It is kept until it is taken away, whether the key is remembered or not, and does not count for `max_keys`: give them to keys that you know, not to all that come.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if the quota is outside its range; the old one stays.
    pub fn set_quota_of<Q>(&self, key: &Q, quota: Option<Quota>) -> Result<(), BadOption>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let quota = match quota {
            Some(quota) => Some((quota, quota.compile()?)),
            None => None,
        };
        let asked = self.table.asked(key);
        let nanos = self.table.clock.now();
        let shard = self.table.shard_of(asked.hash);
        let wakers = self
            .table
            .with(shard, |shard| shard.set_quota_of(asked, nanos, quota));
        wakers.settle();
        Ok(())
    }

    /// Returns the quota of a key: its own, or that of all.
    #[must_use]
    pub fn quota_of<Q>(&self, key: &Q) -> Quota
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let asked = self.table.asked(key);
        let shard = self.table.shard_of(asked.hash);
        let own = self.table.with(shard, |shard| shard.quota_of(key));
        own.unwrap_or_else(|| self.table.quota())
    }

    /// Gives a key all its tokens back. What was counted stays. A key that is not remembered has them all, and stays forgotten.
    pub fn reset<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let asked = self.table.asked(key);
        let shard = self.table.shard_of(asked.hash);
        let wakers: Wakers = self.table.with(shard, |shard| shard.reset(asked));
        wakers.settle();
    }

    /// Gives all keys all their tokens back, one shard after the other, and forgets them. Quotas of their own stay.
    pub fn reset_all(&self) {
        self.table.reset_all();
    }
}

impl<K> Clone for KeyedRateLimiter<K> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            server: self.server.clone(),
        }
    }
}

impl<K> fmt::Debug for KeyedRateLimiter<K> {
    /// Shows no keys, and takes the lock of none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimiter")
            .field("quota", &self.table.quota())
            .finish_non_exhaustive()
    }
}
