#![doc = include_str!("../README.md")]

mod catalog;
mod config;
pub mod contract;
mod dispatcher;
mod error;
mod future;
mod hooks;
mod implementations;
mod in_hand;
mod keeper;
mod line;
mod name;
pub mod notification;
mod renderers;
mod report;
mod retry;
mod route;
mod shared;
mod stats;
mod ticket;
mod worker;

pub use catalog::Catalog;
pub use config::DispatcherConfig;
pub use dispatcher::Dispatcher;
pub use error::{AddError, DuplicateName, MakeError, SendError, UnknownName};
pub use future::BoxFuture;
pub use hooks::Hooks;
pub use implementations::Implementations;
pub use keeper::DispatcherMsg;
pub use name::default_name;
pub use renderers::{AnyDebug, Renderers};
pub use report::{DeadLetter, DeliverError, Delivered, Failure, GaveUp};
pub use route::Route;
pub use stats::{DispatcherInfo, DispatcherStats, RouteInfo};
pub use ticket::Ticket;

// What signatures here name that comes from otp-core.
#[doc(no_inline)]
pub use otp_core::{
    BadOption, Child, Inbox, Pid, Recipient, StartError, StopError, Strategy, Supervisor,
    backoff::{Backoff, Jitter},
    inbox,
};
