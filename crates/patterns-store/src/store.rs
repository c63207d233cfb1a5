//! The store: a table that a process owns.

use std::fmt;
use std::time::{Duration, Instant};

use otp_core::contained::catch;
use otp_core::{Child, Pid, ServerOptions, ServerRef, StopError};

use crate::server::{Current, Kept, Msg, Server, StoreMsg};
use crate::shared::Counts;
use crate::sync::Arc;
use crate::{
    BadOption, Lookup, ReadComparison, Set, StartError, StoreConfig, StoreError, StorePutError,
    Table, TableError, TableInfo, TableOwner, TableStats, TableType,
};

/// How many direct reads [`compare_reads`](Store::compare_reads) makes before other tasks have their turn.
const SLICE: u32 = 1_024;

/// A table and the process that owns it: what is written goes through the process, what is read need not.
///
/// A handle is cheap to clone. The table dies with the process: when the last handle is dropped, by [`stop`](Self::stop), or
/// when the process is killed. In every access mode the process does what the owner may do.
///
/// # Errors
///
/// What asks the process gives [`StoreError::Table`] if the table refuses, and [`StoreError::Call`] as
/// [`ServerRef::call`]: it waits 5 s at most.
///
/// # Panics
///
/// A panic in your code that runs in the process (`Clone`, `Eq`, a closure) reaches the caller, by whom it was asked for. It ends
/// neither the process nor the table.
///
/// # Cancel safety
///
/// A future that is dropped after its first poll takes nothing back: what was asked for is still done.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_store::{Store, StoreConfig};
///
/// let store: Store<String, u32> = Store::start(StoreConfig::default()).await?;
/// store.put("a".to_owned(), 1).await?;             // by message to the owner
/// assert_eq!(store.fetch("a")?, Some(1));          // direct: no message, no process
///
/// let table = store.table();                       // the same from sync code and other threads
/// assert_eq!(table.get("a")?, Some(1));
/// # Ok(()) }
/// ```
#[must_use = "the table dies when the last handle of its store is dropped"]
pub struct Store<K, V, T: TableType<K, V> = Set> {
    server: ServerRef<StoreMsg<K, V, T>>,
    current: Arc<Current<K, V, T>>,
}

impl<K, V, T> Store<K, V, T>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    T: TableType<K, V>,
{
    /// Starts a process with an empty table.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is out of its range, and why its process did not start, above all
    /// [`StartError::NoRuntime`].
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no process and no table.
    pub async fn start(config: StoreConfig) -> Result<Self, StartError> {
        let current = Self::none_yet(&config)?;
        let options = ServerOptions::default().name(Arc::clone(&config.table.name));
        let server = Server::new(config, Arc::clone(&current), None);
        let server = otp_core::start_with(server, options).await?;
        Ok(Self { server, current })
    }

    /// Specifies a store as a child of a supervisor, and returns its handle, which is valid from now on and after each restart.
    ///
    /// Until the supervisor has started it, direct reads give [`TableError::Closed`], and what asks the process waits. When the
    /// process ends, its table dies, and a new incarnation begins with an empty one; with
    /// [`keep_over_restart`](StoreConfig::keep_over_restart) the table lives on, handles, indexes and listeners included, until the
    /// supervisor forgets the child.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_store::{Strategy, Supervisor};
    /// use patterns_store::{Store, StoreConfig};
    ///
    /// let config = StoreConfig { keep_over_restart: true, ..StoreConfig::default() };
    /// let (child, store) = Store::<&str, u32>::child("sessions", config)?;
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    ///
    /// store.put("a", 1).await?;
    /// store.pid().expect("it runs").kill();
    /// assert_eq!(store.get("a").await?, Some(1));      // answered by the next incarnation
    /// tree.stop().await?;
    /// # Ok(()) }
    /// ```
    #[expect(
        clippy::type_complexity,
        reason = "a pair, spelled out, says more than a name for it"
    )]
    pub fn child(
        id: impl Into<Arc<str>>,
        config: StoreConfig,
    ) -> Result<(Child<StoreMsg<K, V, T>>, Self), BadOption> {
        let current = Self::none_yet(&config)?;
        let options = ServerOptions::default().name(Arc::clone(&config.table.name));
        let kept = config.keep_over_restart.then(|| Arc::new(Kept::new()));
        let of_all = Arc::clone(&current);
        let child = Child::server_with(id, options, move || {
            Server::new(config.clone(), Arc::clone(&current), kept.as_ref())
        });
        let store = Self {
            server: child.server_ref(),
            current: of_all,
        };
        Ok((child, store))
    }

    /// A table that has died before anybody saw it, for the time until the process has one.
    fn none_yet(config: &StoreConfig) -> Result<Arc<Current<K, V, T>>, BadOption> {
        config.check()?;
        let table = TableOwner::dead_table(config.table.clone());
        Ok(Arc::new(Current::new(table)))
    }

    /// Puts a row that never expires, through the owner; otherwise as [`Table::put`].
    ///
    /// # Errors
    ///
    /// [`StorePutError`], with the row in it if the table refuses it.
    pub async fn put(&self, key: K, value: V) -> Result<T::Put, StorePutError<K, V>> {
        let put = self.ask(move |owner| owner.put(key, value)).await;
        put.map_err(StorePutError::Call)?
            .map_err(StorePutError::Refused)
    }

    /// Puts a row that expires in `ttl`, through the owner; otherwise as [`Table::put_with_ttl`].
    ///
    /// # Errors
    ///
    /// As [`put`](Self::put).
    pub async fn put_with_ttl(
        &self,
        key: K,
        value: V,
        ttl: Duration,
    ) -> Result<T::Put, StorePutError<K, V>> {
        let put = self.ask(move |owner| owner.put_with_ttl(key, value, ttl));
        put.await
            .map_err(StorePutError::Call)?
            .map_err(StorePutError::Refused)
    }

    /// Removes all rows, through the owner; otherwise as [`Table::clear`].
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn clear(&self) -> Result<(), StoreError> {
        Ok(self.ask(|owner| owner.clear()).await??)
    }

    /// Counts the live rows, through the owner.
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn size(&self) -> Result<usize, StoreError> {
        Ok(self.ask(|owner| owner.size()).await??)
    }

    /// Returns what was counted, and the number of live rows, through the owner. Direct reads are counted like others.
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn stats(&self) -> Result<TableStats, StoreError> {
        Ok(self.ask(|owner| owner.stats()).await??)
    }

    /// Tells what the table is, through the owner.
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn info(&self) -> Result<TableInfo, StoreError> {
        Ok(self.ask(|owner| owner.info()).await??)
    }

    /// Does something with the table in the owner's process, where everything is allowed, and returns what comes of it: for
    /// what has no method here.
    ///
    /// Meanwhile the process answers nobody else; direct reads go on.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::call`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_store::{Store, StoreConfig};
    /// let store: Store<String, u32> = Store::start(StoreConfig::default()).await?;
    /// let visits = store.with_owner(|owner| owner.update_counter("visits", 1)).await??;
    /// assert_eq!(visits, 1);
    /// # Ok(()) }
    /// ```
    pub async fn with_owner<R: Send + 'static>(
        &self,
        work: impl FnOnce(&TableOwner<K, V, T>) -> R + Send + 'static,
    ) -> Result<R, StoreError> {
        Ok(self.ask(work).await?)
    }

    /// Returns the direct handle. It belongs to the table that the process has now, and dies with that one; after a restart a new
    /// one is needed, unless rows are [kept](StoreConfig::keep_over_restart).
    #[must_use]
    pub fn table(&self) -> Table<K, V, T> {
        self.current.table()
    }

    /// Ends the process, and the table with it, and waits for the end. What was asked for before is done before.
    ///
    /// A store that is a [child](Self::child) is to be stopped by its supervisor, which would otherwise start it again.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if it has ended already.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.server.stop().await
    }

    /// Returns the owner process, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.server.pid()
    }

    async fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce(&TableOwner<K, V, T>) -> R + Send + 'static,
    ) -> Result<R, otp_core::CallError> {
        let outcome = self.server.call(|reply| {
            StoreMsg(Msg::Run(Box::new(move |owner| {
                // Rows are whole after a panic, so what it borrowed may be used on.
                reply.send(catch(|| work(owner)));
            })))
        });
        match outcome.await? {
            Ok(answer) => Ok(answer),
            Err(panic) => panic.resume(),
        }
    }
}

impl<K, V, T> Store<K, V, T>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    T: Lookup<K, V, K>,
{
    /// Reads what a key has, through the owner; otherwise as [`Table::get`].
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn get(&self, key: K) -> Result<T::Found, StoreError>
    where
        V: Clone,
    {
        Ok(self.ask(move |owner| owner.get(&key)).await??)
    }

    /// Removes all that a key has, through the owner; otherwise as [`Table::delete`].
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn delete(&self, key: K) -> Result<bool, StoreError> {
        Ok(self.ask(move |owner| owner.delete(&key)).await??)
    }

    /// Says whether a key has a row, through the owner; otherwise as [`Table::member`].
    ///
    /// # Errors
    ///
    /// See [`Store`](Store#errors).
    pub async fn member(&self, key: K) -> Result<bool, StoreError> {
        Ok(self.ask(move |owner| owner.member(&key)).await??)
    }

    /// Reads some row of the table through the owner and directly, `iterations` times each (10,000 say something), and tells how
    /// long that took, by the machine's clock. It leaves no row behind, and no count in the stats.
    ///
    /// # Errors
    ///
    /// [`StoreError::Empty`] if there is no row; [`TableError::NotAllowed`] if the table is private, which cannot be read
    /// directly; and see [`Store`](Store#errors).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the comparison.
    pub async fn compare_reads(&self, iterations: u32) -> Result<ReadComparison, StoreError>
    where
        K: Clone,
        V: Clone,
    {
        let table = self.table();
        table.rights.read()?;
        let key = table.shared.any_key()?.ok_or(StoreError::Empty)?;
        // Counting costs what it costs otherwise, but nobody sees it.
        let counts = Arc::new(Counts::default());
        let mut through_owner = Duration::ZERO;
        for _ in 0..iterations {
            let (key, counts) = (key.clone(), Arc::clone(&counts));
            let start = Instant::now();
            let read = self.ask(move |owner| owner.shared.get(&key, Some(&counts)));
            read.await??;
            through_owner += start.elapsed();
        }
        let mut direct = Duration::ZERO;
        let mut rest = iterations;
        while rest > 0 {
            let slice = rest.min(SLICE);
            let start = Instant::now();
            for _ in 0..slice {
                std::hint::black_box(table.shared.get(&key, Some(&counts))?);
            }
            direct += start.elapsed();
            rest -= slice;
            tokio::task::yield_now().await;
        }
        Ok(ReadComparison {
            iterations,
            through_owner,
            direct,
        })
    }
}

impl<K, V, T: TableType<K, V>> Store<K, V, T> {
    /// Reads what a key has directly: short for `store.table().get(key)`. Who reads often is better off with a
    /// [`table`](Self::table) of its own.
    ///
    /// # Errors
    ///
    /// See [`Table`](Table#errors); [`TableError::Closed`] while the process does not run.
    pub fn fetch<Q>(&self, key: &Q) -> Result<T::Found, TableError>
    where
        T: Lookup<K, V, Q>,
        Q: ?Sized,
        V: Clone,
    {
        self.current.table().get(key)
    }
}

impl<K, V, T: TableType<K, V>> Clone for Store<K, V, T> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            current: Arc::clone(&self.current),
        }
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for Store<K, V, T> {
    /// Shows no rows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.current.table()).finish()
    }
}
