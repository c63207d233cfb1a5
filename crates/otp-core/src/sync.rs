//! The primitives that everything shared here is built on, behind one door.
//!
//! Mailbox, reply cell, deadlines and slot take their locks, atomics and thread-locals from this
//! module and wake each other by `Waker` alone. So `cargo xtask schedules` can put a schedule
//! checker's primitives in their place and run the real code.

pub(crate) use std::sync::atomic::Ordering;
// The checker has no `Arc` of its own, and one that could not become `Arc<dyn ..>` would be of no use.
// A `OnceLock` is only set here before anybody else sees it.
pub(crate) use std::sync::{Arc, OnceLock, Weak};

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize};
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use std::thread_local;

/// No user code ever runs under a lock of this crate, so a panic cannot leave a half-made change
/// behind one: a mutex without poisoning is the right one.
#[cfg(not(all(test, otp_schedules)))]
pub(crate) use parking_lot::{Mutex, MutexGuard, RwLock};

#[cfg(all(test, otp_schedules))]
pub(crate) use schedules::{
    AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Mutex, MutexGuard, RwLock,
    locals as thread_local,
};

/// For statics. They outlive each single execution of the checker, and its own primitives must not;
/// so these are never exchanged, and no schedule is tried around them.
pub(crate) use parking_lot::Mutex as GlobalMutex;
pub(crate) use std::sync::atomic::AtomicU64 as GlobalAtomicU64;
