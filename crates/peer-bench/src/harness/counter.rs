//! The state of every actor that is measured: eight bytes, and the number of those alive is known.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

static ALIVE: AtomicU64 = AtomicU64::new(0);

/// A sum. All contenders hold the same one, so that the moment when all have ended is known without asking any of them.
#[derive(Debug)]
pub(crate) struct Counter {
    total: u64,
}

impl Counter {
    pub(crate) fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self { total: 0 }
    }

    pub(crate) fn add(&mut self, n: u64) {
        self.total = self.total.wrapping_add(n);
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many counters there are.
pub(crate) fn alive() -> u64 {
    ALIVE.load(Ordering::Relaxed)
}

/// Returns when at most `remaining` counters are left; late by a millisecond at most.
pub(crate) async fn until_alive_at_most(remaining: u64) {
    while alive() > remaining {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
