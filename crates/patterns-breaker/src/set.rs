//! A breaker for each key: for each host, say.

mod kept;

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use crate::sync::{Arc, Mutex};
use crate::{BadOption, Breaker, BreakerConfig, Hooks, Transition};
use kept::Kept;

/// A breaker for each key, made when it is first asked for, of which there are never more than a given number.
///
/// A handle is cheap to clone, and all clones are one set. When there is no room for a new key, the breaker goes that was asked for
/// longest ago, of those that are closed and whose last call has not failed; if there is none of these, of all. Handles of
/// it that are out go on working, but count for themselves: who asks for the key again gets a new breaker, closed.
/// So a set should have room for all keys that are in use at the same time.
///
/// A large set is dealt out to up to 16 parts by the hashes of its keys, of 256 keys or more each. Each part has a lock of its
/// own, and its part of the room.
///
/// # User code under a lock
///
/// `K`'s `Eq` and `Clone` run while a part of the set is locked, and must not use the same set. `Hash` and `Drop` of keys run
/// outside the locks.
///
/// # Examples
///
/// ```
/// use patterns_breaker::{BreakerConfig, BreakerSet, State};
///
/// let hosts: BreakerSet<String> = BreakerSet::new(BreakerConfig::default(), 1_000)?;
/// hosts.get("db-1").trip();
/// assert_eq!(hosts.get("db-1").state(), State::Open);
/// assert_eq!(hosts.get("db-2").state(), State::Closed);
/// # Ok::<(), patterns_breaker::BadOption>(())
/// ```
pub struct BreakerSet<K> {
    inner: Arc<Inner<K>>,
}

type Listener<K> = dyn Fn(&K, &Transition) + Send + Sync;

struct Inner<K> {
    config: BreakerConfig,
    listener: Option<Arc<Listener<K>>>,
    hasher: DefaultHashBuilder,
    /// A power of two of them.
    parts: Box<[Mutex<Kept<K>>]>,
}

/// What a [`BreakerSet`] has counted. Each breaker that was created is kept, evicted or removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerSetStats {
    /// How many breakers there are.
    pub keys: usize,
    /// How many were made.
    pub created: u64,
    /// How many had to go because there was no room.
    pub evicted: u64,
    /// How many of the evicted were open, or half-open, or had a failure that counted. More than a few of them
    /// mean that the set is too small.
    pub evicted_hot: u64,
    /// How many were removed by [`remove`](BreakerSet::remove).
    pub removed: u64,
}

/// As many keys a part has room for at least, if there is more than one.
const SMALLEST_PART: usize = 256;
const MOST_PARTS: usize = 16;

impl<K> BreakerSet<K> {
    /// Makes an empty set whose breakers all have these options, and that holds `max_keys` of them at most, 1 or more.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    pub fn new(config: BreakerConfig, max_keys: usize) -> Result<Self, BadOption> {
        Self::build(config, max_keys, None)
    }

    /// Makes an empty set whose listener is told of each change of state, with the key; otherwise as [`new`](Self::new).
    ///
    /// What holds for [`Hooks::on_change`] holds here, for each breaker by itself.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_listener(
        config: BreakerConfig,
        max_keys: usize,
        listener: impl Fn(&K, &Transition) + Send + Sync + 'static,
    ) -> Result<Self, BadOption> {
        Self::build(config, max_keys, Some(Arc::new(listener)))
    }

    fn build(
        config: BreakerConfig,
        max_keys: usize,
        listener: Option<Arc<Listener<K>>>,
    ) -> Result<Self, BadOption> {
        config.check()?;
        if max_keys == 0 {
            return Err(BadOption {
                option: "max_keys",
                allowed: "1 or more",
            });
        }
        let parts = parts(max_keys);
        let room = |part| max_keys / parts + usize::from(part < max_keys % parts);
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                listener,
                hasher: DefaultHashBuilder::default(),
                parts: (0..parts)
                    .map(|part| Mutex::new(Kept::new(room(part))))
                    .collect(),
            }),
        })
    }

    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> (u64, &Mutex<Kept<K>>) {
        let hash = self.inner.hasher.hash_one(key);
        // The table looks at the lowest and the highest bits.
        let bits = usize::try_from((hash >> 32) & u64::from(u16::MAX)).unwrap_or(0);
        (hash, &self.inner.parts[bits & (self.inner.parts.len() - 1)])
    }

    /// Returns how many breakers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner.parts.iter().map(|part| part.lock().len()).sum()
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns what it has counted.
    #[must_use]
    pub fn stats(&self) -> BreakerSetStats {
        let mut sum = BreakerSetStats::default();
        for part in &self.inner.parts {
            let stats = part.lock().stats();
            sum.keys += stats.keys;
            sum.created += stats.created;
            sum.evicted += stats.evicted;
            sum.evicted_hot += stats.evicted_hot;
            sum.removed += stats.removed;
        }
        sum
    }
}

impl<K: Hash + Eq> BreakerSet<K> {
    /// Returns the breaker of a key, which is made if there is none.
    #[must_use]
    pub fn get<Q>(&self, key: &Q) -> Breaker
    where
        K: Borrow<Q> + Send + Sync + 'static,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let (hash, part) = self.part(key);
        let is_it = |other: &K| other.borrow() == key;
        if let Some(found) = part.lock().get(hash, is_it) {
            return found;
        }
        // Keys are copied, and breakers made and dropped, outside the lock. If another thread was faster, its breaker is the one.
        let (owned, breaker) = (key.to_owned(), self.make(key));
        let mut part = part.lock();
        if let Some(found) = part.get(hash, is_it) {
            drop(part);
            return found;
        }
        let gone = part.insert(hash, owned, breaker.clone());
        drop(part);
        drop(gone);
        breaker
    }

    fn make<Q>(&self, key: &Q) -> Breaker
    where
        K: Send + Sync + 'static,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        let hooks = match &self.inner.listener {
            None => Hooks::new(),
            Some(listener) => {
                let (listener, key) = (Arc::clone(listener), key.to_owned());
                Hooks::new().on_change(move |change| listener(&key, change))
            }
        };
        Breaker::checked(self.inner.config, hooks)
    }

    /// Returns the breaker of a key if there is one, without counting that as use.
    #[must_use]
    pub fn peek<Q>(&self, key: &Q) -> Option<Breaker>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (hash, part) = self.part(key);
        let part = part.lock();
        part.peek(hash, |other| other.borrow() == key)
    }

    /// Takes the breaker of a key out and returns it. Who asks for the key again gets a new one.
    pub fn remove<Q>(&self, key: &Q) -> Option<Breaker>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (hash, part) = self.part(key);
        let mut part = part.lock();
        let (gone, breaker) = part.remove(hash, |other| other.borrow() == key)?;
        drop(part);
        drop(gone);
        Some(breaker)
    }
}

impl<K: Clone> BreakerSet<K> {
    /// Returns all keys, in no particular order.
    #[must_use]
    pub fn keys(&self) -> Vec<K> {
        self.breakers().into_iter().map(|(key, _)| key).collect()
    }

    /// Returns all keys with their breakers, in no particular order.
    #[must_use]
    pub fn breakers(&self) -> Vec<(K, Breaker)> {
        let mut all = Vec::new();
        for part in &self.inner.parts {
            part.lock().collect(&mut all);
        }
        all
    }
}

fn parts(max_keys: usize) -> usize {
    let most = (max_keys / SMALLEST_PART).clamp(1, MOST_PARTS);
    // The power of two that is not more.
    1 << most.ilog2()
}

impl<K> Clone for BreakerSet<K> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K> fmt::Debug for BreakerSet<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BreakerSet").field(&self.stats()).finish()
    }
}
