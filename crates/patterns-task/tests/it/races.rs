//! `race`.

use std::time::Duration;

use patterns_task::{Failure, RaceError, TaskError, boxed, race};
use testing::{ms, quiet, secs, settle};

use crate::support::{Live, panicked, timed, timeout};

#[tokio::test(start_paused = true)]
async fn the_first_success_wins_and_the_losers_are_gone() {
    let live = Live::default();
    let field = [
        live.good(secs(3), 3),
        live.good(secs(1), 1),
        live.good(secs(2), 2),
    ];
    let (winner, time) = timed(race(field, secs(5))).await;
    assert_eq!((winner, time), (Ok(1), secs(1)));
    settle().await;
    assert_eq!((live.now(), live.ever()), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn when_none_succeeds_all_errors_are_told_in_order() {
    quiet();
    let live = Live::default();
    let field = [
        boxed(live.bad(ms(30), "late")),
        boxed(async { panic!("as told") }),
        boxed(live.bad(ms(1), "early")),
    ];
    let errors = vec![
        Failure::Failed("late"),
        Failure::Task(panicked("as told")),
        Failure::Failed("early"),
    ];
    assert_eq!(race(field, secs(5)).await, Err(RaceError::Failed(errors)));
}

#[tokio::test(start_paused = true)]
async fn when_the_time_is_over_it_is_told_who_had_failed_and_who_was_late() {
    let live = Live::default();
    let field = [
        boxed(live.good(secs(9), 1)),
        boxed(live.bad(ms(1), "no route")),
    ];
    let (outcome, time) = timed(race(field, secs(5))).await;
    let failures = vec![timeout(), Failure::Failed("no route")];
    assert_eq!(
        (outcome, time),
        (Err(RaceError::Timeout(failures)), secs(5))
    );
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_begins_nobody() {
    let live = Live::default();
    let outcome = race([live.good(ms(1), 1), live.good(ms(1), 2)], Duration::ZERO).await;
    let failures = vec![
        Failure::Task(TaskError::NotStarted),
        Failure::Task(TaskError::NotStarted),
    ];
    assert_eq!(outcome, Err(RaceError::Timeout(failures)));
    assert_eq!(live.ever(), 0);
}
