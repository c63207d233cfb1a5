//! Counts that many threads add to without meeting.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How many places there are to count at.
const STRIPES: usize = 8;

/// How many requests were allowed and refused. Each thread counts at one of a few places, two threads at different ones as a rule.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    stripes: [Stripe; STRIPES],
}

/// Alone on its cache lines: on the processors of today two lines are fetched together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe {
    allowed: AtomicU64,
    refused: AtomicU64,
}

thread_local! {
    /// Where this thread counts.
    static PLACE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

impl Counters {
    #[inline]
    pub(crate) fn count(&self, is_allowed: bool) {
        // A thread that is being torn down has no locals any more.
        let place = PLACE.try_with(|place| *place).unwrap_or(0);
        let stripe = &self.stripes[place % STRIPES];
        let count = if is_allowed {
            &stripe.allowed
        } else {
            &stripe.refused
        };
        // Nothing is concluded from a count but the count.
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// How many were allowed, and how many refused.
    pub(crate) fn read(&self) -> (u64, u64) {
        self.stripes
            .iter()
            .fold((0, 0), |(allowed, refused), stripe| {
                (
                    allowed + stripe.allowed.load(Ordering::Relaxed),
                    refused + stripe.refused.load(Ordering::Relaxed),
                )
            })
    }

    pub(crate) fn reset(&self) {
        for stripe in &self.stripes {
            stripe.allowed.store(0, Ordering::Relaxed);
            stripe.refused.store(0, Ordering::Relaxed);
        }
    }
}
