//! What the workspace's crates need to run their real code under a schedule checker.
//!
//! The checker, `shuttle`, takes the place of the primitives behind a crate's `sync.rs`, runs all
//! threads of a scenario on one thread of the machine, and decides before each lock and each atomic
//! who goes on. A thread that nobody wakes shows as a deadlock. It tries orders, not reorderings:
//! every atomic is sequentially consistent here, so what `Relaxed` allows is not tried.
//!
//! Without `--cfg otp_schedules`, which `cargo xtask schedules` sets, this crate is empty.

#![cfg(otp_schedules)]

mod check;
mod run;
mod sync;

pub use check::check;
pub use run::{assert_unlocked, block_on, join, poll_once, spawn};
pub use shuttle;
pub use sync::{
    AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Local, Mutex, MutexGuard, RwLock,
    is_locked,
};
