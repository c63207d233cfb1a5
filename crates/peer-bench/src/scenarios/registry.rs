//! Workers that come and go: started under a dynamic supervisor, found by a registry.

#[cfg(feature = "otp")]
mod again;
#[cfg(feature = "otp")]
mod all;
#[cfg(feature = "otp")]
mod listing;
#[cfg(feature = "otp")]
mod lives;
#[cfg(feature = "otp")]
mod lookup;
#[cfg(feature = "otp")]
mod one;
#[cfg(feature = "otp")]
mod population;
#[cfg(feature = "otp")]
mod section;

#[cfg(feature = "otp")]
pub(crate) use section::run;

/// The scenario in the book, in nanoseconds: 1 caller, 100,000 children are there already.
pub(crate) const START_CHILD: &str = "registry: start_child, 1 caller, 100000 there";
/// The scenario in the book, in nanoseconds per child: 10,000 of them.
pub(crate) const STOP: &str = "registry: stop, 10000 children";
/// The scenario in the book, in nanoseconds: `u64` keys and the hasher of the standard library, on 1 thread.
pub(crate) const LOOKUP: &str = "registry: lookup, `u64`, `RandomState`, 1 thread";
/// The same with `String` keys.
pub(crate) const LOOKUP_STRING: &str = "registry: lookup, `String`, `RandomState`, 1 thread";

/// How many keys a registry has.
#[cfg(feature = "otp")]
const KEYS: u64 = 100_000;
