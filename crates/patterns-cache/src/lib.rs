#![doc = include_str!("../README.md")]

mod cache;
mod clock;
mod config;
mod error;
mod s3fifo;
mod server;
mod shard;
mod stats;
mod table;

pub use cache::Cache;
pub use config::CacheConfig;
pub use error::StartError;
pub use stats::CacheStats;
