//! Counts that many threads add to without meeting.

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many threads at a time have a place of their own to count at.
const PLACES: usize = 16;

/// How many requests were allowed and refused.
///
/// 1. A thread has a place of its own or counts at the common one. At its own nobody else writes, so that it adds by a load and a store, for a fifth of what an atomic
///    addition costs; at the common one it adds by that.
/// 2. A place that a thread gives up at its end is another's only after a lock was passed on: so that one goes on from the last count.
/// 3. Nobody sets a count back: what is reset is subtracted when it is read.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    places: [Counts; PLACES],
    common: Counts,
    /// What was counted before the last reset.
    before: Mutex<(u64, u64)>,
}

/// Alone on its cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Counts {
    allowed: AtomicU64,
    refused: AtomicU64,
}

impl Counts {
    #[inline]
    fn of(&self, is_allowed: bool) -> &AtomicU64 {
        if is_allowed {
            &self.allowed
        } else {
            &self.refused
        }
    }
}

impl Counters {
    #[inline]
    pub(crate) fn count(&self, is_allowed: bool) {
        let place = match PLACE.get() {
            UNKNOWN => Lease::begin(),
            place => place,
        };
        // Nothing is concluded from a count but the count.
        match self.places.get(place) {
            Some(own) => {
                let count = own.of(is_allowed);
                count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            }
            None => {
                self.common.of(is_allowed).fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// How many were allowed, and how many refused, since the last reset.
    pub(crate) fn read(&self) -> (u64, u64) {
        let before = self.before();
        let (allowed, refused) = self.all();
        (allowed - before.0, refused - before.1)
    }

    pub(crate) fn reset(&self) {
        let mut before = self.before();
        *before = self.all();
    }

    fn all(&self) -> (u64, u64) {
        let counts = self.places.iter().chain([&self.common]);
        counts.fold((0, 0), |(allowed, refused), counts| {
            (
                allowed + counts.allowed.load(Ordering::Relaxed),
                refused + counts.refused.load(Ordering::Relaxed),
            )
        })
    }

    fn before(&self) -> MutexGuard<'_, (u64, u64)> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Before a thread has counted for the first time.
const UNKNOWN: usize = usize::MAX;

thread_local! {
    /// Where this thread counts, in all limiters: the number of a place, or `PLACES` for the common one. It has no destructor, so that it is read at once.
    static PLACE: Cell<usize> = const { Cell::new(UNKNOWN) };

    /// Gives the place back when the thread ends.
    static LEASE: Lease = Lease::take();
}

/// A place that is one thread's.
struct Lease(usize);

/// Which places are nobody's, one bit each.
static FREE: Mutex<u32> = Mutex::new((1 << PLACES) - 1);

impl Lease {
    /// Finds this thread a place.
    #[cold]
    fn begin() -> usize {
        // A thread that is being torn down has no locals any more, and counts at the common place.
        let place = LEASE.try_with(|lease| lease.0).unwrap_or(PLACES);
        PLACE.set(place);
        place
    }

    fn take() -> Self {
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        match usize::try_from(free.trailing_zeros()) {
            Ok(place) if place < PLACES => {
                *free &= !(1 << place);
                Self(place)
            }
            _ => Self(PLACES),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // What is counted from now on, by destructors of other locals, is no longer alone here.
        PLACE.set(PLACES);
        if self.0 < PLACES {
            *FREE.lock().unwrap_or_else(PoisonError::into_inner) |= 1 << self.0;
        }
    }
}
