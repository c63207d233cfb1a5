//! dashmap by hand: from keys to addresses of servers of otp-core.

use dashmap::DashMap;
use otp_core::ServerRef;

use super::{Directory, Hasher, Key};
use crate::contenders::supervised::otp::{Msg, worker};

/// What a registry written by hand costs that takes nobody out who has ended.
pub(crate) struct Servers<K, S>(DashMap<K, ServerRef<Msg>, S>);

impl<K: Key, S: Hasher> Directory<K> for Servers<K, S> {
    const NAME: &'static str = "dashmap to `ServerRef`";
    type Found = ServerRef<Msg>;

    fn new() -> Self {
        Self(DashMap::with_hasher(S::default()))
    }

    async fn add(&self, key: K) {
        let server = otp_core::start(worker()).await;
        self.0.insert(key, server.expect("the server starts"));
    }

    fn find(&self, key: &K) -> Option<ServerRef<Msg>> {
        self.0.get(key).map(|found| found.clone())
    }

    fn list(&self) -> Vec<K> {
        self.0.iter().map(|entry| entry.key().clone()).collect()
    }
}
