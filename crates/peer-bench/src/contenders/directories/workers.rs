//! patterns-registry: workers that it has started itself, each restarted under its key. It hashes by its own hasher.

use std::marker::PhantomData;

use patterns_registry::{RegistryConfig, ServerRef, WorkerRegistry};
use tokio::sync::OnceCell;

use super::{Directory, Key};
use crate::contenders::supervised::otp::{Msg, worker};

pub(crate) struct Workers<K: Key, S> {
    /// Started with the first worker.
    registry: OnceCell<WorkerRegistry<K, Msg>>,
    hasher: PhantomData<S>,
}

impl<K: Key, S: Send + Sync + 'static> Directory<K> for Workers<K, S> {
    const NAME: &'static str = "patterns-registry (hashes by foldhash)";
    type Found = ServerRef<Msg>;

    fn new() -> Self {
        Self {
            registry: OnceCell::new(),
            hasher: PhantomData,
        }
    }

    async fn add(&self, key: K) {
        let start = || async {
            let started = WorkerRegistry::start(RegistryConfig::default(), |_: &K| worker()).await;
            started.expect("the registry starts")
        };
        let registry = self.registry.get_or_init(start).await;
        let started = registry.start_worker(&key).await;
        drop(started.expect("the worker starts"));
    }

    fn find(&self, key: &K) -> Option<ServerRef<Msg>> {
        self.registry.get()?.lookup(key)
    }

    fn list(&self) -> Vec<K> {
        self.registry
            .get()
            .map(WorkerRegistry::keys)
            .unwrap_or_default()
    }
}
