//! Maps and fetches over many inputs side by side.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;

use crate::config::{FetchConfig, MapConfig, Order, StreamConfig};
use crate::deadline::{end_after, until};
use crate::error::{Failure, ItemError};
use crate::source::{ByRef, Fallible, Items, Make};
use crate::stream::TaskStream;

/// Runs `make(&item)` for each item in a task of its own, a bounded number at the same time, and collects the results in the order of the
/// items.
///
/// A slow item delays nobody but itself: the next one begins as soon as any is done. `make` is called by the caller's task; it looks at
/// the item and makes a future that owns what it needs. The item itself stays, and comes back in the error, if there is one. `items` must
/// end; for endless ones, and for work that must own its input, there are [`async_stream`](crate::async_stream) and
/// [`stream_of`](crate::stream_of).
///
/// # Errors
///
/// Each item's own: an [`ItemError`] with the item, its index, and why: a panic, in `make`, too, or a time-out. When the inherited
/// [`Deadline`](crate::Deadline) is over, items that run are aborted and those that were not begun say so. A panic of `items` is the
/// caller's, and aborts what runs.
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts what it has begun, and begins no more.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{MapConfig, TaskError, parallel_map};
///
/// let halves = parallel_map([8, 7, 6], |&n| async move {
///     assert!(n % 2 == 0, "odd");
///     n / 2
/// }, MapConfig::default()).await;
/// assert_eq!((&halves[0], &halves[2]), (&Ok(4), &Ok(3)));
/// let error = halves[1].as_ref().unwrap_err();
/// assert_eq!((error.input, &error.error), (7, &TaskError::Panicked("odd".into())));
/// # }
/// ```
pub async fn parallel_map<I, F, Fut>(
    items: I,
    make: F,
    config: MapConfig,
) -> Vec<Result<Fut::Output, ItemError<I::Item>>>
where
    I: IntoIterator,
    F: FnMut(&I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let config = StreamConfig {
        max_concurrency: config.max_concurrency,
        timeout: config.timeout,
        order: Order::Input,
        max_buffered: usize::MAX,
    };
    collect(items, ByRef(make), config, Duration::MAX).await
}

/// Fetches something for each item side by side, and collects what came, in the order of the items.
///
/// `fetch` is any function that makes a fallible future of an item: a request, a query, a read. One that fails, panics or takes too long spoils
/// no other. When the time for all is over, what is there is kept. Otherwise as [`parallel_map`].
///
/// # Errors
///
/// Each item's own: an [`ItemError`] with the item, its index, and a [`Failure`]: what `fetch` failed with, a panic, or a
/// time-out; [`TaskError::NotStarted`](crate::TaskError::NotStarted) for those whose turn did not come.
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts what it has begun, and begins no more.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{FetchConfig, parallel_fetch};
///
/// let files = ["Cargo.toml", "no such file"];
/// let texts = parallel_fetch(files, |&file| async move { std::fs::read_to_string(file) }, FetchConfig::default()).await;
/// assert!(texts[0].as_ref().unwrap().contains("[package]"));
/// let error = texts[1].as_ref().unwrap_err();
/// assert_eq!(error.input, "no such file");
/// assert!(error.error.error().is_some());
/// # }
/// ```
pub async fn parallel_fetch<I, F, Fut, T, E>(
    items: I,
    fetch: F,
    config: FetchConfig,
) -> Vec<Result<T, ItemError<I::Item, Failure<E>>>>
where
    I: IntoIterator,
    F: FnMut(&I::Item) -> Fut,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let of_each = StreamConfig {
        max_concurrency: config.max_concurrency,
        timeout: config.item_timeout,
        order: Order::Input,
        max_buffered: usize::MAX,
    };
    collect(items, Fallible(fetch), of_each, config.timeout).await
}

type Collected<I, M> =
    Vec<Result<<M as Make<I>>::Value, ItemError<<M as Make<I>>::Kept, <M as Make<I>>::Error>>>;

async fn collect<I, M>(
    items: I,
    make: M,
    config: StreamConfig,
    timeout: Duration,
) -> Collected<I::Item, M>
where
    I: IntoIterator,
    M: Make<I::Item>,
{
    let items = items.into_iter();
    let mut results = Vec::with_capacity(items.size_hint().0.min(MOST_RESERVED));
    let mut stream = TaskStream::new(Items::new(items), make, config);
    let done = match end_after(timeout) {
        Ok(end) => {
            let all = poll_fn(|cx| {
                while let Poll::Ready(next) = Pin::new(&mut stream).poll_next(cx) {
                    match next {
                        Some(result) => results.push(result),
                        None => return Poll::Ready(()),
                    }
                }
                Poll::Pending
            });
            until(end, all).await.is_ok()
        }
        Err(_) => false,
    };
    if !done {
        stream.give_up(&mut results);
    }
    results
}

/// What an iterator says of its length is a hint, and may be far off.
const MOST_RESERVED: usize = 1 << 16;
