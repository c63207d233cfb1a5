//! Streams of results, from tasks that run side by side.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use pin_project_lite::pin_project;

use tokio::task::coop;

use crate::config::StreamConfig;
use crate::error::ItemError;
use crate::source::{ByRef, Items, Make, Ready};
use crate::window::{StreamStats, Window};

/// Runs `make(&item)` for each item in a task of its own, a bounded number at the same time, and streams the results.
///
/// The next item is taken only when there is room, so `items` may be endless. `make` is called by whoever polls the stream; it looks at the item and
/// makes a future that owns what it needs. The item itself stays, and comes back in the error, if there is one. For work that must own its
/// input, see [`stream_of`].
///
/// # Errors
///
/// Each item's own: an [`ItemError`] with the input, its index, and [`TaskError::Panicked`](crate::TaskError::Panicked) (in `make`, too) or
/// [`TaskError::Timeout`](crate::TaskError::Timeout). They end nothing: the stream goes on. A panic of `items` is the consumer's, and the end of
/// the inputs.
///
/// # Panics
///
/// When it is polled outside a tokio runtime with timers.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{StreamConfig, async_stream};
///
/// let mut squares = async_stream(1u64.., |&n| async move { n * n }, StreamConfig::default());
/// assert_eq!(squares.next().await, Some(Ok(1)));
/// assert_eq!(squares.next().await, Some(Ok(4)));
/// drop(squares); // what still runs is aborted
/// # }
/// ```
pub fn async_stream<I, F, Fut>(
    items: I,
    make: F,
    config: StreamConfig,
) -> TaskStream<Items<I::IntoIter>, ByRef<F>>
where
    I: IntoIterator,
    F: FnMut(&I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    TaskStream::new(Items::new(items.into_iter()), ByRef(make), config)
}

/// Runs each of these futures in a task of its own, as [`async_stream`] does: for work that owns its input.
///
/// The futures are taken when there is room, so an iterator that makes them by `map` makes them no sooner. The errors have an index, and no
/// input.
///
/// # Errors
///
/// As [`async_stream`].
///
/// # Panics
///
/// When it is polled outside a tokio runtime with timers.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{StreamConfig, stream_of};
///
/// let texts = vec![String::from("one"), String::from("three")];
/// let mut bytes = stream_of(texts.into_iter().map(|text| async { text.into_bytes() }), StreamConfig::default());
/// assert_eq!(bytes.next().await, Some(Ok(b"one".to_vec())));
/// # }
/// ```
pub fn stream_of<I>(futures: I, config: StreamConfig) -> TaskStream<Items<I::IntoIter>, Ready>
where
    I: IntoIterator<Item: Future<Output: Send + 'static> + Send + 'static>,
{
    TaskStream::new(Items::new(futures.into_iter()), Ready, config)
}

/// What any stream can have done to its items.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures_util::{StreamExt, stream};
/// use patterns_task::{StreamConfig, TaskStreamExt};
///
/// let lengths = stream::iter(["a", "bcd"]).map_spawned(|&text| async { text.len() }, StreamConfig::default());
/// let lengths: Vec<_> = lengths.collect().await;
/// assert_eq!(lengths, [Ok(1), Ok(3)]);
/// # }
/// ```
pub trait TaskStreamExt: Stream + Sized {
    /// As [`async_stream`], over the items of this stream.
    fn map_spawned<F, Fut>(self, make: F, config: StreamConfig) -> TaskStream<Self, ByRef<F>>
    where
        F: FnMut(&Self::Item) -> Fut,
        Fut: Future<Output: Send + 'static> + Send + 'static,
    {
        TaskStream::new(self, ByRef(make), config)
    }

    /// As [`stream_of`], over the futures of this stream.
    fn spawned(self, config: StreamConfig) -> TaskStream<Self, Ready>
    where
        Self::Item: Future<Output: Send + 'static> + Send + 'static,
    {
        TaskStream::new(self, Ready, config)
    }
}

impl<S: Stream> TaskStreamExt for S {}

pin_project! {
    /// The results of tasks that run side by side; see [`async_stream`], [`stream_of`] and [`TaskStreamExt`].
    ///
    /// A `Stream` of [futures-core](https://docs.rs/futures-core), and without it there is [`next`](TaskStream::next). Tasks are begun while it is
    /// polled, and time-outs are told then; between two polls the tasks that were begun go on. A value that is there when the stream
    /// is polled counts, however long it took.
    ///
    /// A task that is done frees its place at once, also while its result waits behind a slower one. A task that is aborted because its time is
    /// over keeps its place until it is really gone, so that there are never more than `max_concurrency`.
    ///
    /// # Cancel safety
    ///
    /// Giving up a `next()` loses nothing. Dropping the stream aborts the tasks that run, and drops the results and inputs that wait.
    #[must_use = "a stream does nothing unless it is polled"]
    pub struct TaskStream<S, M>
    where
        S: Stream,
        M: Make<S::Item>,
    {
        #[pin]
        source: S,
        source_ended: bool,
        make: M,
        window: Window<S::Item, M>,
    }
}

/// A result of the stream.
type Given<S, M> = Result<
    <M as Make<<S as Stream>::Item>>::Value,
    ItemError<<M as Make<<S as Stream>::Item>>::Kept, <M as Make<<S as Stream>::Item>>::Error>,
>;

impl<S, M> TaskStream<S, M>
where
    S: Stream,
    M: Make<S::Item>,
{
    pub(crate) fn new(source: S, make: M, config: StreamConfig) -> Self {
        Self {
            source,
            source_ended: false,
            make,
            window: Window::new(config),
        }
    }

    /// Returns how the stream is doing.
    pub fn stats(&self) -> StreamStats {
        self.window.stats()
    }

    /// Waits for the next result; `None` when all are given.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with timers.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Given<S, M>>
    where
        S: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Begins as many as there is room for.
    fn fill(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        while !*this.source_ended && this.window.has_room() {
            match this.source.as_mut().poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => *this.source_ended = true,
                Poll::Ready(Some(input)) => this.window.begin(this.make, input),
            }
        }
    }
}

impl<I, M> TaskStream<Items<I>, M>
where
    I: Iterator,
    M: Make<I::Item>,
{
    /// Ends all before its time: puts into `results`, in order, what is there by now, a time-out for each task that runs, and what
    /// was not begun. For a stream whose order is that of the inputs.
    pub(crate) fn give_up(mut self, results: &mut Vec<Given<Items<I>, M>>) {
        results.extend(self.window.give_up());
        while let Some(input) = self.source.next() {
            results.push(self.window.refuse(input));
        }
    }
}

impl<S, M> Stream for TaskStream<S, M>
where
    S: Stream,
    M: Make<S::Item>,
{
    type Item = Given<S, M>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let turn = ready!(coop::poll_proceed(cx));
        loop {
            self.as_mut().fill(cx);
            let this = self.as_mut().project();
            if let Some(result) = this.window.take() {
                turn.made_progress();
                return Poll::Ready(Some(result));
            }
            match this.window.poll_event(cx) {
                Poll::Ready(true) => {}
                Poll::Ready(false) if *this.source_ended => {
                    turn.made_progress();
                    return Poll::Ready(None);
                }
                // Nothing runs: it is the source that is waited for.
                Poll::Ready(false) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let here = self.window.not_given();
        let (least, most) = if self.source_ended {
            (0, Some(0))
        } else {
            self.source.size_hint()
        };
        (
            least.saturating_add(here),
            most.and_then(|most| most.checked_add(here)),
        )
    }
}

impl<S, M> FusedStream for TaskStream<S, M>
where
    S: Stream,
    M: Make<S::Item>,
{
    fn is_terminated(&self) -> bool {
        self.source_ended && self.window.not_given() == 0
    }
}

impl<S, M> fmt::Debug for TaskStream<S, M>
where
    S: Stream,
    M: Make<S::Item>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskStream")
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}
