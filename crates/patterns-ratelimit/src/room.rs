//! How many keys there may be.

use crate::Denied;
use crate::sync::{AtomicUsize, Ordering};

/// The places for keys, counted only if there is a bound.
#[derive(Debug)]
pub(crate) struct Room {
    max: Option<usize>,
    taken: AtomicUsize,
}

impl Room {
    pub(crate) fn new(max: Option<usize>) -> Self {
        Self {
            max,
            taken: AtomicUsize::new(0),
        }
    }

    /// Takes a place.
    pub(crate) fn enter(&self) -> Result<(), Denied> {
        let Some(max_keys) = self.max else {
            return Ok(());
        };
        // Only the number is agreed on here; what it counts is behind locks.
        let entered = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < max_keys).then_some(taken + 1)
            });
        match entered {
            Ok(_) => Ok(()),
            Err(_) => Err(Denied::TooManyKeys { max_keys }),
        }
    }

    /// Gives places back.
    pub(crate) fn leave(&self, places: usize) {
        if self.max.is_some() {
            self.taken.fetch_sub(places, Ordering::Relaxed);
        }
    }
}
