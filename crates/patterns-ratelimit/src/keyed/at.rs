//! One key of a limiter: where somebody waits, what is reserved, a level among others.

use std::any::Any;
use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use tokio::time::Instant;

use crate::desk::{Entered, Turn};
use crate::levels::{Before, Level, Locked};
use crate::place::{Place, Settle, Taken};
use crate::shard::{Asked, Shard};
use crate::table::Table;
use crate::{Allowed, Denied};

/// A key, where it is.
pub(super) struct At<'a, K, Q: ?Sized> {
    table: &'a Table<K>,
    asked: Asked<'a, Q>,
}

impl<'a, K, Q: Hash + ?Sized> At<'a, K, Q> {
    pub(super) fn new(table: &'a Table<K>, key: &'a Q) -> Self {
        Self {
            table,
            asked: table.asked(key),
        }
    }
}

impl<K, Q> At<'_, K, Q>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    fn with<R>(&self, work: impl FnOnce(&mut Shard<K>, u64) -> R) -> R {
        let nanos = self.table.clock.now();
        let shard = self.table.shard_of(self.asked.hash);
        self.table.with(shard, |shard| work(shard, nanos))
    }

    /// Does something, and once more if there was no room for the key and a short search finds some.
    fn with_room<R>(
        &self,
        work: impl Fn(&mut Shard<K>, u64) -> Result<R, Denied>,
    ) -> Result<R, Denied> {
        match self.with(&work) {
            Err(Denied::TooManyKeys { .. }) => {
                self.table.make_room();
                self.with(&work)
            }
            done => done,
        }
    }

    /// Takes as `consume` does, and remembers that it may come back.
    pub(super) fn reserve(&self, tokens: u32) -> Result<Taken, Denied> {
        let taken = self.with_room(|shard, nanos| {
            let taken = shard.reserve(self.asked, nanos, tokens)?;
            shard.count(true);
            Ok(taken)
        });
        if taken.is_err() {
            self.with(|shard, _| shard.count(false));
        }
        taken
    }

    fn give_back(&self, taken: Taken, tokens: u32) {
        self.with(|shard, nanos| {
            shard.at_desk(self.asked, nanos, |desk| desk.refund(taken, tokens))
        })
        .settle();
    }
}

impl<K, Q> Place for At<'_, K, Q>
where
    K: Hash + Eq + Borrow<Q>,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    fn enter(&self, tokens: u32, longest: Duration) -> Entered {
        let entered = self.with_room(|shard, nanos| match shard.take(self.asked, nanos, tokens) {
            Ok((allowed, _)) => {
                shard.count(true);
                Ok(Entered::Granted(allowed))
            }
            Err(Denied::Limited { retry_after }) if retry_after > longest => {
                Ok(Entered::TooLong(retry_after))
            }
            Err(Denied::Limited { .. }) => Ok(Entered::Waits(
                shard.stand_in_line(self.asked, nanos, tokens),
            )),
            Err(denied) => Err(denied),
        });
        let entered = entered.unwrap_or_else(Entered::Denied);
        if matches!(entered, Entered::Denied(_) | Entered::TooLong(_)) {
            self.with(|shard, _| shard.count(false));
        }
        entered
    }

    fn turn(&self, ticket: u64, noted: bool, waker: Waker) -> Turn {
        let (turn, wakers) = self.with(|shard, nanos| {
            let (turn, wakers) =
                shard.at_desk(self.asked, nanos, |desk| desk.turn(ticket, noted, waker));
            match turn {
                Turn::Granted(_) => shard.count(true),
                Turn::Denied(_) => shard.count(false),
                Turn::In(_) | Turn::Behind => {}
            }
            (turn, wakers)
        });
        wakers.settle();
        turn
    }

    fn leave(&self, ticket: u64, is_refused: bool) -> Duration {
        let (wait, wakers) = self.with(|shard, nanos| {
            if is_refused {
                shard.count(false);
            }
            shard.at_desk(self.asked, nanos, |desk| {
                (desk.wait_of(ticket), desk.leave(ticket))
            })
        });
        wakers.settle();
        wait
    }

    fn give_back(&self, taken: Taken, tokens: u32) {
        At::give_back(self, taken, tokens);
    }
}

/// A key that is kept, with its limiter.
pub(super) struct OwnedAt<K> {
    table: Arc<Table<K>>,
    key: K,
}

impl<K: Hash + Eq> OwnedAt<K> {
    pub(super) fn new(table: Arc<Table<K>>, key: K) -> Self {
        Self { table, key }
    }
}

impl<K: Hash + Eq + Clone> Settle for OwnedAt<K> {
    fn refund(&self, taken: Taken, tokens: u32) {
        At::new(&self.table, &self.key).give_back(taken, tokens);
    }

    fn charge(&self, tokens: u32) {
        let at = At::new(&self.table, &self.key);
        // Without room for the key, which was forgotten meanwhile, nobody knows it any more.
        let _ = at.with_room(|shard, nanos| shard.charge(at.asked, nanos, tokens));
    }
}

/// One key of a [`KeyedRateLimiter`](crate::KeyedRateLimiter), to be asked together with other limiters by [`consume_all`](crate::consume_all).
pub struct KeyLevel<'a, K, Q: ?Sized> {
    at: At<'a, K, Q>,
}

impl<'a, K, Q: ?Sized> KeyLevel<'a, K, Q> {
    pub(super) fn new(at: At<'a, K, Q>) -> Self {
        Self { at }
    }
}

impl<K, Q: ?Sized> fmt::Debug for KeyLevel<'_, K, Q> {
    /// Shows no key, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyLevel").finish_non_exhaustive()
    }
}

impl<K, Q> Level for KeyLevel<'_, K, Q>
where
    K: Hash + Eq + Borrow<Q> + 'static,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
}

impl<K, Q> Locked for KeyLevel<'_, K, Q>
where
    K: Hash + Eq + Borrow<Q> + 'static,
    Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
{
    fn order(&self) -> (u64, usize) {
        (self.at.table.id, self.at.table.shard_of(self.at.asked.hash))
    }

    fn locked(&self, work: &mut dyn FnMut(&mut dyn Any)) -> Option<Box<dyn Any>> {
        let shard = self.at.table.shard_of(self.at.asked.hash);
        let ((), garbage) = self.at.table.with_garbage(shard, |shard| work(shard));
        (!garbage.is_empty()).then(|| Box::new(garbage) as Box<dyn Any>)
    }

    fn take(
        &self,
        state: &mut dyn Any,
        moment: Instant,
        cost: u32,
    ) -> Result<(Allowed, Before), Denied> {
        shard(state).take(self.at.asked, self.at.table.clock.at(moment), cost)
    }

    fn look(&self, state: &mut dyn Any, moment: Instant, cost: u32) -> Result<(), Denied> {
        let nanos = self.at.table.clock.at(moment);
        shard::<K>(state).at_desk(self.at.asked, nanos, |desk| desk.look(cost))
    }

    fn undo(&self, state: &mut dyn Any, before: Before) {
        shard::<K>(state).undo(self.at.asked, before);
    }

    fn count(&self, state: &mut dyn Any, is_allowed: bool) {
        shard::<K>(state).count(is_allowed);
    }

    fn make_room(&self) {
        self.at.table.make_room();
    }
}

/// What the lock of a shard guards.
fn shard<K: 'static>(state: &mut dyn Any) -> &mut Shard<K> {
    match state.downcast_mut() {
        Some(shard) => shard,
        None => unreachable!("it is what `locked` gave"),
    }
}
