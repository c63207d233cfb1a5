//! A window over the outcomes of the last so long: ten buckets, each a tenth of the time.

use super::Tally;

const BUCKETS: u64 = 10;

/// The outcomes of the tenth that it is now, and of the nine before: of at least nine tenths of the time, and at most all of it.
#[derive(Debug)]
pub(crate) struct Time {
    /// How long a bucket is, 1 ns or more.
    width: u64,
    buckets: Box<[Tally]>,
    /// The number of the newest bucket, counted from the beginning of time.
    newest: u64,
    sum: Tally,
}

impl Time {
    pub(super) fn new(size: u64) -> Self {
        Self {
            width: size.div_ceil(BUCKETS).max(1),
            buckets: (0..BUCKETS).map(|_| Tally::default()).collect(),
            newest: 0,
            sum: Tally::default(),
        }
    }

    pub(super) fn push(&mut self, now: u64, failed: bool, slow: bool) {
        self.forget(now);
        let one = Tally::one(failed, slow);
        self.buckets[place(self.newest)].add(one);
        self.sum.add(one);
    }

    pub(super) fn tally(&mut self, now: u64) -> Tally {
        self.forget(now);
        self.sum
    }

    pub(super) fn clear(&mut self) {
        self.buckets.fill(Tally::default());
        self.sum = Tally::default();
    }

    /// Empties the buckets whose time is over.
    fn forget(&mut self, now: u64) {
        let newest = now / self.width;
        let over = newest.saturating_sub(self.newest).min(BUCKETS);
        for bucket in 0..over {
            // The next ones after the newest are the oldest, whose places are needed.
            let old = &mut self.buckets[place(self.newest + 1 + bucket)];
            self.sum.subtract(std::mem::take(old));
        }
        self.newest = self.newest.max(newest);
    }
}

/// Where a bucket of this number has its place.
fn place(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS).unwrap_or(0)
}
