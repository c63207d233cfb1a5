//! The clock of a breaker. A schedule must not depend on how fast it is run: there the scenario sets the time.

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use otp_core::clock::Clock;
#[cfg(all(test, otp_schedules))]
pub(crate) use set_by_hand::Clock;

#[cfg(all(test, otp_schedules))]
mod set_by_hand {
    use std::time::Duration;

    use otp_core::clock::{self, nanos};
    use tokio::time::Instant;

    use crate::sync::{AtomicU64, Ordering};

    #[derive(Debug)]
    pub(crate) struct Clock {
        clock: clock::Clock,
        now: AtomicU64,
    }

    impl Clock {
        pub(crate) fn new() -> Self {
            Self {
                clock: clock::Clock::new(),
                now: AtomicU64::new(0),
            }
        }

        pub(crate) fn now(&self) -> u64 {
            self.now.load(Ordering::SeqCst)
        }

        pub(crate) fn advance(&self, by: Duration) {
            self.now.fetch_add(nanos(by), Ordering::SeqCst);
        }

        pub(crate) fn instant(&self, at: u64) -> Instant {
            self.clock.instant(at)
        }
    }
}
