#![doc = include_str!("../README.md")]

mod access;
mod bounds;
mod changes;
mod comparison;
mod config;
mod counter;
mod dump;
mod error;
mod index;
mod info;
mod inside;
mod kind;
mod limit;
mod moment;
mod owner;
mod rows;
#[cfg(all(test, otp_schedules))]
mod schedules;
mod server;
mod shard;
mod shared;
mod stats;
mod store;
mod sync;
mod table;
mod watch;

pub use access::{Access, Operation};
pub use changes::{Change, Changes};
pub use comparison::ReadComparison;
pub use config::{StoreConfig, TableConfig};
pub use counter::{Counter, Step};
pub use dump::FileError;
pub use error::{PutError, StoreError, StorePutError, TableError};
pub use index::Index;
pub use info::TableInfo;
pub use kind::{Bag, DuplicateBag, Lookup, ManyRows, OrderedSet, Set, TableType, UniqueKeys};
pub use owner::TableOwner;
pub use server::StoreMsg;
pub use stats::TableStats;
pub use store::Store;
pub use table::{Prefix, Table};

#[doc(no_inline)]
pub use otp_core::{
    BadOption, CallError, Child, Inbox, Pid, Recipient, StartError, StopError, Strategy,
    Supervisor, inbox,
};
