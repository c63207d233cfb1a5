//! The change feed: what was put and removed, for one who listens.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use otp_core::contained::wake;
use otp_core::feed::{Feed, Received};

use crate::shared::Shared;
use crate::sync::{Arc, Weak};
use crate::watch::{Event, Notes, Ready, Watcher, What};
use crate::{Set, Table, TableError, TableType};

/// What happened to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change<K, V> {
    /// A row was put. In the sets it took the place of its key's row; so do `alter`, `update_counter` and
    /// `compare_and_swap`.
    Put {
        /// Its key.
        key: K,
        /// Its value.
        value: V,
    },
    /// A row was removed; `clear` and `select_delete` tell each.
    Deleted {
        /// Its key.
        key: K,
        /// The value it had.
        value: V,
    },
    /// A row whose time was over was removed: by a sweep, or by a removal that met it. From its deadline on nobody sees it, so
    /// this comes late; and not at all for a row that was replaced after its time.
    Expired {
        /// Its key.
        key: K,
        /// The value it had.
        value: V,
    },
    /// There was no room for so many changes, which stood here.
    Lost(u64),
}

/// The changes of a table since [`Table::changes`], to be received one after the other.
///
/// Those of one key come in the order in which they were made. The last comes when the table has died and all before were
/// received. A listener that is dropped costs nothing any more.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_store::{Change, TableConfig, TableOwner};
///
/// let owner: TableOwner<&str, u32> = TableOwner::new(TableConfig::default())?;
/// let mut changes = owner.changes(64)?;
/// owner.put("a", 1)?;
/// owner.delete("a")?;
/// drop(owner);
///
/// assert_eq!(changes.recv().await, Some(Change::Put { key: "a", value: 1 }));
/// assert_eq!(changes.recv().await, Some(Change::Deleted { key: "a", value: 1 }));
/// assert_eq!(changes.recv().await, None);
/// # Ok(()) }
/// ```
#[must_use = "changes are of use to one who receives them"]
pub struct Changes<K, V, T: TableType<K, V> = Set> {
    feed: Arc<Feed<Change<K, V>>>,
    watcher: Arc<dyn Watcher<K, V>>,
    table: Weak<Shared<K, V, T>>,
}

impl<K, V, T> Changes<K, V, T>
where
    K: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    T: TableType<K, V>,
{
    pub(crate) fn new(table: &Table<K, V, T>, capacity: usize) -> Result<Self, TableError> {
        let feed = Arc::new(Feed::new(capacity));
        // Made first: it takes the watcher out again if adding it fails.
        let changes = Self {
            watcher: Arc::new(Telling(Arc::clone(&feed))),
            feed,
            table: Arc::downgrade(&table.shared),
        };
        table.shared.add_watcher(&changes.watcher, |_| ())?;
        Ok(changes)
    }
}

impl<K, V, T: TableType<K, V>> Changes<K, V, T> {
    /// Receives the next change; `None` when the table has died and all were received.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, no change is lost.
    pub async fn recv(&mut self) -> Option<Change<K, V>> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives the next change if it is there; `None` if there is none at the moment, or never will be: see
    /// [`is_finished`](Self::is_finished).
    pub fn try_recv(&mut self) -> Option<Change<K, V>> {
        self.feed.try_recv().map(told)
    }

    /// Receives as [`recv`](Self::recv), for futures written by hand. Only the task that has polled last is woken.
    pub fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Option<Change<K, V>>> {
        self.feed.poll_recv(cx).map(|received| received.map(told))
    }

    /// Says whether the table has died and all changes were received.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.feed.is_finished()
    }
}

fn told<K, V>(received: Received<Change<K, V>>) -> Change<K, V> {
    match received {
        Received::Item(change) => change,
        Received::Lost(count) => Change::Lost(count),
    }
}

/// What puts a table's changes into a feed.
struct Telling<K, V>(Arc<Feed<Change<K, V>>>);

impl<K, V> Watcher<K, V> for Telling<K, V>
where
    K: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn prepare(self: Arc<Self>, event: &Event<'_, K, V>) -> Box<dyn Ready> {
        let Event(what, key, value) = event;
        // What has no room is not cloned. Between here and the commit there may be more room, or less.
        let change = self.0.has_room().then(|| {
            let (key, value) = ((*key).clone(), (*value).clone());
            match what {
                What::Put => Change::Put { key, value },
                What::Deleted => Change::Deleted { key, value },
                What::Expired => Change::Expired { key, value },
            }
        });
        Box::new(Told {
            telling: self,
            change,
        })
    }

    fn close(&self) {
        wake(self.0.close());
    }
}

struct Told<K, V> {
    telling: Arc<Telling<K, V>>,
    change: Option<Change<K, V>>,
}

impl<K: Send + 'static, V: Send + 'static> Ready for Told<K, V> {
    fn commit(self: Box<Self>, notes: &mut Notes) {
        let Self { telling, change } = *self;
        let Some(change) = change else {
            return notes.wake(telling.0.lose());
        };
        let pushed = telling.0.push(change);
        notes.wake(pushed.waker);
        if let Some(refused) = pushed.refused {
            notes.discard(refused);
        }
    }
}

impl<K, V, T: TableType<K, V>> Drop for Changes<K, V, T> {
    fn drop(&mut self) {
        if let Some(table) = self.table.upgrade() {
            table.remove_watcher(&self.watcher);
        }
        // Dropped under the lock of a table, it is still told of changes; they must not gather.
        self.feed.abandon();
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for Changes<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changes")
            .field("waiting", &self.feed.len())
            .field("capacity", &self.feed.capacity())
            .finish_non_exhaustive()
    }
}
