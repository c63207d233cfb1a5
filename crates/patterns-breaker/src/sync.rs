//! The lock and the atomics on which a breaker rests, behind one door, so that a schedule checker's can be put in their place
//! and the real code be run under it.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::sync::atomic::AtomicU64;

/// No code of the program's runs under a lock of this crate but `Eq` of keys, which changes nothing of ours: no panic can leave a
/// half-made change behind one, and a mutex without poisoning is the right one.
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use parking_lot::Mutex;

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::{AtomicU64, Mutex};
