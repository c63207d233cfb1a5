//! What several modules need: work that is counted while it is there.

use std::future::Future;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use patterns_task::{
    BatchConfig, Failure, Jitter, MapConfig, Order, RetryConfig, StreamConfig, TaskError,
    TaskSupervisor, TaskSupervisorConfig,
};
use testing::{advance, at_each_await, ms, polled_after, secs, settle};
use tokio::time::{Instant, sleep};

/// Counts what is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
    ever: AtomicUsize,
}

/// Counted while it is there.
#[derive(Debug)]
pub(crate) struct Guard(Live);

impl Live {
    pub(crate) fn guard(&self) -> Guard {
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        self.0.ever.fetch_add(1, Ordering::SeqCst);
        Guard(self.clone())
    }

    pub(crate) fn now(&self) -> usize {
        self.0.now.load(Ordering::SeqCst)
    }

    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }

    pub(crate) fn ever(&self) -> usize {
        self.0.ever.load(Ordering::SeqCst)
    }

    /// Work that takes so long, and is counted while it runs.
    pub(crate) fn work<T: Send + 'static>(
        &self,
        time: Duration,
        value: T,
    ) -> impl Future<Output = T> + Send + use<T> {
        let live = self.clone();
        async move {
            let _guard = live.guard();
            sleep(time).await;
            value
        }
    }

    /// As [`work`](Live::work), which succeeds.
    pub(crate) fn good<T: Send + 'static>(
        &self,
        time: Duration,
        value: T,
    ) -> impl Future<Output = Result<T, &'static str>> + Send + use<T> {
        self.work(time, Ok(value))
    }

    /// As [`work`](Live::work), which fails.
    pub(crate) fn bad(
        &self,
        time: Duration,
        error: &'static str,
    ) -> impl Future<Output = Result<u64, &'static str>> + Send + use<> {
        self.work(time, Err(error))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

pub(crate) fn nonzero(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

pub(crate) fn map_config(max_concurrency: usize, timeout: Duration) -> MapConfig {
    MapConfig {
        max_concurrency: nonzero(max_concurrency),
        timeout,
    }
}

pub(crate) fn stream_config(max_concurrency: usize, order: Order) -> StreamConfig {
    StreamConfig {
        max_concurrency: nonzero(max_concurrency),
        order,
        timeout: Duration::MAX,
        ..StreamConfig::default()
    }
}

/// The default options, without chance in the delays.
pub(crate) fn steady() -> RetryConfig {
    RetryConfig {
        jitter: Jitter::None,
        ..RetryConfig::default()
    }
}

pub(crate) fn attempts(number: u32) -> RetryConfig {
    RetryConfig {
        max_attempts: NonZeroU32::new(number).unwrap(),
        ..steady()
    }
}

pub(crate) fn batch_config(batch_size: usize, max_concurrency: usize) -> BatchConfig {
    BatchConfig {
        batch_size: nonzero(batch_size),
        max_concurrency: nonzero(max_concurrency),
        ..BatchConfig::default()
    }
}

pub(crate) async fn tasks() -> TaskSupervisor {
    TaskSupervisor::start(TaskSupervisorConfig::default())
        .await
        .unwrap()
}

pub(crate) fn panicked(message: &str) -> TaskError {
    TaskError::Panicked(message.into())
}

pub(crate) fn timeout<E>() -> Failure<E> {
    Failure::Task(TaskError::Timeout)
}

/// Runs `work`, and tells how long it took besides.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let start = Instant::now();
    (work.await, start.elapsed())
}

/// Drops what `make` makes after ever more polls, with 10 ms going by in between, until it is done; after each, nothing that it started runs.
pub(crate) async fn dropped_at_each_await<F: Future>(make: impl Fn(Live) -> F) {
    let (mut polls, mut ever) = (0, 0);
    at_each_await(async |times| {
        let live = Live::default();
        let done = polled_in_steps(make(live.clone()), times).await;
        (polls, ever) = (times, ever + live.ever());
        settle().await;
        assert_eq!(live.now(), 0, "after {times} polls");
        let begun = live.ever();
        advance(secs(3_600)).await;
        assert_eq!(live.ever(), begun, "begun after the drop, at {times} polls");
        done
    })
    .await;
    assert!(polls > 1, "it never waited");
    assert!(ever > 0, "it never began anything");
}

/// Polls a future so often, with one turn for everything else and 10 ms going by in between; tells whether it was done by then.
async fn polled_in_steps<T>(work: impl Future<Output = T>, times: usize) -> bool {
    let step = async || {
        tokio::time::advance(ms(10)).await;
        tokio::task::yield_now().await;
    };
    polled_after(work, times, step).await
}

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct DropBomb;

impl Drop for DropBomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("as told, in a drop");
        }
    }
}
