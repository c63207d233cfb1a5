//! Checks that wait, side by side in one task, with all their errors.

mod each;
mod join;
mod slots;

pub use each::each_concurrent;
pub use join::AllConcurrent;
