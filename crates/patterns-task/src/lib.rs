#![doc = include_str!("../README.md")]

mod batch;
mod blocking;
mod caught;
mod config;
mod crew;
mod deadline;
mod error;
mod hedge;
mod many;
mod map;
mod pipeline;
mod race;
mod retry;
mod scope;
mod source;
mod stop;
mod stream;
mod supervisor;
mod task;
mod window;
mod woken;

pub use batch::batch_process;
pub use blocking::parallel_map_blocking;
pub use config::{
    BatchConfig, Delays, FetchConfig, HedgeConfig, MapConfig, Order, RetryConfig, StreamConfig,
};
pub use deadline::{Deadline, with_deadline};
pub use error::{Failure, ItemError, RaceError, StartTaskError, TaskError};
pub use hedge::hedge;
pub use many::{await_many, yield_many};
pub use map::{parallel_fetch, parallel_map};
pub use pipeline::{Pipeline, PipelineError, pipeline};
pub use race::{Answer, BoxFuture, boxed, multi_source_fetch, race, with_fallback};
pub use retry::{GaveUp, RetryError, retry, retry_if};
pub use scope::{Scope, ScopedTask, scope};
pub use source::{ByRef, Items, Ready};
pub use stop::StopSignal;
pub use stream::{TaskStream, TaskStreamExt, async_stream, stream_of};
pub use supervisor::{
    SupervisedError, SupervisedTask, TaskSupervisor, TaskSupervisorConfig, supervised_task,
};
pub use task::{Task, spawn, spawn_with_stop};
pub use window::StreamStats;

#[doc(no_inline)]
pub use otp_core::{
    Child, ChildCounts, DynamicSupervisorMsg, DynamicSupervisorRef, ExitReason, Pid, Restart,
    StartChildError, StartError, StopError, StopToken, backoff::Jitter,
};
