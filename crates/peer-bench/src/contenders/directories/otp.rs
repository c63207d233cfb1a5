//! otp-core: its `Registry`.

use std::sync::Mutex;

use otp_core::{Pid, Registry, ServerRef};

use super::{Directory, Hasher, Key};
use crate::contenders::OTP;
use crate::contenders::supervised::otp::{Msg, worker};

/// A registry, and the servers that are registered in it.
pub(crate) struct Otp<K, S> {
    registry: Registry<K, Msg, (), S>,
    /// Kept, for a registry keeps nobody running.
    servers: Mutex<Vec<ServerRef<Msg>>>,
}

impl<K, S> Otp<K, S> {
    pub(crate) fn registry(&self) -> &Registry<K, Msg, (), S> {
        &self.registry
    }

    pub(crate) fn pids(&self) -> Vec<Pid> {
        let servers = self.servers.lock().expect("no panic under the lock");
        let pids = servers.iter().map(ServerRef::pid);
        pids.map(|pid| pid.expect("the server runs")).collect()
    }
}

impl<K: Key, S: Hasher> Directory<K> for Otp<K, S> {
    const NAME: &'static str = OTP;
    type Found = ServerRef<Msg>;

    fn new() -> Self {
        Self {
            registry: Registry::with_hasher(S::default()),
            servers: Mutex::new(Vec::new()),
        }
    }

    async fn add(&self, key: K) {
        let server = self.registry.via(key).start(worker()).await;
        let server = server.expect("the key is free");
        let mut servers = self.servers.lock().expect("no panic under the lock");
        servers.push(server);
    }

    fn find(&self, key: &K) -> Option<ServerRef<Msg>> {
        self.registry.whereis(key)
    }

    fn list(&self) -> Vec<K> {
        self.registry.select(|key, _, ()| Some(key.clone()))
    }
}
