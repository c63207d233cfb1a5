//! The line in front of one implementation: what waits, what is under way, what was counted.
//!
//! Invariants:
//!
//! 1. A delivery that was accepted is in the queue, or in one [`InHand`], or was reported; never in two of them.
//! 2. [`Line::report`] takes the delivery, so each is reported once. What a hand drops goes through it too, and a line is shut before it is
//!    dropped: by its removal, or by the end of the dispatcher (`Lease`).
//! 3. A line that is shut has an empty queue: who gives something back to it has it reported.
//! 4. `open` counts the deliveries that are not reported yet. It is lowered after the listener and the ticket were told, so whoever finds
//!    it at zero knows that all are.
//! 5. Listeners, wakers, and drops of messages run after the lock.

mod phases;

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;

use otp_core::contained::{contain, drop_contained};
use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio::time::Instant;

use crate::in_hand::InHand;
use crate::route::Source;
use crate::ticket::Outcome;
use crate::{
    DeadLetter, Delivered, DispatcherConfig, DispatcherStats, Failure, GaveUp, Hooks, RouteInfo,
    SendError, Ticket,
};

/// A delivery that was accepted and is not reported yet.
pub(crate) struct Job<M, T, E> {
    pub(crate) message: M,
    pub(crate) attempts: u32,
    pub(crate) failure: Option<Failure<E>>,
    /// Before this there is no further attempt.
    pub(crate) rests_until: Option<Instant>,
    pub(crate) deadline: Option<Instant>,
    answer: oneshot::Sender<Outcome<M, T, E>>,
    /// The place in the queue, given back when the first attempt begins.
    room: Option<OwnedSemaphorePermit>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Accepts.
    Open,
    /// Accepts no more, and works off what it has.
    Closing,
    /// Does nothing.
    Shut,
}

struct State<M, T, E> {
    queue: VecDeque<Job<M, T, E>>,
    phase: Phase,
    /// No restart opens it again.
    is_removed: bool,
    room: Arc<Semaphore>,
    open: usize,
    stats: DispatcherStats,
}

pub(crate) struct Line<D: ?Sized, M, T, E> {
    pub(crate) number: u64,
    pub(crate) name: Arc<str>,
    pub(crate) config: DispatcherConfig,
    pub(crate) hooks: Arc<Hooks<M, T, E>>,
    state: Mutex<State<M, T, E>>,
    /// Where implementations come from, and how often that was changed.
    source: Mutex<(u64, Source<D>)>,
    /// One for each worker. Who is left of an earlier incarnation keeps the seat until it has let go of its delivery.
    seats: Semaphore,
    /// There is something in the queue.
    ready: Notify,
    /// All are reported.
    drained: Notify,
    /// Closed when the line is out of the table and its workers have ended.
    gone: Semaphore,
}

impl<D: ?Sized, M, T, E> Line<D, M, T, E> {
    pub(crate) fn new(
        number: u64,
        name: Arc<str>,
        source: Source<D>,
        config: DispatcherConfig,
        hooks: Arc<Hooks<M, T, E>>,
    ) -> Self {
        let state = State {
            queue: VecDeque::new(),
            phase: Phase::Open,
            is_removed: false,
            room: room_for(&config),
            open: 0,
            stats: DispatcherStats::default(),
        };
        Self {
            number,
            name,
            seats: Semaphore::new(config.workers),
            config,
            hooks,
            state: Mutex::new(state),
            source: Mutex::new((0, source)),
            ready: Notify::new(),
            drained: Notify::new(),
            gone: Semaphore::new(0),
        }
    }

    /// Accepts a message if there is room.
    pub(crate) fn send(&self, message: M) -> Result<Ticket<M, T, E>, SendError<M>> {
        let room = Arc::clone(&self.state.lock().room);
        match room.try_acquire_owned() {
            Ok(place) => self.push(message, place),
            Err(TryAcquireError::NoPermits) => {
                self.state.lock().stats.refused += 1;
                Err(SendError::Full(message))
            }
            Err(TryAcquireError::Closed) => Err(SendError::Closed(message)),
        }
    }

    /// Accepts a message when there is room, first come first served.
    pub(crate) async fn send_wait(&self, message: M) -> Result<Ticket<M, T, E>, SendError<M>> {
        let room = Arc::clone(&self.state.lock().room);
        match room.acquire_owned().await {
            Ok(place) => self.push(message, place),
            Err(_) => Err(SendError::Closed(message)),
        }
    }

    fn push(
        &self,
        message: M,
        place: OwnedSemaphorePermit,
    ) -> Result<Ticket<M, T, E>, SendError<M>> {
        let (answer, report) = oneshot::channel();
        let limit = self.config.delivery_timeout;
        // No limit, no look at the clock.
        let deadline = (limit < std::time::Duration::MAX)
            .then(|| Instant::now().checked_add(limit))
            .flatten();
        let mut state = self.state.lock();
        // The place was free before this lock was taken: in between the line may have been closed, and shut, and what is pushed now
        // would be reported by nobody.
        if state.phase != Phase::Open {
            drop(state);
            return Err(SendError::Closed(message));
        }
        state.queue.push_back(Job {
            message,
            attempts: 0,
            failure: None,
            rests_until: None,
            deadline,
            answer,
            room: Some(place),
        });
        state.open += 1;
        state.stats.accepted += 1;
        state.stats.waiting += 1;
        drop(state);
        self.ready.notify_one();
        Ok(Ticket {
            implementation: Arc::clone(&self.name),
            answer: report,
        })
    }

    /// Waits for a place among the workers.
    pub(crate) async fn seat(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.seats.acquire().await.ok()
    }

    /// Takes the next delivery in hand, when there is one.
    pub(crate) async fn next(self: &Arc<Self>) -> InHand<D, M, T, E> {
        loop {
            let mut ready = pin!(self.ready.notified());
            // From now on a push is not missed.
            ready.as_mut().enable();
            if let Some(job) = self.take() {
                return InHand::new(self, job);
            }
            ready.await;
        }
    }

    fn take(&self) -> Option<Job<M, T, E>> {
        let mut state = self.state.lock();
        let mut job = state.queue.pop_front()?;
        state.stats.waiting -= 1;
        state.stats.under_way += 1;
        let room = job.room.take();
        drop(state);
        // Who waits for room is woken after the lock.
        drop(room);
        Some(job)
    }

    /// Puts a delivery back in front of the others, or reports it if nobody will take it.
    pub(crate) fn give_back(&self, job: Job<M, T, E>) {
        let mut state = self.state.lock();
        if state.phase == Phase::Shut {
            drop(state);
            return self.bury(job, GaveUp::Stopped, true);
        }
        state.stats.under_way -= 1;
        state.stats.waiting += 1;
        state.queue.push_front(job);
        drop(state);
        self.ready.notify_one();
    }

    /// Reports a delivery that is under way and succeeded.
    pub(crate) fn succeed(&self, job: Job<M, T, E>, value: T) {
        let delivered = Delivered {
            implementation: Arc::clone(&self.name),
            value,
            attempts: job.attempts,
        };
        let Job {
            message, answer, ..
        } = job;
        self.report(answer, Ok(delivered), true);
        drop_contained(message);
    }

    /// Reports a delivery that has failed for good.
    pub(crate) fn bury(&self, job: Job<M, T, E>, gave_up: GaveUp, is_under_way: bool) {
        let letter = DeadLetter {
            implementation: Arc::clone(&self.name),
            message: job.message,
            attempts: job.attempts,
            failure: job.failure,
            gave_up,
        };
        self.report(job.answer, Err(letter), is_under_way);
    }

    fn report(
        &self,
        answer: oneshot::Sender<Outcome<M, T, E>>,
        outcome: Outcome<M, T, E>,
        is_under_way: bool,
    ) {
        self.count(|stats| {
            if is_under_way {
                stats.under_way -= 1;
            } else {
                stats.waiting -= 1;
            }
            match &outcome {
                Ok(_) => stats.delivered += 1,
                Err(letter) => match letter.gave_up {
                    GaveUp::Exhausted => stats.exhausted += 1,
                    GaveUp::NotWorthIt => stats.not_worth_it += 1,
                    GaveUp::NoTime => stats.no_time += 1,
                    GaveUp::Stopped => stats.stopped += 1,
                },
            }
        });
        self.hooks.tell(&outcome);
        contain(|| drop(answer.send(outcome)));
        // Only now. The counts above are lowered before, so that a listener finds them right; but a stop waits for `open`, and may have
        // nobody else to wait for: a worker of a killed process that is still in its listener is in no tree any more.
        let mut state = self.state.lock();
        state.open -= 1;
        let is_drained = state.open == 0;
        drop(state);
        if is_drained {
            self.drained.notify_waiters();
        }
    }

    pub(crate) fn count(&self, count: impl FnOnce(&mut DispatcherStats)) {
        count(&mut self.state.lock().stats);
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.state.lock().phase == Phase::Shut
    }

    /// Waits until all that was accepted is reported.
    pub(crate) async fn drained(&self) {
        loop {
            let mut drained = pin!(self.drained.notified());
            drained.as_mut().enable();
            if self.is_drained() {
                return;
            }
            drained.await;
        }
    }

    pub(crate) fn is_drained(&self) -> bool {
        self.state.lock().open == 0
    }

    pub(crate) fn say_gone(&self) {
        self.gone.close();
    }

    /// Waits until the line is gone.
    pub(crate) async fn gone(&self) {
        let _ = self.gone.acquire().await;
    }

    /// The implementation's source, and how often that was changed.
    pub(crate) fn source(&self) -> (u64, Source<D>) {
        let source = self.source.lock();
        (source.0, source.1.clone())
    }

    pub(crate) fn replace(&self, source: Source<D>) {
        let mut held = self.source.lock();
        held.0 += 1;
        let before = std::mem::replace(&mut held.1, source);
        drop(held);
        drop(before);
    }

    pub(crate) fn version(&self) -> u64 {
        self.source.lock().0
    }

    pub(crate) fn stats(&self) -> DispatcherStats {
        self.state.lock().stats
    }

    pub(crate) fn info(&self) -> RouteInfo {
        let state = self.state.lock();
        RouteInfo {
            name: Arc::clone(&self.name),
            is_open: state.phase == Phase::Open,
            workers: self.config.workers - self.seats.available_permits(),
            stats: state.stats,
        }
    }
}

fn room_for(config: &DispatcherConfig) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(
        config.max_waiting.min(Semaphore::MAX_PERMITS),
    ))
}

#[cfg(test)]
mod tests;
