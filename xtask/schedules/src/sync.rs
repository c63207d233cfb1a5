//! The schedule checker's primitives, in the shape of those that they stand in for.

use std::cell::Cell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

pub use shuttle::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize};
use shuttle::thread::{AccessError, LocalKey, sleep as give_way};

/// The checker's mutex, without poisoning.
#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

impl<T> Mutex<T> {
    /// Makes one that nobody holds.
    pub const fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    /// Waits until it is this thread's.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        let guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = HELD.try_with(|held| held.set(held.get() + 1));
        MutexGuard { guard: Some(guard) }
    }

    /// Takes out what it guards.
    pub fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock that readers share; here they do not, which only leaves schedules out in which two read at once.
#[derive(Debug, Default)]
pub struct RwLock<T>(Mutex<T>);

impl<T> RwLock<T> {
    /// Makes one that nobody holds.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Waits until it is this thread's.
    pub fn read(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    /// Waits until it is this thread's.
    pub fn write(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }
}

/// Holds a lock until it is dropped.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    // `None` only while it is being dropped.
    guard: Option<shuttle::sync::MutexGuard<'a, T>>,
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        let _ = HELD.try_with(|held| held.set(held.get() - 1));
        self.guard = None;
        // The checker changes threads before what it knows to be visible to others. A wake, or the drop of
        // an `Arc`, is visible too, and here it comes right after a lock as a rule. To the checker a sleep is
        // no more than a place where another thread may run.
        give_way(Duration::ZERO);
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect("held until it is dropped")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("held until it is dropped")
    }
}

shuttle::thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
}

/// Tells whether the code that runs here holds one of these locks.
pub fn is_locked() -> bool {
    HELD.try_with(Cell::get).is_ok_and(|held| held > 0)
}

/// A thread-local of the checker's threads, which all share one of the machine's.
pub struct Local<T: 'static>(&'static LocalKey<T>);

impl<T> fmt::Debug for Local<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").finish_non_exhaustive()
    }
}

impl<T> Local<T> {
    /// Wraps a key of the checker's.
    pub const fn new(key: &'static LocalKey<T>) -> Self {
        Self(key)
    }

    /// Uses the value of this thread.
    ///
    /// # Errors
    ///
    /// If the thread is ending and has dropped it.
    pub fn try_with<R>(&self, with: impl FnOnce(&T) -> R) -> Result<R, AccessError> {
        self.0.try_with(with)
    }
}

impl<T: Copy> Local<Cell<T>> {
    /// The value of this thread.
    pub fn get(&self) -> T {
        self.0.with(Cell::get)
    }

    /// Gives this thread another value.
    pub fn set(&self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    /// Gives this thread another value, and returns the one before.
    pub fn replace(&self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

/// As the standard library's, for what is declared here: statics with a constant beginning.
#[macro_export]
macro_rules! locals {
    ($($(#[$attribute:meta])* $vis:vis static $name:ident: $type:ty = const { $begin:expr };)*) => {$(
        $(#[$attribute])*
        $vis static $name: $crate::Local<$type> = {
            $crate::shuttle::thread_local! {
                static KEY: $type = const { $begin };
            }
            $crate::Local::new(&KEY)
        };
    )*};
}
