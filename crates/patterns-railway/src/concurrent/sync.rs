//! The lock and the flag on which wakes rest, behind one door, so that a schedule checker's can be put in their place and the
//! real code be run under it.

pub(super) use std::sync::Arc;
pub(super) use std::sync::atomic::Ordering;

#[cfg(not(all(test, otp_schedules)))]
pub(super) use std::sync::atomic::AtomicBool;

#[cfg(all(test, otp_schedules))]
pub(super) use schedules::{AtomicBool, Mutex};

/// A mutex without poisoning: nothing can panic under a lock of this crate.
#[cfg(not(all(test, otp_schedules)))]
#[derive(Default)]
pub(super) struct Mutex<T>(std::sync::Mutex<T>);

#[cfg(not(all(test, otp_schedules)))]
impl<T> Mutex<T> {
    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, T> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
