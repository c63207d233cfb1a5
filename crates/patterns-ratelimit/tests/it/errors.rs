//! Every text that a person reads.

use std::fmt::Write;
use std::time::Duration;

use insta::assert_snapshot;
use patterns_ratelimit::{Denied, KeyedConfig, KeyedRateLimiter, Quota, RateLimiter, WaitError};
use testing::secs;

use crate::support::Outcome;

#[test]
fn refusals() {
    let nanos = Duration::from_nanos;
    let waits = [
        Duration::ZERO,
        nanos(1),
        nanos(1_500),
        nanos(999_999),
        nanos(1_000_001),
        nanos(333_333_334),
        nanos(999_999_999),
        secs(1),
        nanos(2_000_000_001),
        secs(3),
        secs(86_400),
    ];
    let mut text = String::new();
    for retry_after in waits {
        writeln!(text, "{}", Denied::Limited { retry_after }).unwrap();
    }
    for denied in [
        Denied::Impossible {
            cost: 21,
            capacity: 20,
        },
        Denied::Impossible {
            cost: 1,
            capacity: 20,
        },
        Denied::TooManyKeys { max_keys: 1_000 },
    ] {
        writeln!(text, "{denied}").unwrap();
    }
    for error in [
        WaitError::Timeout {
            retry_after: secs(2),
        },
        WaitError::Denied(Denied::Limited {
            retry_after: secs(2),
        }),
        WaitError::NoTimers,
    ] {
        writeln!(text, "{error}").unwrap();
    }
    assert_snapshot!(text, @r"
    rate limited, try again in 0 ns
    rate limited, try again in 1 ns
    rate limited, try again in 2 µs
    rate limited, try again in 1 ms
    rate limited, try again in 2 ms
    rate limited, try again in 334 ms
    rate limited, try again in 1 s
    rate limited, try again in 1 s
    rate limited, try again in 3 s
    rate limited, try again in 3 s
    rate limited, try again in 86400 s
    rate limited for good: 21 tokens can never be there at once, of 20
    rate limited for good: the tokens are spent, and none comes back
    rate limited: there are 1000 keys already, and no more may be
    timed out waiting for the rate limit, which would take 2 s more
    rate limited, try again in 2 s
    waiting takes a tokio runtime with timers, and there is none here
    ");
}

#[test]
fn only_a_wait_that_takes_too_long_is_a_timeout() {
    let retry_after = secs(2);
    assert!(WaitError::Timeout { retry_after }.is_timeout());
    assert!(!WaitError::Denied(Denied::Limited { retry_after }).is_timeout());
    assert!(!WaitError::NoTimers.is_timeout());
}

#[tokio::test(start_paused = true)]
async fn debug_texts_show_no_keys() -> Outcome {
    let limiter = RateLimiter::new(Quota::per_second(2))?;
    let keyed = KeyedRateLimiter::<String>::new(KeyedConfig::from(Quota::per_second(2)))?;
    let allowed = keyed.consume("secret", 1)?;
    let text = format!(
        "{limiter:?}\n{keyed:?}\n{:?}\n{allowed:?}\n{:?}",
        keyed.at("secret"),
        limiter.try_reserve(1)?
    );
    assert_snapshot!(text, @r"
    RateLimiter { .. }
    KeyedRateLimiter { quota: Quota { capacity: 2, refill: 2, period: 1s }, .. }
    KeyLevel { .. }
    Allowed { remaining: 1, capacity: 2, full_after: Some(500ms) }
    Reservation { tokens: 1, .. }
    ");
    Ok(())
}
