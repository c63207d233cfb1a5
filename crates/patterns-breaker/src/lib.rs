#![doc = include_str!("../README.md")]

mod breaker;
mod classified;
mod clock;
mod config;
mod counters;
mod error;
mod event;
mod events;
mod hooks;
mod machine;
mod permit;
mod running;
#[cfg(all(test, otp_schedules))]
mod schedules;
#[cfg(feature = "tower")]
mod service;
mod set;
mod shared;
mod state;
mod stats;
mod sync;
mod window;
mod word;

pub use breaker::Breaker;
pub use classified::ClassifiedBreaker;
pub use config::{BreakerConfig, SlowCall, WindowConfig, WindowSize};
pub use error::{BreakerError, Rejected};
pub use event::{BreakerEvent, Cause, Transition};
pub use events::BreakerEvents;
pub use hooks::Hooks;
pub use permit::{OwnedPermit, Permit};
#[cfg(feature = "tower")]
pub use service::{BreakerLayer, BreakerService, Classify};
pub use set::{BreakerSet, BreakerSetStats};
pub use state::{Outcome, State};
pub use stats::{BreakerStats, WindowStats};

// What signatures here name that comes from otp-core.
#[doc(no_inline)]
pub use otp_core::{BadOption, backoff::Jitter};
