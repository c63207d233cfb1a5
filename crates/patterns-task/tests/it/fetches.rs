//! `parallel_fetch` and `multi_source_fetch`.

use std::time::Duration;

use patterns_task::{Failure, FetchConfig, TaskError, multi_source_fetch, parallel_fetch};
use testing::{ms, quiet, secs};
use tokio::time::sleep;

use crate::support::{Live, panicked, timed, timeout};

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
async fn sources_are_asked_at_the_same_time() {
    let live = Live::default();
    let sources: Vec<_> = (0..5_u64).map(|n| (n, live.good(secs(1), n))).collect();
    let (answers, time) = timed(multi_source_fetch(sources, Duration::MAX)).await;
    assert_eq!(answers, (0..5).map(|n| (n, Ok(n))).collect::<Vec<_>>());
    assert_eq!((time, live.most()), (secs(1), 5));
    let none = multi_source_fetch([(1, live.good(secs(1), 1))], Duration::ZERO).await;
    assert_eq!(none, [(1, Err(Failure::Task(TaskError::NotStarted)))]);
}
