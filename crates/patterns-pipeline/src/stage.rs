//! A stage of a flow: a bounded number of items at work, each in a task of its own.
//!
//! Invariants:
//! 1. Items at work are never more than `max_concurrency`; items at work and results that wait never more than `max_concurrency + max_waiting`
//!    together.
//! 2. Each item that was taken is given out exactly once. In the order of inputs `waiting` has a place for each that was not, the next one to
//!    give at its front.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use otp_core::contained;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::chain::sealed::Sealed;
use crate::config::{Order, StageConfig};
use crate::error::{Panicked, StageError, StageFailure};
use crate::flow::{Numbered, Stages};
use crate::stage_counts::{Place, StageCounts};
use crate::undone::Name;

pin_project! {
    /// A stage behind others; see [`Flow::stage`](crate::Flow::stage).
    pub struct Stage<S, U>
    where
        S: Stages,
    {
        #[pin]
        before: S,
        before_ended: bool,
        work: Work<S, U>,
        room: Room<U, S::Error>,
    }
}

/// What makes the work on an item.
pub(crate) type Work<S, U> =
    Box<dyn Fn(<S as Stages>::Value) -> WorkOf<U, <S as Stages>::Error> + Send + Sync>;

/// The work on an item.
pub(crate) type WorkOf<U, E> = Pin<Box<dyn Future<Output = Ended<U, E>> + Send>>;

/// What a stage has taken and not given out.
struct Room<U, E> {
    name: Name,
    config: StageConfig,
    tasks: JoinSet<(Place, Ended<U, E>)>,
    /// Results, in the order in which they are given out; `None` for one that has to come first.
    waiting: VecDeque<Option<Numbered<U, E>>>,
    /// How many of them are there.
    results: usize,
    /// The place in line of the first one.
    first: u64,
    counts: StageCounts,
}

/// How the work on an item ended.
type Ended<U, E> = Result<U, StageFailure<E>>;

impl<S: Stages, U> Stage<S, U> {
    pub(crate) fn new(
        before: S,
        name: Name,
        config: StageConfig,
        work: Work<S, U>,
        counts: StageCounts,
    ) -> Self {
        Self {
            before,
            before_ended: false,
            work,
            room: Room {
                name,
                config,
                tasks: JoinSet::new(),
                waiting: VecDeque::new(),
                results: 0,
                first: 0,
                counts,
            },
        }
    }
}

impl<U, E> Room<U, E> {
    fn is_there(&self) -> bool {
        self.tasks.len() < self.config.max_concurrency.get()
            && self.results <= self.config.max_waiting
    }

    /// Makes a place in line for an item. In the order of completion it has none until it is done.
    fn line_up(&mut self) -> u64 {
        if self.config.order == Order::Completion {
            return 0;
        }
        self.waiting.push_back(None);
        self.first + self.waiting.len() as u64 - 1
    }

    fn put(&mut self, place: u64, result: Numbered<U, E>) {
        self.results += 1;
        match self.config.order {
            Order::Completion => self.waiting.push_back(Some(result)),
            Order::Input => {
                let place = usize::try_from(place - self.first).unwrap_or(usize::MAX);
                self.waiting[place] = Some(result);
            }
        }
    }

    /// Takes the result whose turn it is.
    fn take(&mut self) -> Option<Numbered<U, E>> {
        let result = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.first += 1;
        self.results -= 1;
        self.counts.give();
        Some(result)
    }

    /// Collects what has ended; tells whether anything has.
    fn collect(&mut self, cx: &mut Context<'_>) -> bool
    where
        U: 'static,
        E: 'static,
    {
        let mut has_any = false;
        while let Poll::Ready(Some(joined)) = self.tasks.poll_join_next(cx) {
            has_any = true;
            let ended = match joined {
                Ok((place, ended)) => Some((place, ended)),
                // The work's panics are caught in the task: this one was aborted, and not by us.
                Err(_) => {
                    let place = self.counts.take_lost();
                    place.map(|place| (place, Err(StageFailure::Stopped)))
                }
            };
            if let Some((Place { in_line, index }, ended)) = ended {
                let result = ended.map_err(|failure| StageError {
                    index,
                    stage: self.name.clone(),
                    failure,
                });
                self.put(in_line, (index, result));
            }
        }
        has_any
    }
}

impl<S, U> Stage<S, U>
where
    S: Stages,
    S::Error: Send + 'static,
    U: Send + 'static,
{
    /// Begins as many as there is room for. The stage before goes on once, by the last line that is reached.
    fn fill(self: Pin<&mut Self>, cx: &mut Context<'_>) {
        let mut this = self.project();
        let room = this.room;
        while !*this.before_ended && room.is_there() {
            // Before anything is taken: what is taken can be worked on.
            let runtime = Handle::current();
            let (index, value) = match this.before.as_mut().poll_next(cx) {
                Poll::Pending => return,
                Poll::Ready(None) => {
                    *this.before_ended = true;
                    return;
                }
                Poll::Ready(Some((index, Ok(value)))) => (index, value),
                Poll::Ready(Some((index, Err(error)))) => {
                    let place = room.line_up();
                    room.counts.pass();
                    room.put(place, (index, Err(error)));
                    continue;
                }
            };
            let in_line = room.line_up();
            let in_flight = room.counts.take(Place { in_line, index });
            let work = contained::catch_future((this.work)(value));
            let work = async move {
                let ended = match work.await {
                    Ok(ended) => ended,
                    Err(panic) => Err(StageFailure::Panicked(Panicked::new(panic))),
                };
                (in_flight.end(ended.is_ok()), ended)
            };
            room.tasks.spawn_on(work, &runtime);
        }
        // Also while there is no room here, or the stages would take turns.
        this.before.advance(cx);
    }
}

impl<S: Stages, U> Sealed for Stage<S, U> {}

impl<S, U> Stages for Stage<S, U>
where
    S: Stages,
    S::Error: Send + 'static,
    U: Send + 'static,
{
    type Value = U;
    type Error = S::Error;

    fn advance(mut self: Pin<&mut Self>, cx: &mut Context<'_>) {
        loop {
            self.as_mut().fill(cx);
            if !self.as_mut().project().room.collect(cx) {
                return;
            }
        }
    }
}

impl<S, U> Stream for Stage<S, U>
where
    S: Stages,
    S::Error: Send + 'static,
    U: Send + 'static,
{
    type Item = Numbered<U, S::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.as_mut().advance(cx);
        let this = self.project();
        match this.room.take() {
            Some(result) => Poll::Ready(Some(result)),
            None if *this.before_ended && this.room.tasks.is_empty() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl<S: Stages, U> fmt::Debug for Stage<S, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage")
            .field("stats", &self.room.counts.stats())
            .finish_non_exhaustive()
    }
}
