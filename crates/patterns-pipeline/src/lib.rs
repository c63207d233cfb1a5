#![doc = include_str!("../README.md")]

mod boxed;
mod chain;
mod config;
mod drive;
mod error;
mod flow;
mod journal;
mod modifiers;
mod pipeline;
mod retry;
mod sequence;
mod shared;
mod stage;
mod stage_counts;
mod step;
mod then;
mod timeout;
mod trace;
mod undo;
mod undoing;
mod undone;

pub use boxed::{BoxPipeline, Boxed};
pub use chain::{Chain, Start, SyncChain};
pub use config::{Order, RetryConfig, StageConfig};
pub use error::{Cause, Panicked, StageError, StageFailure, StepError, TimedOut};
pub use flow::{Flow, FlowExt, FlowHandle, Numbered, Source, Stages};
pub use pipeline::Pipeline;
pub use retry::Retry;
pub use shared::PipelineStats;
pub use stage::Stage;
pub use stage_counts::StageStats;
pub use step::{AsyncStep, PlainStep, Step, SyncStep};
pub use then::{Joined, Then};
pub use timeout::Timeout;
pub use trace::{Outcome, StepTrace, Trace, Traced};
pub use undo::{Undo, UndoLater, UndoNow, UndoReply};
pub use undone::{Name, UndoOutcome, Undone};

// How long to wait between attempts comes from otp-core.
pub use otp_core::backoff::{Backoff, Jitter};
