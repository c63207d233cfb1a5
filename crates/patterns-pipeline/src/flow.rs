//! Stages over a stream: the stream that they make, and a handle to it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker, ready};

use futures_core::Stream;
use otp_core::contained;
use parking_lot::Mutex;
use pin_project_lite::pin_project;
use tokio::task::coop;

use crate::boxed::BoxPipeline;
use crate::chain::sealed::Sealed;
use crate::config::StageConfig;
use crate::error::{StageError, StageFailure};
use crate::stage::{Stage, Work, WorkOf};
use crate::stage_counts::{StageCounts, StageStats};
use crate::undone::Name;

/// What goes from stage to stage: a value or an error, with the number of the item in the source.
pub type Numbered<T, E> = (u64, Result<T, StageError<E>>);

/// What stages can be put behind: a source, or a source with stages.
///
/// It is there to be named, as in `fn numbers() -> Flow<impl Stages<Value = u32, Error = ParseIntError>>`. The types of this crate implement it, and no
/// others can.
pub trait Stages: Stream<Item = Numbered<Self::Value, Self::Error>> + Sealed {
    /// What comes out of the last stage.
    type Value;
    /// What the work of all stages returns if it fails.
    type Error;

    /// Goes on with the work, as far as there is room for results, and gives none out.
    fn advance(self: Pin<&mut Self>, cx: &mut Context<'_>);
}

/// What makes a [`Flow`] of any stream.
pub trait FlowExt: Stream + Sized {
    /// Makes a flow, to which stages can be added. Their errors are of one type, `E`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use futures_util::stream;
    /// use patterns_pipeline::{FlowExt, StageConfig};
    ///
    /// let mut lengths = stream::iter(["12", "x"])
    ///     .flow()
    ///     .stage("parse", StageConfig::default(), |text| async { text.parse::<u32>() })
    ///     .stage("double", StageConfig::default(), |n| async move { Ok(n * 2) });
    /// assert_eq!(lengths.next().await.unwrap().unwrap(), 24);
    /// let error = lengths.next().await.unwrap().unwrap_err();
    /// assert_eq!(error.to_string(), "item 1, stage `parse`: invalid digit found in string");
    /// assert!(lengths.next().await.is_none());
    /// # }
    /// ```
    fn flow<E>(self) -> Flow<Source<Self, E>> {
        let control = Arc::new(Control {
            drains: AtomicBool::new(false),
            waiting: Mutex::new(None),
            stages: Mutex::new(Vec::new()),
        });
        Flow {
            stages: Source {
                stream: self,
                taken: 0,
                ended: false,
                control: Arc::clone(&control),
                error: PhantomData,
            },
            control,
        }
    }
}

impl<S: Stream> FlowExt for S {}

pin_project! {
    /// A stream with stages behind it: a `Stream` of results, and without that trait there is [`next`](Flow::next).
    ///
    /// Each stage works on a bounded number of items at the same time, in tasks of their own, which go on between two polls. It takes an item from the stage before
    /// when it has room for it, which it has not while too many results wait. So the slowest stage sets the pace of all, and an endless source is fine.
    ///
    /// An item comes out exactly once: as a value, or as a [`StageError`], which later stages hand on untouched. An error or a panic of the work ends
    /// nothing else. A panic of the source is the consumer's; it is the end of the source, and what was taken still comes out.
    ///
    /// # Panics
    ///
    /// When it is polled outside a tokio runtime, if it has a stage.
    ///
    /// # Cancel safety
    ///
    /// Giving up a `next()` loses nothing. Dropping the flow aborts what is being worked on; pipelines then undo what they have done, in the background.
    #[must_use = "a flow does nothing unless it is polled"]
    pub struct Flow<S> {
        #[pin]
        stages: S,
        control: Arc<Control>,
    }
}

impl<S: Stages> Flow<S> {
    /// Adds a stage: `work` on each value, in a task of its own.
    ///
    /// # Errors
    ///
    /// Each item's own, as an item of the stream: a [`StageError`] with [`StageFailure::Failed`] or [`StageFailure::Panicked`].
    pub fn stage<U, F, Fut>(
        self,
        name: impl Into<Name>,
        config: StageConfig,
        work: F,
    ) -> Flow<Stage<S, U>>
    where
        S::Value: Send + 'static,
        S::Error: Send + 'static,
        U: Send + 'static,
        F: Fn(S::Value) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U, S::Error>> + Send + 'static,
    {
        let work = Arc::new(work);
        let work = move |value| -> WorkOf<U, S::Error> {
            let work = Arc::clone(&work);
            Box::pin(async move { work(value).await.map_err(StageFailure::Failed) })
        };
        self.add(name.into(), config, Box::new(work))
    }

    /// Adds a stage that runs each value through a pipeline.
    ///
    /// # Errors
    ///
    /// Each item's own, as an item of the stream: a [`StageError`] with [`StageFailure::Step`], which has the step, the cause and what was undone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use futures_util::stream;
    /// use patterns_pipeline::{FlowExt, Pipeline, StageConfig};
    ///
    /// let import = Pipeline::new()
    ///     .step("parse", |text: &str| text.parse::<i32>().map_err(|_| "no number"))
    ///     .step("check", |n| if n > 0 { Ok(n) } else { Err("too small") })
    ///     .boxed();
    /// let mut numbers = stream::iter(["7", "-7"]).flow().through("import", StageConfig::default(), &import);
    /// assert_eq!(numbers.next().await.unwrap().unwrap(), 7);
    /// let error = numbers.next().await.unwrap().unwrap_err();
    /// assert_eq!(error.to_string(), "item 1, stage `import`: step `check`: too small");
    /// # }
    /// ```
    pub fn through<U>(
        self,
        name: impl Into<Name>,
        config: StageConfig,
        pipeline: &BoxPipeline<S::Value, U, S::Error>,
    ) -> Flow<Stage<S, U>>
    where
        S::Value: Send + 'static,
        S::Error: Send + 'static,
        U: Send + 'static,
    {
        let pipeline = pipeline.clone();
        let work = move |value| -> WorkOf<U, S::Error> {
            let pipeline = pipeline.clone();
            Box::pin(async move { pipeline.run_tagged(value).await.map_err(StageFailure::Step) })
        };
        self.add(name.into(), config, Box::new(work))
    }

    fn add<U>(self, name: Name, config: StageConfig, work: Work<S, U>) -> Flow<Stage<S, U>> {
        let counts = StageCounts::new(name.clone());
        self.control.stages.lock().push(counts.clone());
        Flow {
            stages: Stage::new(self.stages, name, config, work, counts),
            control: self.control,
        }
    }

    /// Waits for the next result; `None` when all have come out.
    ///
    /// # Panics
    ///
    /// As [`Flow`] says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Result<S::Value, StageError<S::Error>>>
    where
        S: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for the next result with its number in the source, from 0: for stages that give out results as they are done.
    ///
    /// # Panics
    ///
    /// As [`Flow`] says.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next_numbered(&mut self) -> Option<Numbered<S::Value, S::Error>>
    where
        S: Unpin,
    {
        poll_fn(|cx| Pin::new(&mut *self).poll_numbered(cx)).await
    }

    fn poll_numbered(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Numbered<S::Value, S::Error>>> {
        // Results that are there do not keep the consumer's task from letting others run.
        let turn = ready!(coop::poll_proceed(cx));
        let next = ready!(self.project().stages.poll_next(cx));
        turn.made_progress();
        Poll::Ready(next)
    }
}

impl<S> Flow<S> {
    /// Returns a handle, by which others can drain the flow and see how it is doing while it is being consumed.
    #[must_use]
    pub fn handle(&self) -> FlowHandle {
        FlowHandle(Arc::clone(&self.control))
    }

    /// Returns how each stage is doing, in their order.
    #[must_use]
    pub fn stats(&self) -> Vec<StageStats> {
        self.control.stats()
    }
}

impl<S: Stages> Stream for Flow<S> {
    type Item = Result<S::Value, StageError<S::Error>>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.poll_numbered(cx));
        Poll::Ready(next.map(|(_, result)| result))
    }
}

impl<S> fmt::Debug for Flow<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow")
            .field("stages", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Drains a flow, and tells how it is doing; made by [`Flow::handle`].
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures_util::stream;
/// use patterns_pipeline::{FlowExt, StageConfig};
///
/// let mut ticks = stream::iter(1u64..).flow::<&str>().stage("tick", StageConfig::default(), |n| async move { Ok(n) });
/// assert_eq!(ticks.next().await.unwrap().unwrap(), 1);
/// ticks.handle().drain();
/// let mut rest = 0;
/// while ticks.next().await.is_some() {
///     rest += 1;
/// }
/// assert_eq!(ticks.stats()[0].taken, 1 + rest); // what was taken has come out
/// # }
/// ```
#[derive(Clone)]
pub struct FlowHandle(Arc<Control>);

impl FlowHandle {
    /// Lets the flow come to its end: its source is asked no more, what was taken from it comes out, and then the stream ends.
    ///
    /// The source stays with the flow, with whatever is still in it, and is dropped with it.
    pub fn drain(&self) {
        self.0.drains.store(true, Ordering::Release);
        let waiting = self.0.waiting.lock().take();
        contained::wake(waiting);
    }

    /// Tells whether it drains, or has.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.drains()
    }

    /// Returns how each stage is doing, in their order.
    #[must_use]
    pub fn stats(&self) -> Vec<StageStats> {
        self.0.stats()
    }
}

impl fmt::Debug for FlowHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowHandle")
            .field("is_draining", &self.is_draining())
            .field("stages", &self.stats())
            .finish()
    }
}

/// What a flow and its handles share.
pub(crate) struct Control {
    drains: AtomicBool,
    /// Who waits for the source.
    waiting: Mutex<Option<Waker>>,
    stages: Mutex<Vec<StageCounts>>,
}

impl Control {
    fn drains(&self) -> bool {
        self.drains.load(Ordering::Acquire)
    }

    fn stats(&self) -> Vec<StageStats> {
        self.stages.lock().iter().map(StageCounts::stats).collect()
    }
}

pin_project! {
    /// The source of a flow: it numbers the items, until it is drained.
    pub struct Source<S, E> {
        #[pin]
        stream: S,
        taken: u64,
        ended: bool,
        control: Arc<Control>,
        error: PhantomData<fn() -> E>,
    }
}

impl<S, E> fmt::Debug for Source<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}

impl<S, E> Sealed for Source<S, E> {}

impl<S: Stream, E> Stages for Source<S, E> {
    type Value = S::Item;
    type Error = E;

    // An item that nobody takes is not asked for.
    fn advance(self: Pin<&mut Self>, _cx: &mut Context<'_>) {}
}

impl<S: Stream, E> Stream for Source<S, E> {
    type Item = Numbered<S::Item, E>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        if *this.ended || this.control.drains() {
            return Poll::Ready(None);
        }
        // If it panics, that was its end.
        *this.ended = true;
        let polled = this.stream.poll_next(cx);
        *this.ended = matches!(polled, Poll::Ready(None));
        match polled {
            Poll::Ready(Some(item)) => {
                let index = *this.taken;
                *this.taken += 1;
                Poll::Ready(Some((index, Ok(item))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                // A waker's clone is code of its runtime: not under the lock.
                let waker = cx.waker().clone();
                let before = this.control.waiting.lock().replace(waker);
                drop(before);
                // It may have been drained between the first look and this line.
                if this.control.drains() {
                    return Poll::Ready(None);
                }
                Poll::Pending
            }
        }
    }
}
