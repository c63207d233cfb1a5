//! One entry of a shard, and when it is over.

use otp_core::clock::NEVER;

use crate::RemovalCause;
use crate::idle::Idle;
use crate::s3fifo::{Candidate, Uses};

/// A key, its value, and what the shard has to know of them.
#[derive(Debug)]
pub(crate) struct Entry<K, V> {
    pub(crate) key: K,
    pub(crate) value: V,
    /// Kept so that growing the table, moving and evicting never call the user's `Hash`.
    pub(super) hash: u64,
    /// When its time to live is over.
    pub(super) deadline: u64,
    /// Tells this value from all that its key had before, but for one in 2^32.
    pub(super) stamp: u32,
    pub(super) uses: Uses,
}

impl<K, V> Entry<K, V> {
    pub(crate) fn stamp(&self) -> u32 {
        self.stamp
    }
}

/// What a shard does with its entries, the same for all shards of a cache.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// How long an entry lives that nobody uses, in nanoseconds.
    pub(crate) time_to_idle: Option<u64>,
    /// How long an entry is kept when its time to live is over, in nanoseconds.
    pub(crate) grace: u64,
    /// Whether entries differ in weight.
    pub(crate) weighs: bool,
}

/// An entry that had to go, and why.
pub(crate) type Gone<K, V> = (Entry<K, V>, RemovalCause);

/// Says whether a moment has come.
pub(super) fn is_over(moment: u64, now: impl Fn() -> u64) -> bool {
    moment != NEVER && moment <= now()
}

/// When an entry is kept no longer: its time to live and the grace period are over, or it idles.
pub(super) fn goes<K, V>(
    entries: &[Entry<K, V>],
    idle: Option<&Idle>,
    grace: u64,
    index: usize,
) -> u64 {
    let deadline = entries[index].deadline.saturating_add(grace);
    match idle {
        Some(idle) => deadline.min(idle.at(index)),
        None => deadline,
    }
}

/// How the policy looks at an entry.
pub(super) fn look_at<'a, K, V>(
    entries: &'a [Entry<K, V>],
    idle: Option<&'a Idle>,
    grace: u64,
    now: impl Fn() -> u64,
) -> impl Fn(u32) -> Candidate<'a> {
    move |at| {
        let Entry { hash, uses, .. } = &entries[at as usize];
        Candidate {
            hash: *hash,
            uses,
            expired: is_over(goes(entries, idle, grace, at as usize), &now),
        }
    }
}
