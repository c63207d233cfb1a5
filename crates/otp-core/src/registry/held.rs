//! What a process has registered, as the process has it: so that its end can take it out.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, Hash};

use super::table::Table;
use crate::panics;
use crate::pid::Pid;
use crate::sync::{Arc, Mutex, Weak};

/// What one process has registered in one registry.
pub(crate) trait Held: fmt::Debug + Send + Sync {
    /// The process has ended: its entries go.
    fn release(&self, pid: &Pid);
    /// Whether the registry is gone.
    fn is_void(&self) -> bool;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

pub(super) struct Keys<K, M, V, S> {
    pub(super) table: Weak<Table<K, M, V, S>>,
    /// One for each entry, in the order of their registration.
    pub(super) keys: Mutex<Vec<K>>,
}

impl<K, M, V, S> Held for Keys<K, M, V, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    fn release(&self, pid: &Pid) {
        let keys = std::mem::take(&mut *self.keys.lock());
        let table = self.table.upgrade();
        for key in keys {
            // One by one: a panic in the code of a key or a value must not keep the others here.
            if let Some(table) = &table {
                let values = panics::catch(|| table.remove(&key, pid.number(), |_| true));
                for value in values.into_iter().flatten() {
                    let _ = panics::catch_drop(value);
                }
            }
            let _ = panics::catch_drop(key);
        }
        if let Some(table) = table {
            table.listeners.tell();
        }
    }

    fn is_void(&self) -> bool {
        self.table.strong_count() == 0
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

impl<K, M, V, S> fmt::Debug for Keys<K, M, V, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("number", &self.keys.lock().len())
            .finish_non_exhaustive()
    }
}

impl<K, M, V, S> Keys<K, M, V, S>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// What `pid` has registered in `table`; made if it is the first time and `make` says so. `None` if there is
    /// nothing, or the process has ended.
    pub(super) fn of(pid: &Pid, table: &Arc<Table<K, M, V, S>>, make: bool) -> Option<Arc<Self>> {
        // Dropped after the process's lock.
        let (mut found, mut void) = (None, Vec::new());
        pid.relate(|relations| {
            let mut all = relations.registered.iter();
            found = all.find_map(|held| Self::in_table(held, table));
            if found.is_none() && make {
                let registered = &mut relations.registered;
                void.extend(registered.extract_if(.., |held| held.is_void()));
                // As a rule a process has one key, in one registry.
                if registered.is_empty() {
                    registered.reserve_exact(1);
                }
                let keys = Arc::new(Self {
                    table: Arc::downgrade(table),
                    keys: Mutex::new(Vec::with_capacity(1)),
                });
                relations.registered.push(Arc::<Self>::clone(&keys));
                found = Some(keys);
            }
        });
        drop(void);
        found
    }

    fn in_table(held: &Arc<dyn Held>, table: &Arc<Table<K, M, V, S>>) -> Option<Arc<Self>> {
        let keys = Arc::clone(held).as_any().downcast::<Self>().ok()?;
        (keys.table.as_ptr() == Arc::as_ptr(table)).then_some(keys)
    }
}
