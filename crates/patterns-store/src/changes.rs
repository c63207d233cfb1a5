//! The change feed: what was put and removed, for one who listens.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

use crate::shared::Shared;
use crate::sync::{Arc, Mutex, Weak};
use crate::watch::{Event, Notes, Ready, Watcher, What};
use crate::{Set, Table, TableError, TableType};

/// What happened to one row.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    feed: Arc<Feed<K, V>>,
    watcher: Arc<dyn Watcher<K, V>>,
    table: Weak<Shared<K, V, T>>,
}

struct Feed<K, V> {
    capacity: usize,
    queue: Mutex<Queue<K, V>>,
}

struct Queue<K, V> {
    changes: VecDeque<Change<K, V>>,
    /// How many of those are changes, and no `Lost`.
    kept: usize,
    /// How many were lost since the last one in the queue.
    lost: u64,
    closed: bool,
    receiver: Option<Waker>,
}

impl<K, V, T> Changes<K, V, T>
where
    K: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
    T: TableType<K, V>,
{
    pub(crate) fn new(table: &Table<K, V, T>, capacity: usize) -> Result<Self, TableError> {
        let feed = Arc::new(Feed {
            capacity,
            queue: Mutex::new(Queue {
                changes: VecDeque::new(),
                kept: 0,
                lost: 0,
                closed: false,
                receiver: None,
            }),
        });
        // Made first: it takes the watcher out again if adding it fails.
        let changes = Self {
            watcher: Arc::clone(&feed) as Arc<dyn Watcher<K, V>>,
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
        self.feed.queue.lock().next()
    }

    /// Says whether the table has died and all changes were received.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        let queue = self.feed.queue.lock();
        queue.closed && queue.changes.is_empty() && queue.lost == 0
    }

    fn poll_recv(&mut self, cx: &Context<'_>) -> Poll<Option<Change<K, V>>> {
        let waker = cx.waker().clone();
        let mut queue = self.feed.queue.lock();
        if let Some(change) = queue.next() {
            return Poll::Ready(Some(change));
        }
        if queue.closed {
            return Poll::Ready(None);
        }
        let before = queue.receiver.replace(waker);
        drop(queue);
        drop(before);
        Poll::Pending
    }
}

impl<K, V> Queue<K, V> {
    fn next(&mut self) -> Option<Change<K, V>> {
        let next = self.changes.pop_front();
        match &next {
            Some(Change::Lost(_)) => {}
            Some(_) => self.kept -= 1,
            None if self.lost > 0 => return Some(Change::Lost(std::mem::take(&mut self.lost))),
            None => {}
        }
        next
    }
}

impl<K, V> Watcher<K, V> for Feed<K, V>
where
    K: Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    fn prepare(self: Arc<Self>, event: &Event<'_, K, V>) -> Box<dyn Ready> {
        // What has no room is not cloned. Between here and the commit there may be more room, or less.
        let queue = self.queue.lock();
        let has_room = queue.kept < self.capacity && !queue.closed;
        drop(queue);
        let Event(what, key, value) = event;
        let change = has_room.then(|| {
            let (key, value) = ((*key).clone(), (*value).clone());
            match what {
                What::Put => Change::Put { key, value },
                What::Deleted => Change::Deleted { key, value },
                What::Expired => Change::Expired { key, value },
            }
        });
        Box::new(Told { feed: self, change })
    }

    fn close(&self) {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let receiver = queue.receiver.take();
        drop(queue);
        if let Some(receiver) = receiver {
            receiver.wake();
        }
    }
}

struct Told<K, V> {
    feed: Arc<Feed<K, V>>,
    change: Option<Change<K, V>>,
}

impl<K: Send + 'static, V: Send + 'static> Ready for Told<K, V> {
    fn commit(self: Box<Self>, notes: &mut Notes) {
        let Self { feed, change } = *self;
        let mut queue = feed.queue.lock();
        let refused = match change {
            Some(change) if queue.kept < feed.capacity && !queue.closed => {
                if queue.lost > 0 {
                    let lost = std::mem::take(&mut queue.lost);
                    queue.changes.push_back(Change::Lost(lost));
                }
                queue.changes.push_back(change);
                queue.kept += 1;
                None
            }
            refused => {
                queue.lost += 1;
                refused
            }
        };
        notes.wake(queue.receiver.take());
        drop(queue);
        if let Some(refused) = refused {
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
        let mut queue = self.feed.queue.lock();
        queue.closed = true;
        let changes = std::mem::take(&mut queue.changes);
        drop(queue);
        drop(changes);
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for Changes<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queue = self.feed.queue.lock();
        f.debug_struct("Changes")
            .field("waiting", &queue.kept)
            .field("capacity", &self.feed.capacity)
            .finish_non_exhaustive()
    }
}
