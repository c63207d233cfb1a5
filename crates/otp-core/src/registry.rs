//! Registries: processes under keys, for as long as they live.

mod duplicate;
mod error;
mod event;
mod held;
mod row;
mod table;
mod unique;
mod via;

pub use duplicate::DuplicateRegistry;
pub use error::AlreadyRegistered;
pub use event::RegistryEvent;
pub(crate) use held::Held;
pub use row::Registered;
pub use unique::Registry;
pub use via::Via;
