//! The scenario groups; each measures, enters its figures in the book and writes its section.

#[cfg(feature = "otp")]
pub(crate) mod agent;
#[cfg(feature = "otp")]
pub(crate) mod breaker;
pub(crate) mod cache;
pub(crate) mod call;
pub(crate) mod cast;
mod growth;
mod hit_ratio;
#[cfg(feature = "otp")]
pub(crate) mod limit;
pub(crate) mod memory;
#[cfg(feature = "otp")]
pub(crate) mod pool;
#[cfg(feature = "otp")]
pub(crate) mod pubsub;
pub(crate) mod registry;
#[cfg(feature = "otp")]
mod relations;
pub(crate) mod start;
#[cfg(feature = "otp")]
pub(crate) mod store;
pub(crate) mod supervision;
#[cfg(feature = "otp")]
pub(crate) mod task;

use crate::book::Book;
use crate::options::Options;

/// Measures, enters the figures and gives the section.
type Group = fn(&Options, &mut Book) -> String;

/// Runs the groups that were asked for and gives their sections.
pub(crate) fn run(options: &Options, book: &mut Book) -> Vec<String> {
    let groups: Vec<(&str, Group)> = vec![
        ("call", call::run),
        ("cast", cast::run),
        ("start", start::run),
        ("memory", memory::run),
        ("growth", growth::run),
        #[cfg(feature = "otp")]
        ("relations", relations::run),
        #[cfg(feature = "otp")]
        ("supervision", supervision::run),
        #[cfg(feature = "otp")]
        ("registry", registry::run),
        ("cache", cache::run),
        #[cfg(feature = "otp")]
        ("store", store::run),
        #[cfg(feature = "otp")]
        ("agent", agent::run),
        #[cfg(feature = "otp")]
        ("task", task::run),
        #[cfg(feature = "otp")]
        ("pool", pool::run),
        #[cfg(feature = "otp")]
        ("limit", limit::run),
        #[cfg(feature = "otp")]
        ("breaker", breaker::run),
        #[cfg(feature = "otp")]
        ("pubsub", pubsub::run),
    ];
    groups
        .into_iter()
        .filter(|(name, _)| options.wants(name))
        .map(|(_, group)| group(options, book))
        .collect()
}
