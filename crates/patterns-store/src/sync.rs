//! The primitives on which a table's ownership rests, behind one door.
//!
//! Locks, atomics and thread-locals that decide who may still use a table come from this module, so
//! that a schedule checker's can be put in their place and the real code be run under it.

pub(crate) use std::sync::atomic::Ordering;
pub(crate) use std::sync::{Arc, Weak};

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::thread_local;

/// Rows are whole whenever code of the program runs under one of these, so a panic there cannot leave
/// a half-made change behind: locks without poisoning are the right ones.
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::{
    AtomicBool, AtomicU64, AtomicUsize, Mutex, MutexGuard as RwLockReadGuard,
    MutexGuard as RwLockWriteGuard, RwLock, locals as thread_local,
};
