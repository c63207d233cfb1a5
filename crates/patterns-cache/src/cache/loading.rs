//! Loading what is not there, and computing what becomes of a key.

use std::borrow::Borrow;
use std::hash::Hash;

use super::Cache;
use crate::nesting;
use crate::server::{CacheMsg, Msg};
use crate::table::{Found, Lead};
use crate::{Compute, Loaded, Source};

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// Returns the key's value, and loads it if it is not there. However many ask for a missing key at
    /// the same time, one of them loads it and the others wait for that.
    ///
    /// The load is a closure that makes a future; it returns a value, or a [`Loaded`] with a time to
    /// live of its own. What it brings is put before anybody gets it. If the entry is put, deleted or
    /// cleared while it is being loaded, that is newer: those who wait get what was loaded, but it is
    /// not stored, and who asks after the change begins a load of their own.
    ///
    /// An error is the caller's alone and is not kept. One of those who wait then begins with its own
    /// load, and the rest wait for that. It is the same if the load panics, or if the future
    /// that runs it is dropped. So a key whose load fails is loaded by one at a time, never by all at
    /// once; to spare those who wait, let errors be values too, with
    /// [`get_or_try_load`](Cache::get_or_try_load).
    ///
    /// A load may ask for other keys. Two that wait for each other's key do so for ever, as two locks
    /// would; put a time-out around loads that could.
    ///
    /// # Errors
    ///
    /// What the load returned, if it was this call's.
    ///
    /// # Panics
    ///
    /// If the load asks for the very key that it loads, which would wait for itself. A panic of the
    /// load reaches its caller.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, its load is dropped, and one of those who wait begins another.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::io;
    /// use patterns_cache::{Cache, CacheConfig};
    ///
    /// async fn fetch(page: &str) -> io::Result<String> {
    ///     Ok(format!("<h1>{page}</h1>"))
    /// }
    ///
    /// let pages: Cache<String, String> = Cache::start(CacheConfig::default()).await?;
    /// let page = pages.get_or_load("about", || fetch("about")).await?;
    /// assert_eq!(page, "<h1>about</h1>");
    /// assert_eq!(pages.get("about"), Some(page));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_load<Q, F, Fut, L, E>(&self, key: &Q, load: F) -> Result<V, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<L, E>>,
        L: Into<Loaded<V>>,
    {
        let (value, _) = self.get_or_load_with_source(key, load).await?;
        Ok(value)
    }

    /// Does as [`get_or_load`](Self::get_or_load), and says where the value came from: never
    /// [`Source::Stale`].
    ///
    /// # Errors
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Panics
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Cancel safety
    ///
    /// As [`get_or_load`](Self::get_or_load).
    pub async fn get_or_load_with_source<Q, F, Fut, L, E>(
        &self,
        key: &Q,
        load: F,
    ) -> Result<(V, Source), E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<L, E>>,
        L: Into<Loaded<V>>,
    {
        let mut first = true;
        loop {
            match self.table.join(key, false, std::mem::take(&mut first)) {
                // Only asked for where stale values are taken.
                Found::Live(value) | Found::Stale(value, _) => return Ok((value, Source::Fresh)),
                Found::Missing(lead) => return run(lead, load).await,
                Found::Flying(flight) => {
                    assert_not_inside(&flight);
                    if let Some(value) = flight.wait().await.value() {
                        self.table.count_coalesced();
                        return Ok((value.clone(), Source::Coalesced));
                    }
                }
            }
        }
    }

    /// Does to a key what `compute` says of its live value, if it has one, as one step: no other
    /// `compute` and no load of the key runs meanwhile, and `compute` is asked again if the entry was
    /// put or deleted since it was given the value. Returns the value that the key then has.
    ///
    /// It runs outside the locks, may take its time, and may use the cache, but for this key in a load
    /// or another `compute`.
    ///
    /// # Panics
    ///
    /// If `compute` loads or computes the very key that it is for. A panic of `compute` reaches its
    /// caller, and nothing has changed.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before it is done, nothing has changed.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_cache::{Cache, CacheConfig, Compute};
    ///
    /// let visits: Cache<String, u32> = Cache::start(CacheConfig::default()).await?;
    /// for _ in 0..3 {
    ///     visits.compute("ada", async |visits| Compute::Put(visits.unwrap_or(0) + 1)).await;
    /// }
    /// assert_eq!(visits.get("ada"), Some(3));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn compute<Q, F, Fut>(&self, key: &Q, mut compute: F) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnMut(Option<V>) -> Fut,
        Fut: Future<Output = Compute<V>>,
    {
        loop {
            match self.table.begin_compute(key) {
                Ok((lead, value)) => {
                    let before = value.clone();
                    let computed = nesting::run(lead.flight(), || compute(value)).await;
                    let after = match &computed {
                        Compute::Keep => before,
                        Compute::Put(value) | Compute::PutWithTtl(value, _) => Some(value.clone()),
                        Compute::Delete => None,
                    };
                    if lead.apply(computed) {
                        return after;
                    }
                }
                Err(flight) => {
                    assert_not_inside(&flight);
                    flight.wait().await;
                }
            }
        }
    }
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Returns the key's value as [`get_or_load`](Self::get_or_load) does, but does not wait for a load
    /// while there is a stale value: one whose time to live was over no longer than
    /// [`stale_for`](crate::CacheConfig::stale_for) ago. It returns that, and the load runs in
    /// the cache's process, one at a time for each key.
    ///
    /// If such a load fails, the stale value stays until its time is over, and the next call begins
    /// another load. After [`stop`](Self::stop), nothing is loaded for a stale value.
    ///
    /// # Errors
    ///
    /// What the load returned, if this call waited for its own. The errors of loads for which nobody
    /// waits are counted in [`failed_loads`](crate::CacheStats::failed_loads).
    ///
    /// # Panics
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Cancel safety
    ///
    /// As [`get_or_load`](Self::get_or_load). A load in the cache's process goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use patterns_cache::{Cache, CacheConfig, Source};
    ///
    /// let config = CacheConfig {
    ///     default_ttl: Some(Duration::from_secs(60)),
    ///     stale_for: Duration::from_secs(3600),
    ///     ..CacheConfig::default()
    /// };
    /// let rates: Cache<String, f64> = Cache::start(config).await?;
    /// rates.put("EUR".to_string(), 1.08);
    /// tokio::time::advance(Duration::from_secs(61)).await;
    ///
    /// let load = async || Ok::<_, std::io::Error>(1.09);
    /// assert_eq!(rates.get_or_revalidate("EUR", load).await?, (1.08, Source::Stale));
    /// # for _ in 0..20 { tokio::task::yield_now().await }
    /// assert_eq!(rates.get_or_revalidate("EUR", load).await?, (1.09, Source::Fresh));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_revalidate<Q, F, Fut, L, E>(
        &self,
        key: &Q,
        load: F,
    ) -> Result<(V, Source), E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<L, E>> + Send + 'static,
        L: Into<Loaded<V>> + Send + 'static,
        E: Send + 'static,
    {
        let mut first = true;
        loop {
            match self.table.join(key, true, std::mem::take(&mut first)) {
                Found::Live(value) => return Ok((value, Source::Fresh)),
                Found::Stale(value, None) => return Ok((value, Source::Stale)),
                Found::Stale(value, Some(lead)) => {
                    let load = async move {
                        // Nobody asks for the error; that there was one is counted.
                        let _ = run(lead, load).await;
                    };
                    // Without its process, the cache drops the load, and so its lead.
                    let _ = self.server.cast(CacheMsg(Msg::Load(Box::pin(load))));
                    return Ok((value, Source::Stale));
                }
                Found::Missing(lead) => return run(lead, load).await,
                Found::Flying(flight) => {
                    assert_not_inside(&flight);
                    if let Some(value) = flight.wait().await.value() {
                        self.table.count_coalesced();
                        return Ok((value.clone(), Source::Coalesced));
                    }
                }
            }
        }
    }
}

impl<K: Hash + Eq, T: Clone, E: Clone> Cache<K, Result<T, E>> {
    /// Returns the key's value or its error, and loads it if there is neither: negative caching. An
    /// error is kept for `error_ttl`, and all who wait get it.
    ///
    /// Otherwise it does as [`get_or_load`](Self::get_or_load). With an `error_ttl` of zero those who
    /// wait get the error, and nothing is kept.
    ///
    /// # Errors
    ///
    /// What some load returned, no longer than `error_ttl` ago.
    ///
    /// # Panics
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Cancel safety
    ///
    /// As [`get_or_load`](Self::get_or_load).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::time::Duration;
    /// use patterns_cache::{Cache, CacheConfig};
    ///
    /// let users: Cache<u64, Result<String, &str>> = Cache::start(CacheConfig::default()).await?;
    /// let second = Duration::from_secs(1);
    /// let missing = users.get_or_try_load(&7, second, async || Err::<String, _>("no such user"));
    /// assert_eq!(missing.await, Err("no such user"));
    ///
    /// let load = async || -> Result<String, _> { unreachable!("asked again within the second") };
    /// assert_eq!(users.get_or_try_load(&7, second, load).await, Err("no such user"));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_or_try_load<Q, F, Fut, L>(
        &self,
        key: &Q,
        error_ttl: std::time::Duration,
        load: F,
    ) -> Result<T, E>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<L, E>>,
        L: Into<Loaded<T>>,
    {
        let load = async || {
            Ok::<_, std::convert::Infallible>(match load().await.map(Into::into) {
                Ok(Loaded { value, ttl }) => Loaded {
                    value: Ok(value),
                    ttl,
                },
                Err(error) => Loaded::with_ttl(Err(error), error_ttl),
            })
        };
        match self.get_or_load(key, load).await {
            Ok(outcome) => outcome,
            Err(never) => match never {},
        }
    }
}

/// Loads a value for all who wait, and gives it to them.
async fn run<K, V, F, Fut, L, E>(lead: Lead<K, V>, load: F) -> Result<(V, Source), E>
where
    K: Hash + Eq,
    V: Clone,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<L, E>>,
    L: Into<Loaded<V>>,
{
    let loaded = nesting::run(lead.flight(), load).await?;
    let Loaded { value, ttl } = loaded.into();
    Ok((lead.land(value, ttl), Source::Loaded))
}

/// Refuses to wait for a load from inside of it.
fn assert_not_inside<V>(flight: &std::sync::Arc<crate::flight::Flight<V>>) {
    assert!(
        !nesting::is_inside(flight),
        "a load or `compute` of a key asks for that key, and would wait for itself"
    );
}
