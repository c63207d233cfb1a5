//! The primitives that everything shared here is built on, behind one door, so that a schedule checker's can be put in their place.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// No code of the program's runs under a lock of this crate, so no panic can leave a half-made change behind one: a mutex
/// without poisoning is the right one.
pub(crate) use parking_lot::Mutex;
