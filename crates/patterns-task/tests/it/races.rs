//! `race`.

use std::time::Duration;

use patterns_task::{BoxFuture, Failure, RaceError, TaskError, boxed, race};

use crate::support::{Live, ms, panicked, quiet, secs, settle, timed, timeout};

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
async fn an_error_is_no_victory() {
    // In the original the first one that finishes wins, with an error as well.
    quiet();
    let live = Live::default();
    let field = [
        boxed(live.bad(ms(1), "no route")),
        boxed(async { panic!("as told") }),
        boxed(live.good(secs(1), 7)),
    ];
    assert_eq!(race(field, secs(5)).await, Ok(7));
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
async fn a_race_of_nobody_is_over_at_once() {
    // In the original it waits out its time.
    let nobody: Vec<BoxFuture<Result<(), ()>>> = Vec::new();
    let (outcome, time) = timed(race(nobody, Duration::MAX)).await;
    assert_eq!((outcome, time), (Err(RaceError::Empty), Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_loser_of_one_race_is_nothing_to_the_next() {
    // In the original a loser's message stays, and a later race returns it.
    let live = Live::default();
    for round in 1..50 {
        let field = [
            live.good(ms(2), 1_000 + round),
            live.good(ms(2), 2_000 + round),
        ];
        let winner = race(field, secs(5)).await.unwrap();
        assert_eq!(winner % 1_000, round);
    }
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
