//! Deadlines that are inherited.

use std::time::Duration;

use patterns_task::{
    BatchConfig, Deadline, Failure, FetchConfig, GaveUp, HedgeConfig, RaceError, RetryConfig,
    TaskError, batch_process, hedge, parallel_fetch, parallel_map, pipeline, race, retry, scope,
    spawn, with_deadline, with_fallback,
};
use testing::{ms, secs, settle};
use tokio::time::sleep;

use crate::support::{Live, map_config, timed, timeout};

#[tokio::test(start_paused = true)]
async fn what_is_done_in_time_has_its_value_and_the_rest_is_dropped() {
    let live = Live::default();
    let deadline = Deadline::after(secs(2));
    assert_eq!(with_deadline(deadline, live.work(secs(1), 7)).await, Ok(7));
    let (outcome, time) = timed(with_deadline(deadline, live.work(secs(60), 7))).await;
    assert_eq!(
        (outcome, time, live.now()),
        (Err(TaskError::Timeout), secs(1), 0)
    );
    assert!(deadline.is_over());
    assert_eq!(deadline.remaining(), Duration::ZERO);
    let outcome = with_deadline(deadline, live.work(ms(1), 7)).await;
    assert_eq!((outcome, live.ever()), (Err(TaskError::NotStarted), 2));
}

#[tokio::test(start_paused = true)]
async fn an_inner_deadline_may_be_sooner_and_never_later() {
    assert_eq!(Deadline::current(), None);
    let outer = Deadline::after(secs(10));
    let seen = with_deadline(outer, async {
        let sooner = Deadline::after(secs(1));
        let inner = with_deadline(sooner, async { Deadline::current() })
            .await
            .unwrap();
        let later = with_deadline(Deadline::after(secs(60)), async { Deadline::current() })
            .await
            .unwrap();
        (inner == Some(sooner), later, Deadline::current())
    });
    assert_eq!(seen.await.unwrap(), (true, Some(outer), Some(outer)));
    assert_eq!(Deadline::current(), None);
}

#[tokio::test(start_paused = true)]
async fn tasks_inherit_it_however_deep() {
    let deadline = Deadline::after(secs(10));
    let seen = with_deadline(deadline, async {
        let deep = spawn(async {
            spawn(async {
                let config = map_config(1, secs(60));
                let seen = parallel_map([()], |()| async { Deadline::current() }, config).await;
                seen.into_iter().next().unwrap().unwrap()
            })
            .await
        });
        let scoped =
            scope(|scope| async move { scope.spawn(async { Deadline::current() }).await.unwrap() });
        (deep.await.unwrap().unwrap(), scoped.await.unwrap())
    });
    assert_eq!(seen.await.unwrap(), (Some(deadline), Some(deadline)));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_was_let_go_keeps_it_all_the_same() {
    let live = Live::default();
    let work = live.clone();
    let let_go = with_deadline(Deadline::after(secs(2)), async move {
        spawn(work.work(secs(60), ())).detach();
        [spawn(work.work(secs(60), ()))]
    });
    let [kept] = let_go.await.unwrap();
    assert_eq!(timed(kept).await, (Err(TaskError::Timeout), secs(2)));
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_bounds_every_time_out_and_what_is_there_by_then_is_kept() {
    let live = Live::default();
    let work = live.clone();
    let all = with_deadline(Deadline::after(secs(2)), async move {
        let nap = |&n: &u64| work.good(secs(n), n);
        let long = || work.good(secs(60), 60);
        let max = Duration::MAX;
        let fetch_config = FetchConfig {
            timeout: max,
            item_timeout: max,
            ..FetchConfig::default()
        };
        let batch_config = BatchConfig {
            timeout: max,
            ..BatchConfig::default()
        };
        let hedge_config = HedgeConfig {
            timeout: max,
            ..HedgeConfig::default()
        };
        tokio::join!(
            parallel_fetch([1, 60], nap, fetch_config),
            parallel_map([1, 60, 60], nap, map_config(1, max)),
            batch_process([1, 60, 60], nap, batch_config),
            race([long()], max),
            with_fallback([long()], |_| 9, max),
            hedge(hedge_config, |_| long()),
            pipeline(max, long),
        )
    });
    let (all, time) = timed(all).await;
    let (fetched, mapped, batched, raced, fallen, hedged, piped) = all.unwrap();
    assert_eq!(time, secs(2));
    assert_eq!(
        (&fetched[0], &fetched[1].as_ref().unwrap_err().error),
        (&Ok(1), &timeout())
    );
    assert_eq!(mapped[0], Ok(Ok(1)));
    assert_eq!(mapped[1].as_ref().unwrap_err().error, TaskError::Timeout);
    assert_eq!(mapped[2].as_ref().unwrap_err().error, TaskError::NotStarted);
    assert_eq!(batched[0], Ok(Ok(1)));
    assert_eq!(batched[1].as_ref().unwrap_err().error, TaskError::Timeout);
    assert_eq!(
        batched[2].as_ref().unwrap_err().error,
        TaskError::NotStarted
    );
    assert_eq!(raced, Err(RaceError::Timeout(vec![timeout()])));
    assert_eq!(fallen[0].clone().into_value(), Some(9));
    assert_eq!(hedged, Err(RaceError::Timeout(vec![timeout(), timeout()])));
    assert_eq!(piped.unwrap_err().failure, timeout());
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_retry_sleeps_no_longer_than_there_is_time() {
    let config = RetryConfig {
        jitter: patterns_task::Jitter::None,
        ..RetryConfig::default()
    };
    let tries = with_deadline(
        Deadline::after(ms(250)),
        retry(config, || async { Err::<(), _>("busy") }),
    );
    let (error, time) = timed(tries).await;
    let error = error.unwrap().unwrap_err();
    assert_eq!(
        (error.attempts, error.gave_up, time),
        (2, GaveUp::NoTime, ms(100))
    );
    assert_eq!(error.failure, Failure::Failed("busy"));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_beyond_all_clocks_is_far_away() {
    let far = Deadline::after(Duration::MAX);
    assert!(far.remaining() > secs(86_400 * 365));
    let nap = with_deadline(far, spawn(async { sleep(secs(86_400 * 30)).await }));
    assert_eq!(nap.await, Ok(Ok(())));
    assert_eq!(Deadline::at(far.instant()), far);
}

#[tokio::test]
async fn a_future_that_uses_up_all_its_turns_is_ended_all_the_same() {
    // The real clock, for a paused one stands still while there is something to do.
    let busy = spawn(with_deadline(Deadline::after(ms(20)), async {
        loop {
            tokio::task::consume_budget().await;
        }
    }));
    let outcome = tokio::time::timeout(secs(60), busy).await;
    assert_eq!(outcome, Ok(Ok(Err::<(), _>(TaskError::Timeout))));
}
