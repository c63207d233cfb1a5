//! A map of settings.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::num::NonZeroUsize;
use std::sync::Arc;

use crate::core::Shared;
use crate::error::Fault;
use crate::{Agent, AgentConfig, AgentError, AgentMsg, Child, Pid, Reader, StartError};

/// The options of a [`ConfigStore`].
pub struct ConfigStoreConfig<K, V> {
    /// How many entries there may be, 1 or more. Default: `None`, **no bound**: the map grows with its keys.
    ///
    /// A change that would pass it is refused as a whole, with [`AgentError::Refused`].
    pub max_entries: Option<NonZeroUsize>,
    /// The options of the agent that holds the map. Its validator sees every new map before anybody else.
    pub agent: AgentConfig<HashMap<K, V>>,
}

impl<K, V> Default for ConfigStoreConfig<K, V> {
    fn default() -> Self {
        Self {
            max_entries: None,
            agent: AgentConfig::default(),
        }
    }
}

impl<K, V> fmt::Debug for ConfigStoreConfig<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigStoreConfig")
            .field("max_entries", &self.max_entries)
            .field("agent", &self.agent)
            .finish()
    }
}

impl<K, V> Clone for ConfigStoreConfig<K, V> {
    fn clone(&self) -> Self {
        Self {
            max_entries: self.max_entries,
            agent: self.agent.clone(),
        }
    }
}

/// A message to the agent of a [`ConfigStore`], which only its handles can make: for what names it.
pub type ConfigStoreMsg<K, V> = AgentMsg<HashMap<K, V>>;

/// Settings by key, which many read and few change: an [`Agent`] of a `HashMap`, and a [`Reader`] of it.
///
/// Reading asks nobody: it is a plain function, for async and sync code. It sees every change whose call has returned. Each change is one
/// update: nobody sees half of a [`merge`](ConfigStore::merge).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_agent::ConfigStore;
///
/// let settings = ConfigStore::start([("port", 8080), ("workers", 4)]).await?;
/// assert_eq!(settings.get("port")?, Some(8080));
/// assert_eq!(settings.get_or("retries", 3)?, 3);
///
/// assert_eq!(settings.put("port", 9090).await?, Some(8080));
/// let before = settings.merge([("workers", 8), ("retries", 5)]).await?;
/// assert_eq!((before.len(), settings.len()?), (2, 3));
/// # Ok(())
/// # }
/// ```
#[must_use = "the store ends when its last handle is dropped"]
pub struct ConfigStore<K, V> {
    agent: Agent<HashMap<K, V>>,
    reader: Reader<HashMap<K, V>>,
    max_entries: usize,
}

impl<K, V> ConfigStore<K, V>
where
    K: Eq + Hash + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Starts a store with these entries and the default options.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::start`].
    ///
    /// # Errors
    ///
    /// As [`Agent::start`].
    pub async fn start(entries: impl IntoIterator<Item = (K, V)>) -> Result<Self, StartError> {
        let entries = entries.into_iter().collect();
        Self::begin(ConfigStoreConfig::default(), entries).await
    }

    /// Starts a store with options; otherwise as [`start`](ConfigStore::start).
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::start`].
    ///
    /// # Errors
    ///
    /// As [`Agent::start_with`], also if there are more entries than allowed.
    pub async fn start_with(
        config: ConfigStoreConfig<K, V>,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, StartError> {
        Self::begin(config, entries.into_iter().collect()).await
    }

    async fn begin(
        config: ConfigStoreConfig<K, V>,
        entries: HashMap<K, V>,
    ) -> Result<Self, StartError> {
        let max_entries = most(&config);
        fits(entries.len(), max_entries)
            .map_err(|refused| StartError::Failed(AgentError::from(refused).into()))?;
        // Before there is a process: it shows its state from the first one on.
        let shared = Arc::new(Shared::new());
        let reader = Reader::new(Arc::clone(&shared));
        Ok(Self {
            agent: Agent::begin(shared, config.agent, move || entries).await?,
            reader,
            max_entries,
        })
    }

    /// Specifies a store as a child of a supervisor. It has these entries at each start.
    ///
    /// # Errors
    ///
    /// [`AgentError::Refused`] if there are more entries than allowed.
    pub fn child(
        id: impl Into<Arc<str>>,
        config: ConfigStoreConfig<K, V>,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<(Child<ConfigStoreMsg<K, V>>, Self), AgentError> {
        let max_entries = most(&config);
        let entries: HashMap<K, V> = entries.into_iter().collect();
        fits(entries.len(), max_entries)?;
        let (child, agent) = Agent::child(id, config.agent, move || entries.clone());
        let store = Self {
            reader: Reader::new(Arc::clone(agent.shared())),
            agent,
            max_entries,
        };
        Ok((child, store))
    }

    /// Sets a key's value. Returns the old one.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// [`AgentError::Refused`] if the key is new and there is no room, or if the validator refuses the new map. See
    /// [`AgentError`].
    pub async fn put(&self, key: K, value: V) -> Result<Option<V>, AgentError> {
        let most = self.max_entries;
        self.agent
            .update_if(move |map| {
                if !map.contains_key(&key) {
                    fits(map.len() + 1, most)?;
                }
                Ok(map.insert(key, value))
            })
            .await
    }

    /// Removes a key. Returns its value.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// As [`put`](ConfigStore::put).
    pub async fn delete<Q>(&self, key: &Q) -> Result<Option<V>, AgentError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned + ?Sized,
        Q::Owned: Send + 'static,
    {
        let key = key.to_owned();
        self.agent
            .update_if(move |map| Ok(map.remove(key.borrow())))
            .await
    }

    /// Puts these entries in the place of all. Returns the whole old map.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// As [`put`](ConfigStore::put).
    pub async fn put_all(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<HashMap<K, V>, AgentError> {
        let (most, entries) = (
            self.max_entries,
            entries.into_iter().collect::<HashMap<_, _>>(),
        );
        self.agent
            .update_if(move |map| {
                fits(entries.len(), most)?;
                Ok(std::mem::replace(map, entries))
            })
            .await
    }

    /// Puts these entries, beside the others and in the place of those with the same keys. Returns the whole old map.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// As [`put`](ConfigStore::put).
    pub async fn merge(
        &self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<HashMap<K, V>, AgentError> {
        let (most, entries) = (
            self.max_entries,
            entries.into_iter().collect::<HashMap<_, _>>(),
        );
        self.agent
            .update_if(move |map| {
                let new = entries.keys().filter(|key| !map.contains_key(*key)).count();
                fits(map.len() + new, most)?;
                let before = map.clone();
                map.extend(entries);
                Ok(before)
            })
            .await
    }

    /// Returns the process that runs it at this moment, if one does.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.agent.pid()
    }
}

impl<K: Eq + Hash, V> ConfigStore<K, V> {
    /// Returns a key's value.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>, AgentError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        Ok(self.reader.snapshot()?.get(key).cloned())
    }

    /// Returns a key's value, or `default` if there is none.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn get_or<Q>(&self, key: &Q, default: V) -> Result<V, AgentError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
        V: Clone,
    {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// Returns the whole map, as it is at this moment.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn get_all(&self) -> Result<Arc<HashMap<K, V>>, AgentError> {
        self.reader.snapshot()
    }

    /// Returns the keys, in no order.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn keys(&self) -> Result<Vec<K>, AgentError>
    where
        K: Clone,
    {
        Ok(self.reader.snapshot()?.keys().cloned().collect())
    }

    /// Tells whether there is a value for a key.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn contains_key<Q>(&self, key: &Q) -> Result<bool, AgentError>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        Ok(self.reader.snapshot()?.contains_key(key))
    }

    /// Returns the number of entries.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn len(&self) -> Result<usize, AgentError> {
        Ok(self.reader.snapshot()?.len())
    }

    /// Tells whether there is no entry.
    ///
    /// # Errors
    ///
    /// As [`Reader::snapshot`].
    pub fn is_empty(&self) -> Result<bool, AgentError> {
        Ok(self.reader.snapshot()?.is_empty())
    }

    /// Returns the agent: to change several entries in one closure, to wait for a setting, to stop it.
    ///
    /// What a closure of your own puts is not held to `max_entries`.
    pub fn agent(&self) -> &Agent<HashMap<K, V>> {
        &self.agent
    }

    /// Returns the reader, which tells of changes when it is cloned.
    #[must_use]
    pub fn reader(&self) -> &Reader<HashMap<K, V>> {
        &self.reader
    }
}

fn most<K, V>(config: &ConfigStoreConfig<K, V>) -> usize {
    config.max_entries.map_or(usize::MAX, NonZeroUsize::get)
}

fn fits(entries: usize, most: usize) -> Result<(), Fault> {
    if entries <= most {
        return Ok(());
    }
    Err(Fault::refused(format!(
        "{entries} entries, at most {most} are allowed"
    )))
}

impl<K: Clone, V: Clone> Clone for ConfigStore<K, V> {
    fn clone(&self) -> Self {
        Self {
            agent: self.agent.clone(),
            reader: self.reader.clone(),
            max_entries: self.max_entries,
        }
    }
}

impl<K, V> fmt::Debug for ConfigStore<K, V> {
    /// Shows no entries, and waits for nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigStore")
            .field("agent", &self.agent)
            .finish_non_exhaustive()
    }
}
