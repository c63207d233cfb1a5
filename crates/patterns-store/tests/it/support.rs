//! What several modules need.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use patterns_store::{Access, Store, StoreConfig, TableConfig, TableOwner, TableType};
use testing::quiet;

pub(crate) fn public() -> TableConfig {
    with_access(Access::Public)
}

pub(crate) fn with_access(access: Access) -> TableConfig {
    TableConfig {
        access,
        ..TableConfig::default()
    }
}

/// A public table, and its owner.
pub(crate) fn owner<K, V, T: TableType<K, V>>() -> TableOwner<K, V, T> {
    TableOwner::new(public()).unwrap()
}

/// A public table with a bound.
pub(crate) fn bounded<K, V, T: TableType<K, V>>(max_rows: usize) -> TableOwner<K, V, T> {
    TableOwner::new(TableConfig {
        max_rows: Some(max_rows),
        ..public()
    })
    .unwrap()
}

pub(crate) async fn store<K, V, T>() -> Store<K, V, T>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    T: TableType<K, V>,
{
    Store::start(StoreConfig::default()).await.unwrap()
}

/// Runs what panics, and returns the text.
pub(crate) fn panic_of<R>(work: impl FnOnce() -> R) -> String {
    quiet();
    let Err(payload) = catch_unwind(AssertUnwindSafe(work)) else {
        panic!("it does not panic");
    };
    payload.downcast_ref::<&str>().unwrap().to_string()
}

/// Counts what is alive of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alive(Arc<AtomicUsize>);

impl Alive {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn value(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }
}

/// A value that is counted while it is alive, its clones too.
#[derive(Debug)]
pub(crate) struct Counted(Alive);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.value()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A folder of its own, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("patterns-store-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
