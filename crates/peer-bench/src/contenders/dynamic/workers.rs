//! patterns-registry: workers that are started when their key is asked for.

use std::sync::atomic::{AtomicU64, Ordering};

use patterns_registry::{RegistryConfig, WorkerRegistry};

use super::Dynamic;
use crate::contenders::supervised::otp::{Msg, worker};

/// A registry, and the key of the next worker.
pub(crate) struct Workers {
    registry: WorkerRegistry<u64, Msg>,
    next: AtomicU64,
}

impl Dynamic for Workers {
    const NAME: &'static str = "patterns-registry, by key";
    type Worker = u64;

    async fn new() -> Self {
        let started = WorkerRegistry::start(RegistryConfig::default(), |_: &u64| worker()).await;
        Self {
            registry: started.expect("the registry starts"),
            next: AtomicU64::new(0),
        }
    }

    async fn start_child(&self) -> u64 {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        let started = self.registry.start_worker(&key).await;
        drop(started.expect("the worker starts"));
        key
    }

    async fn terminate_child(&self, worker: u64) {
        let stopped = self.registry.stop_worker(&worker).await;
        stopped.expect("there is such a worker");
    }

    async fn stop(&self, _workers: Vec<u64>) {
        self.registry.stop().await.expect("the registry stops");
    }
}
