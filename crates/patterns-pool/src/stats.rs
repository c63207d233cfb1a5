//! What a pool counts.

/// What a [`Pool`](crate::Pool) has counted since it was made, restarts by a supervisor included.
///
/// At every moment `created` is the number of members that there are (and of those just being handed in) and of `crashed`,
/// `closed` and `taken` together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// Members handed to borrowers. One whose check on checkout failed counts too.
    pub lent: u64,
    /// Checkouts that had to wait.
    pub waited: u64,
    /// Checkouts whose time was over.
    pub timed_out: u64,
    /// Checkouts that were turned away because the pool was overloaded.
    pub shed: u64,
    /// Checkouts that were given up by their callers while they waited.
    pub cancelled: u64,
    /// Members that were made.
    pub created: u64,
    /// Members that could not be made.
    pub create_failures: u64,
    /// Members that are servers and have ended by themselves.
    pub crashed: u64,
    /// Members that the pool has closed, for whatever reason.
    pub closed: u64,
    /// Members that borrowers have kept for good.
    pub taken: u64,
    /// Leaks that were reported.
    pub leaks: u64,
}
