//! What several modules need: workers that do as they are told, and a world that sees what they do.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_registry::{Context, ExitReason, GenServer, RegistryConfig, ReplyTo, WorkerRegistry};
use tokio::sync::Notify;

pub(crate) type Workers = WorkerRegistry<String, Msg>;

/// What a worker's `init` does.
#[derive(Clone)]
pub(crate) enum Init {
    Succeed,
    Fail,
    Panic,
    Decline,
    Hang,
    Take(Duration),
    WaitFor(Arc<Notify>),
}

pub(crate) enum Msg {
    /// Asks for what was added.
    Total(ReplyTo<u64>),
    Add(u64),
    /// Keeps the call for ever, or until the next one.
    Keep(ReplyTo<u64>),
    /// Answers the call that was kept.
    Answer,
    /// Panics.
    Crash,
    /// Ends for this reason.
    End(ExitReason),
    /// Handles this message for so long.
    Work(Duration),
}

type InitOf = dyn Fn(&str, usize) -> Init + Send + Sync;

/// What there is of workers, and what they are to do.
pub(crate) struct World {
    init: Box<InitOf>,
    /// How often each key's worker was made.
    made: Mutex<HashMap<String, usize>>,
    /// The keys whose worker's state is there, each with how often.
    alive: Mutex<HashMap<String, usize>>,
    /// Whether a key ever had two at the same time.
    pub(crate) overlapped: AtomicBool,
    pub(crate) terminated: AtomicUsize,
    /// How long `terminate` takes.
    pub(crate) farewell: Mutex<Duration>,
}

impl World {
    /// One in which every worker starts.
    pub(crate) fn new() -> Arc<Self> {
        Self::with(|_, _| Init::Succeed)
    }

    /// One in which `init` says what a key's worker does at its `n`-th start, from 1 on.
    pub(crate) fn with(init: impl Fn(&str, usize) -> Init + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            init: Box::new(init),
            made: Mutex::default(),
            alive: Mutex::default(),
            overlapped: AtomicBool::new(false),
            terminated: AtomicUsize::new(0),
            farewell: Mutex::default(),
        })
    }

    pub(crate) fn made(&self, key: &str) -> usize {
        self.made.lock().unwrap().get(key).copied().unwrap_or(0)
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive.lock().unwrap().values().sum()
    }

    pub(crate) fn worker(self: &Arc<Self>, key: &str) -> Worker {
        let nth = {
            let mut made = self.made.lock().unwrap();
            let nth = made.entry(key.to_owned()).or_default();
            *nth += 1;
            *nth
        };
        let mut alive = self.alive.lock().unwrap();
        let of_key = alive.entry(key.to_owned()).or_default();
        *of_key += 1;
        if *of_key > 1 {
            self.overlapped.store(true, Ordering::SeqCst);
        }
        drop(alive);
        Worker {
            key: key.to_owned(),
            init: (self.init)(key, nth),
            world: Arc::clone(self),
            total: 0,
            kept: None,
        }
    }

    pub(crate) async fn registry(self: &Arc<Self>, config: RegistryConfig) -> Workers {
        let world = Arc::clone(self);
        let registry = WorkerRegistry::start(config, move |key: &String| world.worker(key));
        registry.await.unwrap()
    }
}

pub(crate) struct Worker {
    key: String,
    init: Init,
    world: Arc<World>,
    total: u64,
    kept: Option<ReplyTo<u64>>,
}

impl GenServer for Worker {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match &self.init {
            Init::Succeed => {}
            Init::Fail => return Err(ExitReason::boxed("no such account")),
            Init::Panic => panic!("as told"),
            Init::Decline => ctx.ignore(),
            Init::Hang => pending().await,
            Init::Take(time) => tokio::time::sleep(*time).await,
            Init::WaitFor(sign) => sign.notified().await,
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Total(reply) => reply.send(self.total),
            Msg::Add(amount) => self.total += amount,
            Msg::Keep(reply) => self.kept = Some(reply),
            Msg::Answer => {
                if let Some(reply) = self.kept.take() {
                    reply.send(self.total);
                }
            }
            Msg::Crash => panic!("as told"),
            Msg::End(reason) => return Err(reason),
            Msg::Work(time) => tokio::time::sleep(time).await,
        }
        Ok(())
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<Msg>) {
        let farewell = *self.world.farewell.lock().unwrap();
        if !farewell.is_zero() {
            tokio::time::sleep(farewell).await;
        }
        self.world.terminated.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut alive = self.world.alive.lock().unwrap();
        *alive.get_mut(&self.key).unwrap() -= 1;
    }
}

/// A registry with the default options, all of whose workers start.
pub(crate) async fn registry() -> Workers {
    World::new().registry(RegistryConfig::default()).await
}

/// Asserts that nothing is left: no worker, no entry, no child.
pub(crate) async fn assert_nothing_left(registry: &Workers) {
    let info = registry.info();
    assert_eq!(
        (info.starting, info.running, info.restarting, info.stopping),
        (0, 0, 0, 0),
        "{info:?}"
    );
    assert_eq!(registry.keys(), Vec::<String>::new());
    let children = registry.supervisor_ref().count_children().await.unwrap();
    assert_eq!(children.specs, 0, "{children:?}");
}
