//! `hedge`.

use std::num::NonZeroUsize;
use std::time::Duration;

use patterns_task::{Failure, HedgeConfig, RaceError, TaskError, hedge};
use testing::{ms, quiet, secs, settle};

use crate::support::{Live, nonzero, panicked, timed, timeout};

fn config(delay: Duration, attempts: usize) -> HedgeConfig {
    HedgeConfig {
        delay,
        max_attempts: nonzero(attempts),
        timeout: secs(5),
    }
}

#[tokio::test(start_paused = true)]
async fn a_quick_answer_needs_no_second_attempt() {
    let live = Live::default();
    let answer = hedge(HedgeConfig::default(), |attempt| live.good(ms(99), attempt));
    let (answer, time) = timed(answer).await;
    assert_eq!((answer, time, live.ever()), (Ok(0), ms(99), 1));
}

#[tokio::test(start_paused = true)]
async fn a_slow_one_gets_company_and_the_first_answer_counts() {
    let live = Live::default();
    let answer = hedge(HedgeConfig::default(), |attempt| {
        live.good(ms(3_000 - 2_900 * attempt as u64), attempt)
    });
    let (answer, time) = timed(answer).await;
    assert_eq!((answer, time, live.ever()), (Ok(1), ms(200), 2));
    settle().await;
    assert_eq!(live.now(), 0);
    // The first one may still win.
    let answer = hedge(HedgeConfig::default(), |attempt| {
        live.good(ms(150), attempt)
    });
    assert_eq!(timed(answer).await, (Ok(0), ms(150)));
}

#[tokio::test(start_paused = true)]
async fn attempts_are_begun_one_delay_after_another_and_no_more_than_so_many() {
    let live = Live::default();
    let answer = hedge(config(ms(100), 4), |attempt| live.good(secs(1), attempt));
    let (answer, time) = timed(answer).await;
    assert_eq!(
        (answer, time, live.ever(), live.most()),
        (Ok(0), secs(1), 4, 4)
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_has_the_next_one_begun_at_once() {
    quiet();
    let live = Live::default();
    let answer = hedge(config(secs(2), 4), |attempt| {
        assert!(attempt != 1, "as told");
        let live = live.clone();
        async move {
            match attempt {
                0 => live.bad(ms(10), "no route").await,
                2 => live.bad(ms(10), "closed").await,
                _ => live.good(ms(10), 7).await,
            }
        }
    });
    assert_eq!(timed(answer).await, (Ok(7), ms(30)));
}

#[tokio::test(start_paused = true)]
async fn when_all_fail_all_errors_are_told() {
    quiet();
    let live = Live::default();
    let answer = hedge(config(Duration::MAX, 3), |attempt| {
        assert!(attempt != 2, "as told");
        live.bad(ms(10), ["no route", "closed"][attempt])
    });
    let errors = vec![
        Failure::Failed("no route"),
        Failure::Failed("closed"),
        Failure::Task(panicked("as told")),
    ];
    assert_eq!(
        timed(answer).await,
        (Err(RaceError::Failed(errors)), ms(20))
    );
}

#[tokio::test(start_paused = true)]
async fn there_is_one_time_for_all_attempts() {
    let live = Live::default();
    let answer = hedge(config(ms(100), 2), |_| live.good(secs(9), 1));
    let (answer, time) = timed(answer).await;
    assert_eq!(
        (answer, time),
        (Err(RaceError::Timeout(vec![timeout(), timeout()])), secs(5))
    );
    settle().await;
    assert_eq!(live.now(), 0);
    // No attempt is begun when the time is over.
    let answer = hedge(config(Duration::MAX, 9), |_| live.good(secs(9), 1));
    assert_eq!(answer.await, Err(RaceError::Timeout(vec![timeout()])));
}

#[tokio::test(start_paused = true)]
async fn no_delay_begins_all_at_once_and_one_attempt_is_one() {
    let live = Live::default();
    let answer = hedge(config(Duration::ZERO, 3), |attempt| {
        live.good(ms(30 - 10 * attempt as u64), attempt)
    });
    let (answer, time) = timed(answer).await;
    assert_eq!(answer, Ok(2));
    assert!(time <= ms(13), "{time:?}");
    let one = HedgeConfig {
        max_attempts: NonZeroUsize::MIN,
        ..HedgeConfig::default()
    };
    assert_eq!(hedge(one, |_| live.good(secs(1), 1)).await, Ok(1));
    let none = HedgeConfig {
        timeout: Duration::ZERO,
        ..HedgeConfig::default()
    };
    let outcome = hedge(none, |_| live.good(secs(1), 1)).await;
    assert_eq!(
        outcome,
        Err(RaceError::Timeout(vec![Failure::Task(
            TaskError::NotStarted
        )]))
    );
}
