//! What several modules need: work that is counted while it is there.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use patterns_task::{Failure, MapConfig, Order, StreamConfig, TaskError};
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

pub(crate) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
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

/// Lets other tasks run until they have nothing more to do.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

/// Polls a future so often, with everything else having its turn and 10 ms going by in between; tells whether it was done by then.
pub(crate) async fn polled<T>(work: impl Future<Output = T>, times: usize) -> bool {
    let mut work = pin!(work);
    for _ in 0..times {
        let mut cx = Context::from_waker(Waker::noop());
        if work.as_mut().poll(&mut cx).is_ready() {
            return true;
        }
        tokio::time::advance(ms(10)).await;
        tokio::task::yield_now().await;
    }
    false
}

/// Drops what `make` makes after ever more polls, until it is done; after each, nothing that it started runs.
pub(crate) async fn dropped_at_each_await<F: Future>(make: impl Fn(Live) -> F) {
    let mut times = 0;
    let mut ever = 0;
    loop {
        let live = Live::default();
        let done = polled(make(live.clone()), times).await;
        ever += live.ever();
        settle().await;
        assert_eq!(live.now(), 0, "after {times} polls");
        let begun = live.ever();
        tokio::time::advance(secs(3_600)).await;
        settle().await;
        assert_eq!(live.ever(), begun, "begun after the drop, at {times} polls");
        if done {
            break;
        }
        times += 1;
        assert!(times < 1_000, "it never ends");
    }
    assert!(times > 1, "it never waited");
    assert!(ever > 0, "it never began anything");
}

/// Keeps expected panics out of the output.
pub(crate) fn quiet() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            if text.is_some_and(|text| !text.starts_with("as told")) {
                before(info);
            }
        }));
    });
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
