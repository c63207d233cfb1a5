#![doc = include_str!("../README.md")]

mod allowed;
mod bucket;
mod clock;
mod config;
mod counters;
mod desk;
mod error;
mod gcra;
mod headers;
mod keyed;
mod levels;
mod limiter;
mod line;
mod place;
mod quota;
mod reservation;
mod room;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod server;
mod shard;
mod stats;
mod sync;
mod table;
#[cfg(feature = "tower")]
mod tower;
mod waiting;

pub use allowed::Allowed;
pub use config::KeyedConfig;
pub use error::{Denied, Refused, WaitError};
pub use headers::RateLimitHeaders;
pub use keyed::{KeyLevel, KeyedRateLimiter};
pub use levels::{Level, consume_all, consume_each};
pub use limiter::RateLimiter;
pub use quota::Quota;
pub use reservation::Reservation;
pub use server::RateLimitMsg;
pub use stats::{KeyedStats, LimiterStats};
#[cfg(feature = "tower")]
pub use tower::{ByKey, RateLimit, RateLimitLayer, ResponseFuture};
pub use waiting::WaitOptions;

#[doc(no_inline)]
pub use otp_core::{BadOption, Child, Pid, StartError, StopError, Strategy, Supervisor};
