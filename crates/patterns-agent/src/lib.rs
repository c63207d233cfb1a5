#![doc = include_str!("../README.md")]

mod agent;
mod cell;
mod circle;
mod config;
mod config_store;
mod core;
mod counter;
mod error;
mod info;
mod observer;
mod reader;
mod server;
mod statistics;
mod view;

pub use agent::Agent;
pub use config::{AgentConfig, OnPanic, Validator};
pub use config_store::{ConfigStore, ConfigStoreConfig, ConfigStoreMsg};
pub use counter::Counter;
pub use error::AgentError;
pub use info::AgentInfo;
pub use reader::{Change, Reader};
pub use server::AgentMsg;
pub use statistics::{Metric, Statistics, StatisticsConfig, StatisticsMsg, Timing};
pub use view::View;

#[doc(no_inline)]
pub use otp_core::{
    Child, ExitReason, Pid, ServerState, StartError, StopError, Strategy, Supervisor,
};
