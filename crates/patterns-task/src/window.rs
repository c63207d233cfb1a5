//! What a stream has begun and not given yet.
//!
//! Invariants:
//! 1. Tasks that run are never more than `max_concurrency`.
//! 2. Tasks that run and results that wait are never more than `max_buffered + 1` together; so never more than `max_buffered` wait behind
//!    one that runs.
//! 3. In the order of inputs, `waiting` has a place for each input that was taken and not given, the next one to give at its front.

use std::collections::VecDeque;
use std::future::Future;
use std::task::{Context, Poll};

use crate::config::{Order, StreamConfig};
use crate::crew::{Crew, Event};
use crate::deadline::end_after;
use crate::error::{ItemError, TaskError};
use crate::source::{Make, Outcome};

/// How a [`TaskStream`](crate::TaskStream) is doing, as of the last poll.
///
/// `begun`, `given` and the two that begin with `most` are of all its time; `running` and `waiting` are as it is now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamStats {
    /// How many inputs were taken.
    pub begun: u64,
    /// How many results were given.
    pub given: u64,
    /// How many tasks run, or were not heard of yet. Those that are aborted and not gone yet count.
    pub running: usize,
    /// How many results wait, behind a slower one or for the consumer.
    pub waiting: usize,
    /// The most tasks that there ever were at the same time.
    pub most_running: usize,
    /// The most results that ever waited.
    pub most_waiting: usize,
}

type Given<I, M> =
    Result<<M as Make<I>>::Value, ItemError<<M as Make<I>>::Kept, <M as Make<I>>::Error>>;
type Value<I, M> = <<M as Make<I>>::Work as Future>::Output;

pub(crate) struct Window<I, M: Make<I>> {
    config: StreamConfig,
    crew: Crew<Value<I, M>, (usize, M::Kept)>,
    /// The results, in the order in which they are given; `None` for one that has to come first.
    waiting: VecDeque<Option<Given<I, M>>>,
    /// How many of them are there.
    results: usize,
    begun: usize,
    given: usize,
    most_running: usize,
    most_waiting: usize,
}

impl<I, M: Make<I>> Window<I, M> {
    pub(crate) fn new(config: StreamConfig) -> Self {
        Self {
            config,
            crew: Crew::new(),
            waiting: VecDeque::new(),
            results: 0,
            begun: 0,
            given: 0,
            most_running: 0,
            most_waiting: 0,
        }
    }

    pub(crate) fn stats(&self) -> StreamStats {
        StreamStats {
            begun: self.begun as u64,
            given: self.given as u64,
            running: self.crew.running(),
            waiting: self.results(),
            most_running: self.most_running,
            most_waiting: self.most_waiting,
        }
    }

    /// How many inputs were taken and have no result given.
    pub(crate) fn not_given(&self) -> usize {
        self.begun - self.given
    }

    /// How many results wait, here or in the crew.
    fn results(&self) -> usize {
        self.results + self.crew.untold()
    }

    /// Whether one more may be begun.
    pub(crate) fn has_room(&self) -> bool {
        let running = self.crew.running();
        running < self.config.max_concurrency.get()
            && running + self.results() <= self.config.max_buffered
    }

    /// Begins the work for an input, if it has any time at all.
    pub(crate) fn begin(&mut self, make: &mut M, input: I) {
        let end = end_after(self.config.timeout);
        let Ok(end) = end else {
            let refused = self.refuse(input);
            self.results += 1;
            return self.waiting.push_back(Some(refused));
        };
        let index = self.begun;
        self.begun += 1;
        let (input, made) = make.make(input);
        if self.config.order == Order::Input {
            self.waiting.push_back(None);
        }
        match made {
            Ok(work) => {
                self.crew.spawn(work, (index, input), end);
                self.most_running = self.most_running.max(self.crew.running());
            }
            Err(error) => self.place(index, input, Err(error)),
        }
    }

    /// Gives back an input for which there is no time left.
    pub(crate) fn refuse(&mut self, input: I) -> Given<I, M> {
        let index = self.begun;
        self.begun += 1;
        Err(ItemError {
            index,
            input: M::keep(input),
            error: TaskError::NotStarted.into(),
        })
    }

    /// Takes the result whose turn it is.
    pub(crate) fn take(&mut self) -> Option<Given<I, M>> {
        let result = self.waiting.front_mut()?.take()?;
        self.waiting.pop_front();
        self.results -= 1;
        self.given += 1;
        self.most_waiting = self.most_waiting.max(self.results());
        Some(result)
    }

    /// Waits until something has happened; `false` if nothing can.
    pub(crate) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        let Poll::Ready(event) = self.crew.poll_next(cx) else {
            self.most_waiting = self.most_waiting.max(self.results());
            return Poll::Pending;
        };
        match event {
            None => return Poll::Ready(false),
            Some(Event::Gone) => {}
            Some(Event::Done((index, input), outcome)) => self.place(index, input, outcome),
            Some(Event::Late((index, input))) => self.place(index, input, Err(TaskError::Timeout)),
        }
        Poll::Ready(true)
    }

    /// Aborts all that runs, and gives the results of all inputs that were taken, in their order.
    pub(crate) fn give_up(&mut self) -> impl Iterator<Item = Given<I, M>> {
        while let Some(event) = self.crew.take_known() {
            match event {
                Event::Done((index, input), outcome) => self.place(index, input, outcome),
                Event::Late((index, input)) => self.place(index, input, Err(TaskError::Timeout)),
                Event::Gone => {}
            }
        }
        for (index, input) in self.crew.give_up() {
            self.place(index, input, Err(TaskError::Timeout));
        }
        self.waiting.drain(..).flatten()
    }

    /// Puts a result where it belongs.
    fn place(&mut self, index: usize, input: M::Kept, outcome: Outcome<M::Work>) {
        let result = M::judge(outcome).map_err(|error| ItemError {
            index,
            input,
            error,
        });
        self.results += 1;
        match self.config.order {
            Order::Completion => self.waiting.push_back(Some(result)),
            Order::Input => self.waiting[index - self.given] = Some(result),
        }
    }
}
