//! `PartitionSupervisor`: the same child several times over, one of them for each key.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash};
use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use super::child::Child;
use super::handle::SupervisorRef;
use super::plan::Supervisor;
use super::terms::Strategy;
use super::tree::SupervisorMsg;
use crate::error::StartError;
use crate::server_ref::ServerRef;
use crate::sync::Arc;

/// A supervisor that runs the same child several times over, as a specification.
///
/// For a server that has become a bottleneck and whose work can be divided by keys: each key is always served by the same
/// partition. It is Elixir's `PartitionSupervisor`; the partitions' ids are their numbers, from 0.
///
/// ```
/// # use otp_core::{Child, Context, ExitReason, GenServer, PartitionSupervisor, ReplyTo};
/// # use std::collections::HashMap;
/// # #[derive(Default)]
/// # struct Counter(HashMap<String, u32>);
/// # enum Msg { Add(String), Get(String, ReplyTo<u32>) }
/// # impl GenServer for Counter {
/// #     type Msg = Msg;
/// #     async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
/// #         match msg {
/// #             Msg::Add(key) => *self.0.entry(key).or_default() += 1,
/// #             Msg::Get(key, reply) => reply.send(self.0.get(&key).copied().unwrap_or_default()),
/// #         }
/// #         Ok(())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counters = PartitionSupervisor::new(|_, id| Child::server(id, Counter::default));
/// let (_supervisor, counters) = counters.start().await?;
///
/// counters.of("apples").cast(Msg::Add("apples".into()))?;
/// let apples = counters.of("apples").call(|reply| Msg::Get("apples".into(), reply)).await?;
/// assert_eq!(apples, 1);
/// # Ok(()) }
/// ```
#[must_use = "a supervisor does nothing until it is started"]
pub struct PartitionSupervisor<M: Send + 'static> {
    make: Box<dyn Fn(usize, Arc<str>) -> Child<M> + Send>,
    partitions: NonZeroUsize,
    supervisor: Supervisor,
}

impl<M: Send + 'static> PartitionSupervisor<M> {
    /// Makes a supervisor of as many partitions as the machine runs threads at once. `make` specifies the child of a
    /// partition: it gets the partition's number, and the id that is to be the child's.
    pub fn new(make: impl Fn(usize, Arc<str>) -> Child<M> + Send + 'static) -> Self {
        Self {
            make: Box::new(make),
            partitions: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            supervisor: Supervisor::new(Strategy::OneForOne),
        }
    }

    /// Sets the number of partitions. Default: as many as the machine runs threads at once.
    pub fn partitions(mut self, partitions: NonZeroUsize) -> Self {
        self.partitions = partitions;
        self
    }

    /// Names the supervisor; see [`Supervisor::name`].
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.supervisor = self.supervisor.name(name);
        self
    }

    /// Sets how many restarts within how long a time are still borne; see [`Supervisor::intensity`].
    pub fn intensity(mut self, restarts: usize, period: Duration) -> Self {
        self.supervisor = self.supervisor.intensity(restarts, period);
        self
    }

    /// Starts the partitions, one after the other.
    ///
    /// # Cancel safety
    ///
    /// As [`Supervisor::start`].
    ///
    /// # Errors
    ///
    /// As [`Supervisor::start`].
    pub async fn start(self) -> Result<(SupervisorRef, Partitions<M>), StartError> {
        let (supervisor, partitions) = self.specify();
        Ok((supervisor.start().await?, partitions))
    }

    /// Makes it a child, with the addresses of its partitions, which are valid from now on.
    pub fn into_child(self, id: impl Into<Arc<str>>) -> (Child<SupervisorMsg>, Partitions<M>) {
        let (supervisor, partitions) = self.specify();
        (Child::supervisor(id, supervisor), partitions)
    }

    fn specify(self) -> (Supervisor, Partitions<M>) {
        let mut supervisor = self.supervisor;
        let mut servers = Vec::with_capacity(self.partitions.get());
        for number in 0..self.partitions.get() {
            let child = (self.make)(number, Arc::from(number.to_string()));
            servers.push(child.server_ref());
            supervisor = supervisor.child(child);
        }
        let servers = servers.into();
        (supervisor, Partitions { servers })
    }
}

impl<M: Send + 'static> fmt::Debug for PartitionSupervisor<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartitionSupervisor")
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

/// The addresses of the partitions. They survive restarts, and do not keep the supervisor running.
#[derive(Debug)]
pub struct Partitions<M> {
    servers: Arc<[ServerRef<M>]>,
}

impl<M> Partitions<M> {
    /// Returns the partition that serves a key, by the key's hash: the same one in each run of the same build.
    pub fn of<K: Hash + ?Sized>(&self, key: &K) -> &ServerRef<M> {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
        let most = self.servers.len() as u64;
        &self.servers[usize::try_from(hash % most).unwrap_or_default()]
    }

    /// Returns the partition that serves a number: its absolute value modulo the number of partitions.
    pub fn of_number(&self, number: i64) -> &ServerRef<M> {
        let most = self.servers.len() as u64;
        &self.servers[usize::try_from(number.unsigned_abs() % most).unwrap_or_default()]
    }

    /// Returns a partition by its own number, from 0; `None` beyond the last.
    #[must_use]
    pub fn get(&self, partition: usize) -> Option<&ServerRef<M>> {
        self.servers.get(partition)
    }

    /// Returns all partitions, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &ServerRef<M>> {
        self.servers.iter()
    }

    /// Returns the number of partitions.
    #[must_use]
    pub fn count(&self) -> usize {
        self.servers.len()
    }
}

impl<M> Clone for Partitions<M> {
    fn clone(&self) -> Self {
        Self {
            servers: Arc::clone(&self.servers),
        }
    }
}
