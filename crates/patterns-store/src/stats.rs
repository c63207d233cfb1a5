//! What a table counts.

/// What a table has counted, and how many rows it holds.
///
/// A read of a key is a hit if there is a live row, and a miss otherwise: `get`, `with` and `member`, direct and
/// through the owner, and `Index` reads not. Without concurrent use the counts are exact. While others use the
/// table they are read one after the other, and may be a few operations apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableStats {
    /// How many reads of a key found a live row.
    pub hits: u64,
    /// How many reads of a key found none.
    pub misses: u64,
    /// How many live rows there are.
    pub size: usize,
}

impl TableStats {
    /// Returns the share of reads that were hits, from 0.0 to 1.0, or `None` before the first read.
    #[must_use]
    pub fn hit_ratio(&self) -> Option<f64> {
        let reads = self.hits + self.misses;
        (reads > 0).then(|| self.hits as f64 / reads as f64)
    }
}
