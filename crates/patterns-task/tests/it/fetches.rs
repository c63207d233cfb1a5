//! `parallel_fetch` and `multi_source_fetch`.

use std::collections::HashMap;
use std::time::Duration;

use patterns_task::{Failure, FetchConfig, TaskError, boxed, multi_source_fetch, parallel_fetch};
use tokio::time::sleep;

use crate::support::{Live, ms, nonzero, panicked, quiet, secs, settle, timed, timeout};

async fn fetch(url: &'static str) -> Result<String, String> {
    match url {
        "slow" => sleep(secs(60)).await,
        "broken" => return Err("no route".to_owned()),
        "crash" => panic!("as told"),
        _ => sleep(ms(100)).await,
    }
    Ok(format!("page {url}"))
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_fails_alone_and_order_is_kept() {
    quiet();
    let urls = ["a", "broken", "slow", "crash", "b"];
    let (pages, time) = timed(parallel_fetch(
        urls,
        |&url| fetch(url),
        FetchConfig::default(),
    ))
    .await;
    assert_eq!(pages[0].as_deref(), Ok("page a"));
    assert_eq!(pages[4].as_deref(), Ok("page b"));
    for (index, failure) in [
        (1, Failure::Failed("no route".to_owned())),
        (2, timeout()),
        (3, Failure::Task(panicked("as told"))),
    ] {
        let error = pages[index].as_ref().unwrap_err();
        assert_eq!(
            (error.index, error.input, &error.error),
            (index, urls[index], &failure)
        );
    }
    // The one that is slow has three seconds, not five.
    assert_eq!(time, secs(3));
}

#[tokio::test(start_paused = true)]
async fn when_the_time_for_all_is_over_what_is_there_is_kept() {
    let live = Live::default();
    let work = live.clone();
    let config = FetchConfig {
        max_concurrency: nonzero(2),
        ..FetchConfig::default()
    };
    let naps = [2, 3, 2, 2, 2, 1];
    let nap = move |&n: &u64| work.good(secs(n), n);
    let config = FetchConfig {
        item_timeout: secs(4),
        ..config
    };
    let (naps, time) = timed(parallel_fetch(naps, nap, config)).await;
    assert_eq!(time, secs(5));
    assert_eq!(naps[..2], [Ok(2), Ok(3)]);
    assert_eq!(naps[2], Ok(2));
    // Its two seconds end with the five: either is right, but nothing else.
    assert!(naps[3].is_ok() || naps[3].as_ref().unwrap_err().error.is_timeout());
    let late = naps[4].as_ref().unwrap_err();
    assert_eq!((late.input, &late.error), (2, &timeout()));
    let never = naps[5].as_ref().unwrap_err();
    assert_eq!(
        (never.index, never.input, &never.error),
        (5, 1, &Failure::Task(TaskError::NotStarted))
    );
    settle().await;
    assert_eq!((live.now(), live.ever()), (0, 5));
}

#[tokio::test(start_paused = true)]
async fn the_defaults_are_those_of_the_original() {
    let config = FetchConfig::default();
    assert_eq!((config.timeout, config.item_timeout), (secs(5), secs(3)));
    let config = FetchConfig {
        timeout: Duration::ZERO,
        ..config
    };
    let pages = parallel_fetch(["a"], |&url| fetch(url), config).await;
    assert_eq!(
        pages[0].as_ref().unwrap_err().error,
        Failure::Task(TaskError::NotStarted)
    );
    let config = FetchConfig {
        timeout: Duration::MAX,
        item_timeout: Duration::MAX,
        ..FetchConfig::default()
    };
    let pages = parallel_fetch(["slow"], |&url| fetch(url), config).await;
    assert_eq!(pages[0].as_deref(), Ok("page slow"));
}

#[tokio::test(start_paused = true)]
async fn named_sources_share_one_time() {
    // In the original each later source has longer, up to three times the time-out.
    quiet();
    let live = Live::default();
    let sources = [
        ("database", boxed(live.good(secs(9), 1))),
        ("cache", boxed(live.good(ms(10), 2))),
        ("api", boxed(live.bad(ms(200), "no route"))),
        ("queue", boxed(async { panic!("as told") })),
        ("search", boxed(live.good(secs(9), 3))),
    ];
    let (answers, time) = timed(multi_source_fetch(sources, secs(5))).await;
    let names: Vec<_> = answers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["database", "cache", "api", "queue", "search"]);
    let answers: HashMap<_, _> = answers.into_iter().collect();
    assert_eq!(answers["database"], Err(timeout()));
    assert_eq!(answers["cache"], Ok(2));
    assert_eq!(answers["api"], Err(Failure::Failed("no route")));
    assert_eq!(answers["queue"], Err(Failure::Task(panicked("as told"))));
    assert_eq!(answers["search"], Err(timeout()));
    assert_eq!(time, secs(5));
    settle().await;
    assert_eq!(live.now(), 0);
}

#[tokio::test(start_paused = true)]
async fn sources_are_asked_at_the_same_time() {
    let live = Live::default();
    let sources: Vec<_> = (0..5_u64).map(|n| (n, live.good(secs(1), n))).collect();
    let (answers, time) = timed(multi_source_fetch(sources, Duration::MAX)).await;
    assert_eq!(answers, (0..5).map(|n| (n, Ok(n))).collect::<Vec<_>>());
    assert_eq!((time, live.most()), (secs(1), 5));
    let none = multi_source_fetch([(1, live.good(secs(1), 1))], Duration::ZERO).await;
    assert_eq!(none, [(1, Err(Failure::Task(TaskError::NotStarted)))]);
}
