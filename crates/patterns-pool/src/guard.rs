//! A member in the hands of a borrower.

use std::fmt;
use std::ops::{Deref, DerefMut};

use otp_core::contained::catch;

use crate::Manager;
use crate::keeper::Job;
use crate::ledger::{Key, Taken};
use crate::shared::Shared;
use crate::sync::Arc;

/// A member that was checked out. Dropping it gives the member back, whatever happened: an error, a panic, a cancelled future, an
/// aborted task.
///
/// It stands for the member by [`Deref`] and [`DerefMut`]; its own functions are called as `Guard::take(guard)`, so that they hide none
/// of the member's. It can be dropped anywhere, also on a thread without a runtime, and after the pool has ended: the member is
/// closed then. One that is forgotten (`std::mem::forget`) takes its place in the pool along for good; `leak_after` finds it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use patterns_pool::{Guard, Manager, Pool, PoolConfig};
/// # struct Buffers;
/// # impl Manager for Buffers {
/// #     type Member = Vec<u8>;
/// #     type Error = std::convert::Infallible;
/// #     async fn create(&self, _: u64) -> Result<Vec<u8>, Self::Error> { Ok(Vec::new()) }
/// # }
/// let pool = Pool::start(PoolConfig::default(), Buffers).await?;
/// let mut buffer = pool.checkout().await?;
/// buffer.extend_from_slice(b"as if it were the member itself");
/// assert_eq!(pool.info().in_use, 1);
///
/// drop(buffer);
/// assert_eq!(pool.info().in_use, 0);
/// # Ok(()) }
/// ```
#[must_use = "a member goes back as soon as its guard is dropped"]
pub struct Guard<M: Manager> {
    shared: Arc<Shared<M>>,
    key: Key,
    ticket: u64,
    /// `None` once it went elsewhere.
    member: Option<M::Member>,
    /// It is being checked, and goes if that is not brought to its end.
    unchecked: bool,
}

impl<M: Manager> Guard<M> {
    #[inline]
    pub(crate) fn new(shared: &Arc<Shared<M>>, taken: Taken<M::Member>, unchecked: bool) -> Self {
        Self {
            shared: Arc::clone(shared),
            key: taken.key,
            ticket: taken.ticket,
            member: Some(taken.value),
            unchecked,
        }
    }

    /// The place in the line that the borrower had.
    pub(crate) const fn ticket(&self) -> u64 {
        self.ticket
    }

    pub(crate) async fn is_well(&mut self) -> bool {
        let shared = &self.shared;
        match &mut self.member {
            Some(member) => shared.is_well(member).await,
            None => false,
        }
    }

    pub(crate) const fn accept(&mut self) {
        self.unchecked = false;
    }

    /// Returns the member's number in the pool, which is never used again.
    #[must_use]
    pub const fn id(guard: &Self) -> u64 {
        guard.key.id
    }

    /// Takes the member out of the pool for good. Its place is free, and another member is made if one is needed.
    ///
    /// The pool has nothing to do with it any more: it neither closes it nor takes it along.
    #[must_use = "the member is dropped if it is not used"]
    pub fn take(mut guard: Self) -> M::Member {
        let key = guard.key;
        if let Some(pid) = guard.shared.with(|ledger| ledger.detach(key)) {
            guard.shared.tell_keeper(Job::Forget(pid));
        }
        match guard.member.take() {
            Some(member) => member,
            None => unreachable!("only the drop takes it"),
        }
    }

    /// Gives the member back to be closed, and not lent again: for one that is in no order.
    pub fn discard(mut guard: Self) {
        guard.unchecked = true;
    }
}

impl<M: Manager> Drop for Guard<M> {
    #[inline]
    fn drop(&mut self) {
        let Some(mut member) = self.member.take() else {
            return;
        };
        let Self { shared, key, .. } = self;
        let key = *key;
        // This may run while a panic unwinds, so none may leave it.
        let broken =
            self.unchecked || catch(|| shared.manager.is_broken(&mut member)).unwrap_or(true);
        if broken {
            shared.with(|ledger| ledger.discard(key, member));
        } else {
            let now = shared.return_time();
            shared.with(|ledger| ledger.give_back(key, member, now));
        }
    }
}

impl<M: Manager> Deref for Guard<M> {
    type Target = M::Member;

    #[inline]
    fn deref(&self) -> &M::Member {
        self.member
            .as_ref()
            .expect("there until the guard is dropped")
    }
}

impl<M: Manager> DerefMut for Guard<M> {
    #[inline]
    fn deref_mut(&mut self) -> &mut M::Member {
        self.member
            .as_mut()
            .expect("there until the guard is dropped")
    }
}

impl<M: Manager> fmt::Debug for Guard<M>
where
    M::Member: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("id", &self.key.id)
            .field("member", &self.member)
            .finish_non_exhaustive()
    }
}
