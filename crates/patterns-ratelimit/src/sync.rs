//! The locks and atomics on which those who share a limiter agree, behind one door, so that `cargo xtask schedules` can put a schedule
//! checker's in their place and run the real code.

pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize};

/// What these guard is whole whenever code of the program runs under one (the `Eq` and `Clone` of keys), so a panic there cannot leave a half-made
/// change behind: a mutex without poisoning is the right one.
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::{AtomicU64, AtomicUsize, Mutex, MutexGuard};
