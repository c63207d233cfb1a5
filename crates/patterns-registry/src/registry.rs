//! The handle: what a program does with a registry.

mod by_key;
mod entries;
mod plan;
mod workers;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use otp_core::{
    Child, DynamicSupervisorMsg, DynamicSupervisorRef, GenServer, Pid, Recipient, StopError,
};

use crate::row::Phase;
use crate::table::Table;
use crate::{BadOption, RegistryConfig, RegistryInfo, StartError, WorkerEvent};
use plan::{Plan, Specify};

/// Supervised workers under keys: one a key, started when it is asked for.
///
/// `K` are the keys, `M` the messages of the workers, `V` the value that each entry has. A worker is any
/// [`GenServer`], made by the factory from its key. It is restarted when it crashes, under the same key and at the same
/// address.
///
/// A handle is cheap to clone, and all clones are one registry. When the last one is dropped, all workers are stopped, unless the
/// registry is a [child](WorkerRegistry::child) of a supervisor. A worker that keeps a handle of its own registry keeps it running: end such
/// a registry by [`stop`](WorkerRegistry::stop).
///
/// # Your code under its locks
///
/// `K`'s `Eq` and `Clone` run under a lock of the registry and must not use the same registry; a panic in one reaches
/// the caller and leaves the registry whole. All else of yours runs outside of the locks: `Hash`, the factory, closures, and what is
/// dropped. A panic in the drop of a key or a value that goes with its worker is left to the panic hook. Such a drop
/// may run in the supervisor's process, and should not take long.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_registry::{
///     Context, ExitReason, GenServer, RegistryConfig, ReplyTo, WorkerRegistry,
/// };
///
/// struct Room { name: String, visitors: u32 }
/// enum Msg { Enter(ReplyTo<String>) }
///
/// impl GenServer for Room {
///     type Msg = Msg;
///
///     async fn handle(&mut self, Msg::Enter(reply): Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
///         self.visitors += 1;
///         reply.send(format!("visitor {} of {}", self.visitors, self.name));
///         Ok(())
///     }
/// }
///
/// let rooms = WorkerRegistry::start(RegistryConfig::default(), |name: &String| Room {
///     name: name.clone(),
///     visitors: 0,
/// })
/// .await?;
/// assert!(rooms.lookup("lobby").is_none());
/// assert_eq!(rooms.call("lobby", Msg::Enter).await?, "visitor 1 of lobby");
/// assert_eq!(rooms.call("lobby", Msg::Enter).await?, "visitor 2 of lobby");
/// # Ok(()) }
/// ```
#[must_use = "the workers are stopped when the last handle is dropped"]
pub struct WorkerRegistry<K, M: Send + 'static, V = ()> {
    core: Arc<Core<K, M, V>>,
}

struct Core<K, M: Send + 'static, V> {
    table: Arc<Table<K, M, V>>,
    specify: Specify<K, M, V>,
    max_workers: Option<usize>,
    supervisor: DynamicSupervisorRef,
}

impl<K, M> WorkerRegistry<K, M>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
{
    /// Starts a registry without workers. `factory` makes the server of a key, at each start and restart of it, in the
    /// worker's own process: a panic in there is a failed start.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no registry, and its supervisor ends.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is out of its range, and why its process did not start, above all
    /// [`StartError::NoRuntime`].
    pub async fn start<S>(
        config: RegistryConfig,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> Result<Self, StartError>
    where
        S: GenServer<Msg = M>,
    {
        Self::start_with_values(config, factory).await
    }

    /// Specifies a registry as a child of a supervisor of your own, and returns its handle, which is valid from now on and after
    /// each restart.
    ///
    /// Until the supervisor has started it, and while it is being restarted, starts of workers fail with
    /// [`StartWorkerError::Closed`](crate::StartWorkerError::Closed). Workers that ran do not come back by
    /// themselves after a restart of it, but when they are asked for.
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_registry::{Context, ExitReason, GenServer, ReplyTo};
    /// # struct Echo(u32);
    /// # struct Get(ReplyTo<u32>);
    /// # impl GenServer for Echo {
    /// #     type Msg = Get;
    /// #     async fn handle(&mut self, Get(reply): Get, _: &mut Context<Get>) -> Result<(), ExitReason> {
    /// #         reply.send(self.0);
    /// #         Ok(())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_registry::{Strategy, Supervisor};
    /// use patterns_registry::{RegistryConfig, WorkerRegistry};
    ///
    /// let (child, echoes) =
    ///     WorkerRegistry::child("echoes", RegistryConfig::default(), |key: &u32| Echo(*key))?;
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    /// assert_eq!(echoes.call(&7, Get).await?, 7);
    /// tree.stop().await?;
    /// # Ok(()) }
    /// ```
    pub fn child<S>(
        id: impl Into<Arc<str>>,
        config: RegistryConfig,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> Result<(Child<DynamicSupervisorMsg>, Self), BadOption>
    where
        S: GenServer<Msg = M>,
    {
        Self::child_with_values(id, config, factory)
    }
}

impl<K, M, V> WorkerRegistry<K, M, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Send + Sync + 'static,
{
    /// Starts a registry whose entries have values; otherwise as [`start`](WorkerRegistry::start).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](WorkerRegistry::start).
    ///
    /// # Errors
    ///
    /// As [`start`](WorkerRegistry::start).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_registry::{Context, ExitReason, GenServer, ReplyTo};
    /// # struct Shard;
    /// # impl GenServer for Shard {
    /// #     type Msg = ();
    /// #     async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_registry::{RegistryConfig, WorkerRegistry};
    ///
    /// let config = RegistryConfig::default();
    /// let shards: WorkerRegistry<u32, (), &str> =
    ///     WorkerRegistry::start_with_values(config, |_: &u32| Shard).await?;
    /// shards.start_worker_with(&1, "warm").await?;
    /// shards.start_worker_with(&2, "cold").await?;
    ///
    /// shards.update_value(&2, |_| "warm");
    /// assert_eq!(shards.count(|_, _, value| *value == "warm"), 2);
    /// # Ok(()) }
    /// ```
    pub async fn start_with_values<S>(
        config: RegistryConfig,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> Result<Self, StartError>
    where
        S: GenServer<Msg = M>,
    {
        let plan = Plan::new(config, factory)?;
        let supervisor = plan.supervisor().start().await?;
        Ok(Self::new(plan, supervisor))
    }

    /// Specifies a registry whose entries have values; otherwise as [`child`](WorkerRegistry::child).
    ///
    /// # Errors
    ///
    /// As [`child`](WorkerRegistry::child).
    pub fn child_with_values<S>(
        id: impl Into<Arc<str>>,
        config: RegistryConfig,
        factory: impl Fn(&K) -> S + Send + Sync + 'static,
    ) -> Result<(Child<DynamicSupervisorMsg>, Self), BadOption>
    where
        S: GenServer<Msg = M>,
    {
        let plan = Plan::new(config, factory)?;
        let child = Child::dynamic_supervisor(id, plan.supervisor());
        let supervisor = child.dynamic_supervisor_ref();
        Ok((child, Self::new(plan, supervisor)))
    }

    fn new(plan: Plan<K, M, V>, supervisor: DynamicSupervisorRef) -> Self {
        let Plan {
            table,
            specify,
            max_workers,
        } = plan;
        Self {
            core: Arc::new(Core {
                table,
                specify,
                max_workers,
                supervisor,
            }),
        }
    }

    /// Has everything that happens to workers from now on told to `listener`.
    ///
    /// One whose mailbox is full misses events; one that has ended is forgotten.
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_registry::{Context, ExitReason, GenServer, ReplyTo};
    /// # struct Shard;
    /// # impl GenServer for Shard {
    /// #     type Msg = ();
    /// #     async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> { Ok(()) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_registry::inbox;
    /// use patterns_registry::{RegistryConfig, WorkerEvent, WorkerRegistry};
    ///
    /// let shards = WorkerRegistry::start(RegistryConfig::default(), |_: &u32| Shard).await?;
    /// let (listener, mut events) = inbox::<WorkerEvent<u32>>();
    /// shards.listen(listener.recipient());
    ///
    /// shards.start_worker(&1).await?;
    /// assert!(matches!(events.recv().await, Some(WorkerEvent::Registered { key: 1, .. })));
    /// # Ok(()) }
    /// ```
    pub fn listen(&self, listener: Recipient<WorkerEvent<K>>) {
        self.core.table.listeners.add(listener);
    }

    /// Stops all workers, at the same time and each on its own terms, and then the supervisor, and waits for the end.
    ///
    /// After it nothing can be started. A registry that is a [child](WorkerRegistry::child) is to be stopped by its supervisor,
    /// which would otherwise start it again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`](otp_core::ServerRef::stop); [`StopError::NoProc`] if it has ended already.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.core.supervisor.stop().await
    }
}

impl<K, M: Send + 'static, V> WorkerRegistry<K, M, V> {
    /// Counts the workers that run.
    #[must_use]
    pub fn worker_count(&self) -> usize {
        self.core.table.count(Phase::Running)
    }

    /// Tells how the registry is doing.
    ///
    /// It is counted shard by shard, so while workers come and go the numbers may be of slightly different moments.
    #[must_use]
    pub fn info(&self) -> RegistryInfo {
        let Core {
            table, max_workers, ..
        } = &*self.core;
        let (started, restarted) = table.totals();
        RegistryInfo {
            supervisor: self.pid(),
            starting: table.count(Phase::Starting),
            running: table.count(Phase::Running),
            restarting: table.count(Phase::Restarting),
            stopping: table.count(Phase::Stopping),
            max_workers: *max_workers,
            started,
            restarted,
        }
    }

    /// Returns the process of the workers' supervisor, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.core.supervisor.pid()
    }

    /// Returns the address of the workers' supervisor, for what `otp_core` offers beyond this.
    pub fn supervisor_ref(&self) -> &DynamicSupervisorRef {
        &self.core.supervisor
    }
}

impl<K, M: Send + 'static, V> Clone for WorkerRegistry<K, M, V> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
        }
    }
}

impl<K, M: Send + 'static, V> fmt::Debug for WorkerRegistry<K, M, V> {
    /// Shows no keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerRegistry")
            .field("info", &self.info())
            .finish()
    }
}
