#![doc = include_str!("../README.md")]

mod all;
mod checks;
#[cfg(feature = "async")]
mod concurrent;
mod each;
mod error;
mod panicked;
mod path;
mod placed;
#[cfg(feature = "async")]
mod railway;
mod result_ext;

pub use all::All;
pub use checks::{Checked, Checks, Finished, Open, accumulate};
#[cfg(feature = "async")]
pub use concurrent::{AllConcurrent, each_concurrent};
pub use each::{each, each_entry};
pub use error::{Errors, Located};
pub use panicked::{Panicked, catch};
pub use path::{Path, Segment};
pub use placed::Placed;
#[cfg(feature = "async")]
pub use railway::{Railway, RailwayExt};
pub use result_ext::ResultExt;
