#![doc = include_str!("../README.md")]

mod cache;
mod config;
mod flight;
mod flights;
mod hooks;
mod idle;
mod loaded;
mod nesting;
mod s3fifo;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod server;
mod shard;
mod stats;
mod sync;
mod table;

pub use cache::Cache;
pub use config::CacheConfig;
pub use hooks::{Hooks, RemovalCause};
pub use loaded::{Compute, Loaded, Source};
pub use server::CacheMsg;
pub use stats::CacheStats;

#[doc(no_inline)]
pub use otp_core::{BadOption, Child, Pid, StartError, StopError, Strategy, Supervisor};
