//! The primitives that everything shared here is built on, behind one door.
//!
//! Mailbox, reply cell, deadlines and slot take their locks and atomics from this module and
//! wake each other by `Waker` alone, so that a schedule checker can put its own primitives in their
//! place and run the real code.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, OnceLock, Weak};

/// No user code ever runs under a lock of this crate, so a panic cannot leave a half-made change
/// behind one: a mutex without poisoning is the right one.
pub(crate) use parking_lot::Mutex;
