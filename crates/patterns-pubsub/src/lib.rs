#![doc = include_str!("../README.md")]

mod collector;
mod config;
mod error;
mod info;
mod list;
mod mailbox;
mod message;
mod options;
mod pattern;
mod publisher;
mod pubsub;
mod queue;
mod retained;
mod ring;
mod route;
mod routes;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod seat;
mod server;
mod servers;
mod shared;
mod stats;
mod subscriber;
mod subscription;
mod sync;
mod target;
mod trie;

pub use collector::Collector;
pub use config::PubSubConfig;
pub use error::{PublishError, SubscribeError};
pub use info::{PubSubInfo, SubscriberInfo, SubscriberKind};
pub use message::{Event, Message};
pub use options::{KeyOf, LatestKey, Overflow, SubscribeOptions, SubscribeServerOptions};
pub use publisher::Publisher;
pub use pubsub::PubSub;
pub use server::PubSubMsg;
pub use stats::PubSubStats;
pub use subscription::{Ended, Subscription};

// What signatures here name that comes from otp-core.
#[doc(no_inline)]
pub use otp_core::{
    BadOption, Child, Context, ExitReason, GenServer, Inbox, Pid, ReplyTo, ServerRef, StartError,
    StopError, Strategy, Supervisor, inbox, start,
};
