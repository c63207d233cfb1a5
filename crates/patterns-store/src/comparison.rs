//! What a direct read saves.

use std::time::Duration;

/// The times that as many reads of one row took, through the owner and direct: see
/// [`compare_reads`](crate::Store::compare_reads).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadComparison {
    /// How many reads were made each way.
    pub iterations: u32,
    /// How long they took as messages to the owner, one after the other.
    pub through_owner: Duration,
    /// How long they took directly.
    pub direct: Duration,
}

impl ReadComparison {
    /// Returns how many times faster direct reads were, or `None` if there were none to measure.
    #[must_use]
    pub fn speedup(&self) -> Option<f64> {
        let direct = self.direct.as_secs_f64();
        (direct > 0.0).then(|| self.through_owner.as_secs_f64() / direct)
    }
}
