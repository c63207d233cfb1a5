//! Several limiters asked at once, all or nothing.

use std::any::Any;
use std::array;

use tokio::time::Instant;

pub(crate) use crate::shard::Before;
use crate::{Allowed, Denied, Refused};

/// A limiter that can be asked together with others: a [`RateLimiter`](crate::RateLimiter), or [one key](crate::KeyedRateLimiter::at) of a
/// [`KeyedRateLimiter`](crate::KeyedRateLimiter). Only this crate has some.
#[expect(private_bounds, reason = "what it takes to be one is this crate's")]
pub trait Level: Locked {}

/// What a level does while its lock is held. `state` is always what its own `locked`, or that of a level of the same order, has given.
pub(crate) trait Locked {
    /// Where the lock stands in the order of all locks; levels of the same order have the same lock.
    fn order(&self) -> (u64, usize);

    /// Takes the lock, and calls `work` once. Returns what is to be dropped when all locks are free.
    fn locked(&self, work: &mut dyn FnMut(&mut dyn Any)) -> Option<Box<dyn Any>>;

    fn take(
        &self,
        state: &mut dyn Any,
        moment: Instant,
        cost: u32,
    ) -> Result<(Allowed, Before), Denied>;

    fn look(&self, state: &mut dyn Any, moment: Instant, cost: u32) -> Result<(), Denied>;

    fn undo(&self, state: &mut dyn Any, before: Before);

    fn count(&self, state: &mut dyn Any, is_allowed: bool);

    /// Looks for room for another key. No lock is held.
    fn make_room(&self) {}
}

/// Takes `cost` tokens from each of several limiters, or from none of them.
///
/// That is how a request passes several quotas: of a user, of that user's tenant and of all; or ten a second and a thousand an hour. All locks are
/// held until it is decided: nobody ever sees a token missing because of a request that was refused in the end. Levels can be given in any order; the same one
/// twice takes twice, and each part says by itself why and until when it is refused. For costs that differ, and for a number of levels that is known only at run time, there is
/// [`consume_each`].
///
/// Each limiter that refuses counts a rejection, and no other counts anything. Those who wait at one of them are not overtaken.
///
/// # Errors
///
/// [`Refused`] names the first limiter that refuses, in the order given, and the longest wait of all that do.
///
/// # Examples
///
/// ```
/// use patterns_ratelimit::{KeyedRateLimiter, Quota, RateLimiter, consume_all};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users = KeyedRateLimiter::<String>::new(Quota::per_second(2))?;
/// let tenants = KeyedRateLimiter::<u32>::new(Quota::per_second(100))?;
/// let all = RateLimiter::new(Quota::per_second(1_000))?;
///
/// let (ada, acme) = (users.at("ada"), tenants.at(&7));
/// consume_all([&ada, &acme, &all], 2)?;
///
/// let refused = consume_all([&ada, &acme, &all], 1).unwrap_err();
/// assert_eq!(refused.level, 0);
/// assert_eq!(all.stats().tokens, 998); // nothing was taken for it
/// # Ok(())
/// # }
/// ```
pub fn consume_all<const N: usize>(
    levels: [&dyn Level; N],
    cost: u32,
) -> Result<[Allowed; N], Refused> {
    let levels = levels.map(|level| (level, cost));
    let mut order: [usize; N] = array::from_fn(|index| index);
    let mut allowed = [None; N];
    consume(&levels, &mut order, &mut allowed)?;
    let mut allowed = allowed.into_iter().flatten();
    Ok(array::from_fn(|_| match allowed.next() {
        Some(allowed) => allowed,
        None => unreachable!("each level that does not refuse allows"),
    }))
}

/// Takes from each of several limiters what is named with it, or nothing from any of them: a request from one, and its bytes from another. Otherwise as
/// [`consume_all`].
///
/// # Errors
///
/// As [`consume_all`].
///
/// # Examples
///
/// ```
/// use patterns_ratelimit::{Quota, RateLimiter, consume_each};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (requests, bytes) = (RateLimiter::new(Quota::per_second(10))?, RateLimiter::new(Quota::per_second(1 << 20))?);
/// let left = consume_each(&[(&requests, 1), (&bytes, 4_096)])?;
/// assert_eq!(left[0].remaining(), 9);
/// # Ok(())
/// # }
/// ```
pub fn consume_each(levels: &[(&dyn Level, u32)]) -> Result<Vec<Allowed>, Refused> {
    let mut order: Vec<usize> = (0..levels.len()).collect();
    let mut allowed = vec![None; levels.len()];
    consume(levels, &mut order, &mut allowed)?;
    Ok(allowed.into_iter().flatten().collect())
}

fn consume(
    levels: &[(&dyn Level, u32)],
    order: &mut [usize],
    allowed: &mut [Option<Allowed>],
) -> Result<(), Refused> {
    // The order of the locks, so that two who ask the same limiters do not wait for each other.
    order.sort_by_key(|index| levels[*index].0.order());
    let asked = ask(levels, order, allowed);
    let Err(Refused {
        denied: Denied::TooManyKeys { .. },
        ..
    }) = asked
    else {
        return asked;
    };
    // No lock is held here: whoever has no room for a key looks for some, and all are asked once more.
    for (level, _) in levels {
        level.make_room();
    }
    ask(levels, order, allowed)
}

fn ask(
    levels: &[(&dyn Level, u32)],
    order: &[usize],
    allowed: &mut [Option<Allowed>],
) -> Result<(), Refused> {
    let mut asking = Asking {
        levels,
        order,
        moment: Instant::now(),
        allowed,
        refused: None,
        garbage: Vec::new(),
    };
    asking.ask(0);
    asking.refused.map_or(Ok(()), Err)
}

struct Asking<'a> {
    levels: &'a [(&'a dyn Level, u32)],
    order: &'a [usize],
    moment: Instant,
    allowed: &'a mut [Option<Allowed>],
    refused: Option<Refused>,
    garbage: Vec<Box<dyn Any>>,
}

/// A taking that is undone unless it is kept, also when a panic of a key's `Eq` comes by.
struct Tentative<'a> {
    level: &'a dyn Level,
    state: &'a mut dyn Any,
    before: Option<Before>,
}

impl Drop for Tentative<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            self.level.undo(self.state, before);
        }
    }
}

impl Asking<'_> {
    /// Asks the level at this place of the order and all after it, each while the locks of those before are held.
    fn ask(&mut self, place: usize) {
        if let Some(&index) = self.order.get(place) {
            let garbage = self.levels[index]
                .0
                .locked(&mut |state| self.ask_locked(place, state));
            self.garbage.extend(garbage);
        }
    }

    fn ask_locked(&mut self, place: usize, state: &mut dyn Any) {
        let index = self.order[place];
        let (level, cost) = self.levels[index];
        let mut tentative = Tentative {
            level,
            state,
            before: None,
        };
        // Whoever comes after a refusal is only looked at, for the longest wait.
        let asked = if self.refused.is_none() {
            level.take(tentative.state, self.moment, cost).map(Some)
        } else {
            level
                .look(tentative.state, self.moment, cost)
                .map(|()| None)
        };
        match asked {
            Ok(taken) => {
                if let Some((allowed, before)) = taken {
                    self.allowed[index] = Some(allowed);
                    tentative.before = Some(before);
                }
            }
            Err(denied) => {
                level.count(tentative.state, false);
                self.refuse(index, denied);
            }
        }
        match self.order.get(place + 1) {
            Some(next) if self.levels[*next].0.order() == level.order() => {
                self.ask_locked(place + 1, tentative.state);
            }
            _ => self.ask(place + 1),
        }
        if self.refused.is_none() {
            tentative.before = None;
            level.count(tentative.state, true);
        }
    }

    fn refuse(&mut self, level: usize, denied: Denied) {
        self.refused = Some(match self.refused {
            None => Refused { level, denied },
            Some(before) => Refused {
                level: before.level.min(level),
                denied: before.denied.worse(denied),
            },
        });
    }
}
