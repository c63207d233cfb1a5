//! The locks and atomics on which loads and their waiters agree, behind one door, so that `cargo
//! xtask schedules` can put a schedule checker's in their place and run the real code.

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use real::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::thread_local;

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::{
    Mutex, MutexGuard as RwLockReadGuard, MutexGuard as RwLockWriteGuard, RwLock,
    locals as thread_local,
};

/// The standard library's locks. What they guard is whole whenever user code runs under them, so a
/// poisoned one means nothing and is taken all the same.
#[cfg(not(all(test, otp_schedules)))]
mod real {
    use std::sync::{self, MutexGuard, PoisonError};

    pub(crate) use std::sync::{RwLockReadGuard, RwLockWriteGuard};

    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[derive(Debug)]
    pub(crate) struct RwLock<T>(sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> RwLockReadGuard<'_, T> {
            self.0.read().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn write(&self) -> RwLockWriteGuard<'_, T> {
            self.0.write().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
