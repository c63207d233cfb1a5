//! Notifications: events that render themselves, and channels that deliver texts, chosen by the caller.
//!
//! It is ready to use, and the model for a trait of your own: [`Notification`] is dispatch by the value (a protocol in Elixir), [`Channel`] is
//! dispatch by the implementation that the caller picks (a behaviour).
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use patterns_behaviour::notification::{Alert, Collector, Failing, Level, Options, notify};
//!
//! let alert = Alert::new("api").level(Level::Critical).message("high latency");
//! let collector = Collector::new();
//! let sent = notify(&alert, &collector, &Options::new()).await?;
//! assert_eq!(sent, "[CRITICAL] api: high latency");
//! assert_eq!(collector.texts(), ["[CRITICAL] api: high latency"]);
//!
//! let error = notify("plain text", &Failing::new(), &Options::new()).await.unwrap_err();
//! assert_eq!(error.to_string(), "unavailable");
//! # Ok(()) }
//! ```

mod alert;
mod channel;
mod collector;
mod console;
mod deploy;
mod error;
mod event;
mod failing;
mod notify;
mod options;

pub use alert::{Alert, Level};
pub use channel::{BatchChannel, Channel};
pub use collector::{Collected, Collector, Target};
pub use console::{Console, Device};
pub use deploy::{Deploy, Status};
pub use error::ChannelError;
pub use event::{Notification, Shown};
pub use failing::{Failing, Reason};
pub use notify::{channels, notify, notify_all, render, renderers};
pub use options::Options;
