//! Checks that wait, side by side in one task, with all their errors.

mod each;
mod join;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod slots;
mod sync;

pub use each::each_concurrent;
pub use join::AllConcurrent;
