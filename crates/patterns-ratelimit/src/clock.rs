//! The clock of a limiter. A schedule must not depend on how fast it is run: time stands still in it.

#[cfg(not(all(test, otp_schedules)))]
pub(crate) use otp_core::clock::Clock;
#[cfg(all(test, otp_schedules))]
pub(crate) use stopped::Clock;

#[cfg(all(test, otp_schedules))]
mod stopped {
    use otp_core::clock;
    use tokio::time::Instant;

    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Clock(clock::Clock);

    impl Clock {
        pub(crate) fn new() -> Self {
            Self(clock::Clock::new())
        }

        pub(crate) fn now(&self) -> u64 {
            0
        }

        pub(crate) fn at(&self, moment: Instant) -> u64 {
            self.0.at(moment)
        }
    }
}
