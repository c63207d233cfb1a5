//! Work that is being timed.

use tokio::time::Instant;

use super::{Name, Statistics};

/// Notes at its drop how long it was there: so also when the work panics or is dropped.
pub(super) struct Timed<'a> {
    statistics: &'a Statistics,
    name: Name,
    began: Instant,
}

impl<'a> Timed<'a> {
    pub(super) fn begin(statistics: &'a Statistics, name: Name) -> Self {
        Self {
            statistics,
            name,
            began: Instant::now(),
        }
    }
}

impl Drop for Timed<'_> {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        self.statistics.note(name, self.began.elapsed());
    }
}
