//! Time that the test has in its hand.

use std::time::Duration;

use tokio::task::yield_now;

/// As many turns as anything here needs that happens without time.
const TURNS: u32 = 200;

/// Milliseconds.
#[must_use]
pub const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Seconds.
#[must_use]
pub const fn secs(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Lets other tasks run until they have nothing more to do. No time goes by.
pub async fn settle() {
    for _ in 0..TURNS {
        yield_now().await;
    }
}

/// Lets time go by at once, in a runtime whose clock is paused, and then lets other tasks run. Of several timers that are due, all are: what is to
/// happen in between needs a call for each step.
pub async fn advance(by: Duration) {
    settle().await;
    tokio::time::advance(by).await;
    settle().await;
}
