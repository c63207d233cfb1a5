//! The crate's real code under a schedule checker: each scenario is run in thousands of orders in
//! which its threads may take turns.
//!
//! The checker, `shuttle`, takes the place of the primitives behind [`crate::sync`], runs all threads
//! of a scenario on one thread of the machine, and decides before each lock and each atomic who goes
//! on. A thread that nobody wakes shows as a deadlock. It tries orders, not reorderings: every atomic
//! is sequentially consistent here, so what `Relaxed` allows is not tried.
//!
//! `cargo xtask schedules` runs them. A failure prints its schedule, and
//! `cargo xtask schedules NAME --replay SCHEDULE` runs that one again.

mod actor;
mod crash;
mod deadline;
mod deadlock;
mod end;
mod ending;
mod kept;
mod links;
mod mailbox;
mod monitors;
mod peers;
mod registry;
mod reply;
mod server;
mod signals;
mod slot;
mod start;

use schedules::check;
