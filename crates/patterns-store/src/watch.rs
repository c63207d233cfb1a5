//! Who is told of every change of the rows: indexes and change feeds.
//!
//! A change is told in two steps, both under the lock of the row's shard. The first runs code of the
//! program (a closure, `Clone`) and changes nothing, so a panic there leaves everything as it was. The
//! second comes right before or after the rows are changed, and cannot fail.

use std::any::Any;
use std::fmt;
use std::task::Waker;

use otp_core::contained::{drop_contained, wake_all};

use crate::sync::Arc;

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// It is put. In the sets it takes the place of its key's row.
    Put,
    /// It is removed.
    Deleted,
    /// It is removed because its time is over.
    Expired,
}

/// What happens to which row.
#[derive(Debug)]
pub(crate) struct Event<'a, K, V>(pub(crate) What, pub(crate) &'a K, pub(crate) &'a V);

/// One that is told.
pub(crate) trait Watcher<K, V>: Send + Sync {
    /// Prepares for a change that is about to be made. What it returns may hold a handle of the watcher: under the lock it is never
    /// the last one, for the shard has one too.
    fn prepare(self: Arc<Self>, event: &Event<'_, K, V>) -> Box<dyn Ready>;

    /// The table has died.
    fn close(&self);
}

/// A change that is prepared. Dropped, it is called off.
pub(crate) trait Ready {
    fn commit(self: Box<Self>, notes: &mut Notes);
}

/// What is to be done when the lock is released: tasks to wake, and values of the program to drop.
#[derive(Default)]
pub(crate) struct Notes {
    wakers: Vec<Waker>,
    rest: Vec<Box<dyn Any>>,
}

impl Notes {
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    pub(crate) fn discard<T: 'static>(&mut self, value: T) {
        self.rest.push(Box::new(value));
    }
}

impl Drop for Notes {
    fn drop(&mut self) {
        wake_all(self.wakers.drain(..));
        for value in self.rest.drain(..) {
            drop_contained(value);
        }
    }
}

/// All who watch a shard.
pub(crate) type Watchers<K, V> = Vec<Arc<dyn Watcher<K, V>>>;

/// The telling of a change. Where nobody watches it is one empty word, which costs nothing.
#[derive(Default)]
pub(crate) struct Telling(Option<Box<Told>>);

#[derive(Default)]
struct Told {
    prepared: Vec<Box<dyn Ready>>,
    notes: Notes,
}

impl Telling {
    /// Prepares all watchers for one change.
    #[inline]
    pub(crate) fn prepare<K, V>(&mut self, watchers: &Watchers<K, V>, event: &Event<'_, K, V>) {
        if !watchers.is_empty() {
            let told = self.0.get_or_insert_default();
            for watcher in watchers {
                told.prepared.push(Arc::clone(watcher).prepare(event));
            }
        }
    }

    /// Makes all prepared changes known. Tasks are woken when this is dropped.
    #[inline]
    pub(crate) fn commit(&mut self) {
        if let Some(told) = &mut self.0 {
            for ready in told.prepared.drain(..) {
                ready.commit(&mut told.notes);
            }
        }
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes(..)")
    }
}
