//! What a stage of a flow counts, and says of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::undone::Name;

/// How a stage of a flow is doing; see [`Flow::stats`](crate::Flow::stats).
///
/// At every moment `taken` is the sum of `in_flight`, `done`, `failed` and `stopped`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageStats {
    /// The stage's name.
    pub stage: Name,
    /// Items that were taken from the stage before, to be worked on.
    pub taken: u64,
    /// Items that are being worked on.
    pub in_flight: usize,
    /// The most that there ever were.
    pub most_in_flight: usize,
    /// Items that were worked on and have a value.
    pub done: u64,
    /// Items that were worked on and have an error.
    pub failed: u64,
    /// Items whose work was aborted, because the flow was dropped or the runtime was shut down.
    pub stopped: u64,
    /// Errors of earlier stages, which are handed on as they are.
    pub passed: u64,
    /// Results, and errors of earlier stages, that wait to be given out; of a flow that was dropped, those that never were.
    pub waiting: usize,
}

/// The counts of one stage, changed by it and by its tasks.
#[derive(Debug, Clone)]
pub(crate) struct StageCounts(Arc<Counts>);

/// Only the stage itself changes the first five, and only its tasks the next three. None ever becomes less.
#[derive(Debug)]
struct Counts {
    stage: Name,
    taken: AtomicU64,
    passed: AtomicU64,
    given: AtomicU64,
    most_in_flight: AtomicUsize,
    /// Of those that were stopped, how many the stage has heard of: each has an error now.
    heard_of: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    stopped: AtomicU64,
    /// The places of items whose work was aborted, until the stage has heard of it.
    lost: Mutex<Vec<Place>>,
}

/// Where an item stands: its place in the stage's line, and its number in the source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) in_line: u64,
    pub(crate) index: u64,
}

impl StageCounts {
    pub(crate) fn new(stage: Name) -> Self {
        Self(Arc::new(Counts {
            stage,
            taken: AtomicU64::new(0),
            passed: AtomicU64::new(0),
            given: AtomicU64::new(0),
            most_in_flight: AtomicUsize::new(0),
            heard_of: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            stopped: AtomicU64::new(0),
            lost: Mutex::new(Vec::new()),
        }))
    }

    pub(crate) fn stats(&self) -> StageStats {
        let counts = &*self.0;
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        loop {
            let ended = counts.ended();
            let (given, taken, passed) = (
                read(&counts.given),
                read(&counts.taken),
                read(&counts.passed),
            );
            let heard_of = read(&counts.heard_of);
            let (done, failed, stopped) = (
                read(&counts.done),
                read(&counts.failed),
                read(&counts.stopped),
            );
            // If none has ended meanwhile, all of it is of the moment at which `taken` was read.
            // And what was handed on or given out meanwhile is not of one moment with the rest.
            if done + failed + stopped != ended
                || (given, passed) != (read(&counts.given), read(&counts.passed))
            {
                continue;
            }
            return StageStats {
                stage: counts.stage.clone(),
                taken,
                in_flight: small(taken - ended),
                most_in_flight: counts.most_in_flight.load(Ordering::SeqCst),
                done,
                failed: failed + heard_of,
                stopped: stopped - heard_of,
                passed,
                waiting: small(done + failed + heard_of + passed - given),
            };
        }
    }

    /// An item is taken; it is in flight until the [`InFlight`] is told how it went, or dropped.
    pub(crate) fn take(&self, place: Place) -> InFlight {
        let taken = self.0.taken.fetch_add(1, Ordering::SeqCst) + 1;
        let in_flight = small(taken - self.0.ended());
        self.0.most_in_flight.fetch_max(in_flight, Ordering::SeqCst);
        InFlight {
            counts: self.clone(),
            place,
            is_over: false,
        }
    }

    pub(crate) fn pass(&self) {
        self.0.passed.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn give(&self) {
        self.0.given.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes the place of an item whose work was aborted: it has an error now.
    pub(crate) fn take_lost(&self) -> Option<Place> {
        let place = self.0.lost.lock().pop()?;
        self.0.heard_of.fetch_add(1, Ordering::SeqCst);
        Some(place)
    }
}

impl Counts {
    /// How many are in flight no more.
    fn ended(&self) -> u64 {
        let ended = [&self.done, &self.failed, &self.stopped];
        ended.map(|count| count.load(Ordering::SeqCst)).iter().sum()
    }
}

fn small(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// An item that is being worked on.
pub(crate) struct InFlight {
    counts: StageCounts,
    place: Place,
    is_over: bool,
}

impl InFlight {
    pub(crate) fn end(mut self, is_done: bool) -> Place {
        self.is_over = true;
        let counts = &self.counts.0;
        let ended = if is_done {
            &counts.done
        } else {
            &counts.failed
        };
        ended.fetch_add(1, Ordering::SeqCst);
        self.place
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if !self.is_over {
            self.counts.0.lost.lock().push(self.place);
            self.counts.0.stopped.fetch_add(1, Ordering::SeqCst);
        }
    }
}
