#![doc = include_str!("../README.md")]

mod checkout;
mod closing;
mod config;
mod error;
mod event;
mod guard;
mod info;
mod keeper;
mod ledger;
mod limited;
mod making;
mod manager;
mod pool;
mod process;
mod servers;
mod shared;
mod stats;
mod sync;

pub use config::{Order, PoolConfig, Shedding, WarmUp};
pub use error::{
    CheckoutError, CreateError, ProcessError, StartError, TransactionError, WaitedFor,
};
pub use event::{Leak, PoolEvent};
pub use guard::Guard;
pub use info::{MemberInfo, MemberStatus, PoolInfo};
pub use keeper::PoolMsg;
pub use manager::Manager;
pub use pool::Pool;
pub use servers::{Servers, Worker};
pub use stats::PoolStats;

#[doc(no_inline)]
pub use otp_core::{
    BadOption, CallError, CastError, Child, Context, ExitReason, GenServer, Inbox, Pid, Recipient,
    ReplyTo, ServerOptions, ServerRef, StopError, Strategy, Supervisor,
    backoff::{Backoff, Jitter},
    inbox, start,
};
