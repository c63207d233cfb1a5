//! What several modules need: resources and servers that do as they are told, and a world that sees what becomes of them.

use std::future::{Future, pending};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_pool::{
    Context, ExitReason, GenServer, Manager, Pool, PoolConfig, ReplyTo, Servers, StartError,
};
use testing::{polled_after, settle};

/// What making, checking or closing a member does.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Deed {
    #[default]
    Succeed,
    Fail,
    Panic,
    Hang,
    Take(Duration),
}

impl Deed {
    async fn run(self) -> Result<(), String> {
        match self {
            Self::Succeed => {}
            Self::Fail => return Err("no such host".to_owned()),
            Self::Panic => panic!("as told"),
            Self::Hang => pending().await,
            Self::Take(time) => tokio::time::sleep(time).await,
        }
        Ok(())
    }
}

/// What there is of members, and what is to become of them.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) create: Mutex<Deed>,
    pub(crate) check: Mutex<Deed>,
    pub(crate) close: Mutex<Deed>,
    pub(crate) broken: AtomicBool,
    pub(crate) broken_panics: AtomicBool,
    pub(crate) made: AtomicUsize,
    pub(crate) checked: AtomicUsize,
    pub(crate) closed: AtomicUsize,
    pub(crate) alive: AtomicUsize,
    /// The most that were alive at the same time.
    pub(crate) most: AtomicUsize,
}

impl World {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn create(&self, deed: Deed) {
        *self.create.lock().unwrap() = deed;
    }

    pub(crate) fn check(&self, deed: Deed) {
        *self.check.lock().unwrap() = deed;
    }

    pub(crate) fn close(&self, deed: Deed) {
        *self.close.lock().unwrap() = deed;
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::SeqCst)
    }

    pub(crate) fn checked(&self) -> usize {
        self.checked.load(Ordering::SeqCst)
    }

    pub(crate) fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    pub(crate) async fn pool(self: &Arc<Self>, config: PoolConfig) -> Pool<Parts> {
        self.try_pool(config).await.unwrap()
    }

    pub(crate) async fn try_pool(
        self: &Arc<Self>,
        config: PoolConfig,
    ) -> Result<Pool<Parts>, StartError> {
        Pool::start(config, Parts(Arc::clone(self))).await
    }
}

/// Makes parts as the world says.
#[derive(Debug)]
pub(crate) struct Parts(pub(crate) Arc<World>);

/// A resource. It knows whether somebody has it.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) id: u64,
    world: Arc<World>,
    used: Arc<AtomicBool>,
}

impl Part {
    /// Uses it for a while, during which nobody else may.
    pub(crate) async fn use_alone(&mut self, work: impl Future<Output = ()>) {
        assert!(!self.used.swap(true, Ordering::SeqCst), "lent twice");
        work.await;
        self.used.store(false, Ordering::SeqCst);
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.world.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Manager for Parts {
    type Member = Part;
    type Error = String;

    async fn create(&self, id: u64) -> Result<Part, String> {
        let deed = *self.0.create.lock().unwrap();
        deed.run().await?;
        self.0.made.fetch_add(1, Ordering::SeqCst);
        let alive = self.0.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(alive, Ordering::SeqCst);
        Ok(Part {
            id,
            world: Arc::clone(&self.0),
            used: Arc::default(),
        })
    }

    async fn check(&self, _: &mut Part) -> Result<(), String> {
        self.0.checked.fetch_add(1, Ordering::SeqCst);
        let deed = *self.0.check.lock().unwrap();
        deed.run().await
    }

    fn is_broken(&self, _: &mut Part) -> bool {
        assert!(!self.0.broken_panics.load(Ordering::SeqCst), "as told");
        self.0.broken.load(Ordering::SeqCst)
    }

    async fn close(&self, part: Part) {
        let deed = *self.0.close.lock().unwrap();
        let _ = deed.run().await;
        self.0.closed.fetch_add(1, Ordering::SeqCst);
        drop(part);
    }
}

/// A pool of parts with the default options but for its size.
pub(crate) async fn parts(size: usize) -> (Arc<World>, Pool<Parts>) {
    let world = World::new();
    let pool = world.pool(sized(size)).await;
    (world, pool)
}

pub(crate) fn sized(size: usize) -> PoolConfig {
    PoolConfig {
        size,
        ..PoolConfig::default()
    }
}

/// A pool that makes members when they are asked for.
pub(crate) fn lazy(size: usize) -> PoolConfig {
    PoolConfig {
        min_idle: Some(0),
        ..sized(size)
    }
}

/// The workers of the original: they echo, add and take their time. And they crash.
pub(crate) struct Worker {
    pub(crate) id: u64,
    alive: Arc<AtomicUsize>,
    terminated: Arc<AtomicUsize>,
}

pub(crate) enum Job {
    Echo(&'static str, ReplyTo<&'static str>),
    Add(i64, i64, ReplyTo<i64>),
    Delay(Duration, ReplyTo<()>),
    Id(ReplyTo<u64>),
    /// Panics.
    Crash,
    /// Panics over a call.
    CrashOver(ReplyTo<()>),
    /// Ends for this reason.
    End(ExitReason),
}

impl GenServer for Worker {
    type Msg = Job;

    async fn handle(&mut self, job: Job, _: &mut Context<Job>) -> Result<(), ExitReason> {
        match job {
            Job::Echo(text, reply) => reply.send(text),
            Job::Add(a, b, reply) => reply.send(a + b),
            Job::Delay(time, reply) => {
                tokio::time::sleep(time).await;
                reply.send(());
            }
            Job::Id(reply) => reply.send(self.id),
            Job::Crash => panic!("as told"),
            Job::CrashOver(_reply) => panic!("as told"),
            Job::End(reason) => return Err(reason),
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Job>) {
        self.terminated.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) type Workers = Pool<Servers<Job>>;

/// How many workers there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Census {
    alive: Arc<AtomicUsize>,
    terminated: Arc<AtomicUsize>,
}

impl Census {
    pub(crate) fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    pub(crate) fn terminated(&self) -> usize {
        self.terminated.load(Ordering::SeqCst)
    }

    pub(crate) fn servers(&self) -> Servers<Job> {
        let census = self.clone();
        Servers::new(move |id| {
            census.alive.fetch_add(1, Ordering::SeqCst);
            Worker {
                id,
                alive: Arc::clone(&census.alive),
                terminated: Arc::clone(&census.terminated),
            }
        })
    }
}

pub(crate) async fn workers(size: usize) -> (Census, Workers) {
    let census = Census::default();
    let pool = Pool::start(sized(size), census.servers()).await.unwrap();
    (census, pool)
}

/// Polls a future so often, with everything else having its turn in between; tells whether it was done by then.
pub(crate) async fn polled<T>(work: impl Future<Output = T>, times: usize) -> bool {
    polled_after(work, times, settle).await
}

/// Asserts that all is as at the start: this many idle, nobody waiting, nothing on its way.
pub(crate) fn assert_at_rest<M: Manager>(pool: &Pool<M>, available: usize) {
    let info = pool.info();
    let seen = (
        info.available,
        info.in_use,
        info.checking,
        info.starting,
        info.waiting,
    );
    assert_eq!(seen, (available, 0, 0, 0, 0), "{info:?}");
    let stats = pool.stats();
    let gone = stats.crashed + stats.closed + stats.taken;
    assert_eq!(stats.created, info.members.len() as u64 + gone, "{stats:?}");
}

impl World {
    /// A start that owns what it needs.
    pub(crate) async fn pool_boxed(self: Arc<Self>) -> Result<Pool<Parts>, StartError> {
        self.try_pool(PoolConfig::default()).await
    }
}
