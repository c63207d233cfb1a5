//! Errors as a person reads them.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use patterns_breaker::{BreakerConfig, BreakerError, Cause, State};
use testing::{advance, ms, secs};

use crate::support::{breaker, half_opened, plain};

#[tokio::test(start_paused = true)]
async fn a_rejection_says_when_to_try_again() {
    let mut texts = Vec::new();
    let open = plain();
    open.trip();
    for wait in [
        Duration::ZERO,
        ms(1),
        ms(1_999),
        ms(2_000),
        ms(500),
        ms(499),
        Duration::from_micros(999),
    ] {
        advance(wait).await;
        texts.push(open.try_acquire().unwrap_err().to_string());
    }
    let half_open = half_opened(BreakerConfig::default()).await;
    let _trial = half_open.try_acquire().unwrap();
    texts.push(half_open.try_acquire().unwrap_err().to_string());
    let ramping = half_opened(BreakerConfig {
        ramp: Some(secs(30)),
        success_threshold: 1,
        ..BreakerConfig::default()
    })
    .await;
    ramping.try_acquire().unwrap().success();
    ramping.try_acquire().unwrap().success();
    texts.push(ramping.try_acquire().unwrap_err().to_string());
    open.isolate();
    texts.push(open.try_acquire().unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"), @"
    circuit open, try again in 5 s
    circuit open, try again in 5 s
    circuit open, try again in 3 s
    circuit open, try again in 1 s
    circuit open, try again in 500 ms
    circuit open, try again in 1 ms
    circuit open, try again in 1 µs
    circuit half-open, try again in 5 s
    circuit ramping, try again in 30 s
    circuit isolated, until it is reset
    ");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_of_ages_overflows_nowhere() {
    let ages = breaker(BreakerConfig {
        reset_timeout: Duration::from_secs(u64::from(u32::MAX)),
        ..BreakerConfig::default()
    });
    ages.trip();
    let rejected = ages.try_acquire().unwrap_err();
    insta::assert_snapshot!(rejected, @"circuit open, try again in 4294967295 s");
}

#[derive(Debug)]
struct Wrapped(io::Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no invoice")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn a_call_error_reads_as_what_it_is() {
    let open = plain();
    open.trip();
    open.reset();
    open.isolate();
    let rejected = BreakerError::<Wrapped>::from(open.try_acquire().unwrap_err());
    let failed = BreakerError::Failed(Wrapped(io::Error::other("reset by peer")));
    let timed_out = BreakerError::<Wrapped>::Timeout { after: secs(5) };
    let panicked = BreakerError::<Wrapped>::Panicked("index out of bounds".into());
    let texts = [&rejected, &failed, &timed_out, &panicked].map(ToString::to_string);
    insta::assert_snapshot!(texts.join("\n"), @"
    circuit isolated, until it is reset
    no invoice
    no result after 5s
    panicked: index out of bounds
    ");
    // Its text is the error's own, so its source is the one of that.
    assert_eq!(failed.source().unwrap().to_string(), "reset by peer");
    assert!(rejected.source().is_none());
    assert!(rejected.is_rejected() && !failed.is_rejected());
    assert!(timed_out.is_timeout() && !panicked.is_timeout());
    assert!(failed.into_failed().is_some());
    assert!(panicked.into_failed().is_none());
}

#[test]
fn states_and_causes_have_names() {
    let states = [
        State::Closed,
        State::Ramping,
        State::HalfOpen,
        State::Open,
        State::Isolated,
    ];
    insta::assert_snapshot!(states.map(|state| state.to_string()).join(", "), @"closed, ramping, half-open, open, isolated");
    let causes = [
        Cause::FailureThreshold,
        Cause::FailureRate,
        Cause::SlowRate,
        Cause::ResetTimeout,
        Cause::TrialsSucceeded,
        Cause::TrialFailed,
        Cause::TrialSlow,
        Cause::TrialsTimedOut,
        Cause::RampedUp,
        Cause::Tripped,
        Cause::Isolated,
        Cause::Reset,
    ];
    insta::assert_snapshot!(causes.map(|cause| cause.to_string()).join("\n"), @"
    too many failures in a row
    too many failures in the window
    too many slow calls in the window
    time for a trial
    trials succeeded
    a trial failed
    a trial was slow
    trials hang
    ramped up
    tripped
    isolated
    reset
    ");
    assert_eq!(format!("[{:>10}]", State::Open), "[      open]");
}
