//! The primitives that everything shared here is built on, behind one door.
//!
//! Mailbox, reply cell, deadlines and slot take their locks and atomics from this module and
//! wake each other by `Waker` alone, so that a schedule checker can put its own primitives in their
//! place and run the real code.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, MutexGuard, OnceLock, Weak};

use std::fmt;
use std::sync::PoisonError;

/// A mutex without poisoning.
///
/// No user code ever runs under a lock of this crate, so a panic cannot leave a half-made change
/// behind one.
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex(..)")
    }
}
