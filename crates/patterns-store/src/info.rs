//! What a table is.

use std::sync::Arc;

use crate::Access;

/// What a table is and how it is doing: ETS's `info`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableInfo {
    /// The name from the options.
    pub name: Arc<str>,
    /// The type as ETS spells it: `set`, `ordered_set`, `bag` or `duplicate_bag`.
    pub table_type: &'static str,
    /// What others than the owner may do.
    pub access: Access,
    /// How many live rows there are.
    pub size: usize,
    /// The bound from the options.
    pub max_rows: Option<usize>,
    /// How many locks the rows are dealt out to.
    pub shards: usize,
    /// How many indexes and change feeds are told of each write.
    pub watchers: usize,
}
