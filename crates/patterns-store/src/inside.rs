//! Whether this thread holds a lock of a table.
//!
//! Code of the program runs under these locks: closures, `Eq`, `Ord`, `Clone`. If it used a table there,
//! it might wait for itself, or for somebody who waits for it. So a thread holds one such lock at a
//! time, of whatever table, and the attempt to take a second one is an error. That leaves no circle of
//! waiting threads to be closed.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::TableError;
use crate::sync::thread_local;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// That this thread is inside a table. It is left with the value.
#[derive(Debug)]
pub(crate) struct Inside {
    // It belongs to the thread that made it.
    here: PhantomData<*const ()>,
}

impl Inside {
    #[inline]
    pub(crate) fn enter() -> Result<Self, TableError> {
        if INSIDE.replace(true) {
            return Err(TableError::Reentrant);
        }
        Ok(Self { here: PhantomData })
    }

    /// Whether this thread is inside a table.
    pub(crate) fn is_here() -> bool {
        INSIDE.get()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// A lock that is held. It is released before the thread counts as outside.
#[derive(Debug)]
pub(crate) struct Held<G> {
    guard: G,
    _inside: Inside,
}

impl<G> Held<G> {
    #[inline]
    pub(crate) fn new(guard: G, inside: Inside) -> Self {
        Self {
            guard,
            _inside: inside,
        }
    }
}

impl<G: Deref> Deref for Held<G> {
    type Target = G::Target;

    #[inline]
    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Held<G> {
    #[inline]
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}
