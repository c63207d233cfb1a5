//! The workers of all directories that are measured together.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::contenders::directories::{Directory, Key};
use crate::harness::runtime;

/// Directories as yet without keys.
///
/// They are filled key by key, all in turn: so what they have under a key lies in the same part of memory, among the servers, for
/// each of them. A lookup is mostly a wait for memory, and its time would else depend on who came first.
pub(super) struct Population<K>(Vec<Add<K>>);

/// Adds a key to a directory.
type Add<K> = Box<dyn Fn(K) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl<K: Key> Population<K> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// A directory that will have all keys.
    pub(super) fn directory<D: Directory<K>>(&mut self) -> Arc<D> {
        let directory = Arc::new(D::new());
        let filled = Arc::clone(&directory);
        self.0.push(Box::new(move |key| {
            let directory = Arc::clone(&filled);
            Box::pin(async move { directory.add(key).await })
        }));
        directory
    }

    /// Fills them all with so many keys.
    pub(super) fn fill(self, count: u64) {
        runtime::run(async move {
            for number in 0..count {
                for add in &self.0 {
                    add(K::new(number)).await;
                }
            }
        });
    }
}
