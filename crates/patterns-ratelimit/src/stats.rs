//! What a limiter counts.

use crate::Quota;

/// What a [`RateLimiter`](crate::RateLimiter) has counted, and what it holds at this moment.
///
/// Without concurrent use the counts are exact. While others use the limiter they are read one after the other, and may be a few requests apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimiterStats {
    /// How many requests were allowed, those that had waited too.
    pub allowed: u64,
    /// How many were refused. One of several limiters that were asked at once counts those that it refused itself.
    pub rejected: u64,
    /// How many tokens there are now, rounded down, without those that somebody waits for.
    pub tokens: u32,
    /// How many wait.
    pub waiting: usize,
    /// The quota.
    pub quota: Quota,
}

/// What a [`KeyedRateLimiter`](crate::KeyedRateLimiter) has counted, and what it holds at this moment.
///
/// Without concurrent use the counts are exact. While others use the limiter they are read one after the other, and may be a few requests apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedStats {
    /// How many requests were allowed, those that had waited too.
    pub allowed: u64,
    /// How many were refused. One of several limiters that were asked at once counts those that it refused itself.
    pub rejected: u64,
    /// How many keys are remembered. Those whose tokens are all back are forgotten when a sweep or a new key comes by.
    pub keys: usize,
    /// How many keys were forgotten because their tokens were all back.
    pub evicted: u64,
    /// How many wait, for all keys.
    pub waiting: usize,
    /// The quota of each key that has none of its own.
    pub quota: Quota,
}
