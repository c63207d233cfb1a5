//! The locks and atomics on which publishers and subscribers agree, behind one door, so that `cargo
//! xtask schedules` can put a schedule checker's in their place and run the real code.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::Ordering;

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::thread::yield_now;

/// No code of the program's runs under a lock of this crate, so no panic can leave a half-made change
/// behind one: locks without poisoning are the right ones.
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::shuttle::thread::yield_now;
#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::{AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard, RwLock};
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::thread_local;

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::locals as thread_local;

/// A place where the schedule checker may let another thread run, between what it sees and what it does not: the code of another crate.
#[cfg(not(all(test, otp_schedules)))]
#[inline]
pub(crate) const fn give_way() {}

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::shuttle::thread::yield_now as give_way;
