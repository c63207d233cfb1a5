//! What stands under a key.

use std::fmt;

use crate::pid::Pid;
use crate::server_ref::{ServerRef, WeakRef};

/// One entry of a registry, as it was when it was looked up.
pub struct Registered<M, V = ()> {
    /// The address of its server.
    pub server: ServerRef<M>,
    /// The process.
    pub pid: Pid,
    /// The value of the entry.
    pub value: V,
}

impl<M, V: Clone> Clone for Registered<M, V> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            pid: self.pid.clone(),
            value: self.value.clone(),
        }
    }
}

impl<M, V: fmt::Debug> fmt::Debug for Registered<M, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registered")
            .field("pid", &self.pid)
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// An entry.
pub(super) struct Entry<M, V> {
    pub(super) server: WeakRef<M>,
    /// The incarnation that it belongs to.
    pub(super) number: u64,
    pub(super) value: V,
}

impl<M, V> Entry<M, V> {
    /// Whether its process runs. One that has ended takes its entries out before anybody hears of the end, but a
    /// moment after.
    #[inline]
    pub(super) fn is_alive(&self) -> bool {
        self.server.slot.number() == self.number
    }

    #[inline]
    pub(super) fn server(&self) -> Option<ServerRef<M>> {
        if self.is_alive() {
            self.server.upgrade()
        } else {
            None
        }
    }
}

impl<M: Send + 'static, V> Entry<M, V> {
    pub(super) fn pid(&self) -> Pid {
        Pid::new(self.number, &self.server.slot)
    }

    pub(super) fn registered(&self) -> Option<Registered<M, V>>
    where
        V: Clone,
    {
        Some(Registered {
            server: self.server()?,
            pid: self.pid(),
            value: self.value.clone(),
        })
    }
}

/// A key and its entries.
pub(super) struct Row<K, M, V> {
    /// Of the key: a table that grows must not run the program's code.
    pub(super) hash: u64,
    pub(super) key: K,
    pub(super) entries: Entries<M, V>,
}

/// One entry in a unique registry, at least one in another, in the order of their registration.
pub(super) enum Entries<M, V> {
    One(Entry<M, V>),
    Many(Vec<Entry<M, V>>),
}

impl<M, V> Entries<M, V> {
    #[inline]
    pub(super) fn as_slice(&self) -> &[Entry<M, V>] {
        match self {
            Self::One(entry) => std::slice::from_ref(entry),
            Self::Many(entries) => entries,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [Entry<M, V>] {
        match self {
            Self::One(entry) => std::slice::from_mut(entry),
            Self::Many(entries) => entries,
        }
    }
}

/// Who is to be registered.
pub(super) struct Owner<'a, M> {
    pub(super) server: &'a WeakRef<M>,
    pub(super) number: u64,
}

impl<'a, M: Send + 'static> Owner<'a, M> {
    pub(super) fn new(server: &'a WeakRef<M>, pid: &Pid) -> Self {
        Self {
            server,
            number: pid.number(),
        }
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::new(self.number, &self.server.slot)
    }

    pub(super) fn is_alive(&self) -> bool {
        self.server.slot.number() == self.number
    }
}
