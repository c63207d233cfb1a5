//! The bucket of a global limiter: one number that everybody moves on by themselves, and a lock for whatever takes more than that.

use std::task::Waker;
use std::time::Duration;

use crate::clock::Clock;
use crate::counters::Counters;
use crate::desk::{Desk, Entered, Turn, Wakers, denied};
use crate::gcra::{Gcra, Short};
use crate::line::Line;
use crate::place::Taken;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::{Allowed, Denied, Quota};

/// Set in the word while the lock is to be taken: somebody holds it, somebody waits in line, something may come back, or the quota was changed.
const GUARDED: u64 = 1 << 63;

/// A TAT, moved on by compare-and-swap, and what stands behind it.
///
/// 1. While `GUARDED` is set, only whoever holds the lock changes the word.
/// 2. It is cleared by the holder who goes, and only if nobody waits and the quota is the one that the limiter was made with. So whoever finds it clear may decide
///    with `gcra` alone.
/// 3. The word is all that is agreed on without the lock, and it has one order of changes; so nothing is asked of the memory's order beyond that.
#[derive(Debug)]
pub(crate) struct Bucket {
    word: AtomicU64,
    /// Of the first quota.
    gcra: Gcra,
    quota: Quota,
    counters: Counters,
    slow: Mutex<Slow>,
}

#[derive(Debug)]
pub(crate) struct Slow {
    /// The word without its flag, while somebody holds the lock.
    tat: u64,
    quota: Quota,
    gcra: Gcra,
    /// Whether the quota is another than that of the bucket.
    is_changed: bool,
    line: Line,
}

/// The bucket, alone.
struct Held<'a> {
    bucket: &'a Bucket,
    slow: MutexGuard<'a, Slow>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let stays = !self.slow.line.is_empty() || self.slow.is_changed;
        let tat = self.slow.tat;
        let word = if stays { tat | GUARDED } else { tat };
        // Before the lock is free, which it is after this.
        self.bucket.word.store(word, Ordering::Relaxed);
    }
}

impl Slow {
    pub(crate) fn desk(&mut self, nanos: u64) -> Desk<'_> {
        Desk {
            gcra: self.gcra,
            tat: &mut self.tat,
            line: &mut self.line,
            nanos,
        }
    }

    /// The TAT, to undo a taking with.
    pub(crate) fn tat(&self) -> u64 {
        self.tat
    }

    /// Makes it as if a taking had not been, which nobody has seen.
    pub(crate) fn undo(&mut self, tat: u64) {
        self.tat = tat;
    }
}

impl Bucket {
    pub(crate) fn new(quota: Quota, gcra: Gcra) -> Self {
        Self {
            word: AtomicU64::new(0),
            gcra,
            quota,
            counters: Counters::default(),
            slow: Mutex::new(Slow {
                tat: 0,
                quota,
                gcra,
                is_changed: false,
                line: Line::default(),
            }),
        }
    }

    fn hold(&self) -> Held<'_> {
        let mut slow = self.slow.lock();
        slow.tat = self.word.fetch_or(GUARDED, Ordering::Relaxed) & !GUARDED;
        Held { bucket: self, slow }
    }

    /// Does something while nobody else can, at a moment that is no earlier than that of anything done before.
    fn alone<R>(&self, clock: &Clock, work: impl FnOnce(&mut Desk<'_>) -> R) -> R {
        let mut held = self.hold();
        // Read with the lock: at an earlier moment more would seem to be owed than is, and too much would come back.
        work(&mut held.slow.desk(clock.now()))
    }

    /// Does something while nobody else can.
    pub(crate) fn locked(&self, work: impl FnOnce(&mut Slow)) {
        work(&mut self.hold().slow);
    }

    #[inline]
    pub(crate) fn take(&self, nanos: u64, tokens: u32) -> Result<Allowed, Denied> {
        let taken = match self.take_alone(nanos, tokens) {
            Some(taken) => taken
                .map(|tat| Allowed {
                    gcra: self.gcra,
                    tat,
                    nanos,
                })
                .map_err(|short| denied(&self.gcra, nanos, tokens, short)),
            None => self.take_guarded(nanos, tokens),
        };
        self.counters.count(taken.is_ok());
        taken
    }

    /// As [`take`](Self::take), for whoever asks for nothing but whether it was there.
    #[inline]
    pub(crate) fn takes(&self, nanos: u64, tokens: u32) -> bool {
        let is_allowed = match self.take_alone(nanos, tokens) {
            Some(taken) => taken.is_ok(),
            None => self.take_guarded(nanos, tokens).is_ok(),
        };
        self.counters.count(is_allowed);
        is_allowed
    }

    /// Takes without the lock, and returns the TAT that is left; `None` if it needs the lock.
    #[inline]
    fn take_alone(&self, nanos: u64, tokens: u32) -> Option<Result<u64, Short>> {
        let now = self.gcra.units(nanos);
        let mut word = self.word.load(Ordering::Relaxed);
        while word & GUARDED == 0 {
            let after = match self.gcra.take(word, now, tokens, 0) {
                Ok(after) => after,
                Err(short) => return Some(Err(short)),
            };
            match self
                .word
                .compare_exchange_weak(word, after, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => return Some(Ok(after)),
                Err(other) => word = other,
            }
        }
        None
    }

    #[cold]
    fn take_guarded(&self, nanos: u64, tokens: u32) -> Result<Allowed, Denied> {
        self.hold().slow.desk(nanos).take(tokens)
    }

    pub(crate) fn look(&self, clock: &Clock, tokens: u32) -> Result<(), Denied> {
        self.alone(clock, |desk| desk.look(tokens))
    }

    /// Takes as `take` does, and remembers that it may come back.
    pub(crate) fn reserve(&self, clock: &Clock, tokens: u32) -> Result<Taken, Denied> {
        let taken = self.alone(clock, |desk| desk.reserve(tokens));
        self.counters.count(taken.is_ok());
        taken
    }

    /// Gives back what was not used.
    pub(crate) fn refund(&self, clock: &Clock, taken: Taken, tokens: u32) {
        self.alone(clock, |desk| desk.refund(taken, tokens))
            .settle();
    }

    pub(crate) fn charge(&self, clock: &Clock, tokens: u32) {
        self.alone(clock, |desk| desk.charge(tokens));
    }

    pub(crate) fn enter(&self, clock: &Clock, tokens: u32, longest: Duration) -> Entered {
        let entered = self.alone(clock, |desk| desk.enter(tokens, longest));
        match entered {
            Entered::Granted(_) => self.counters.count(true),
            Entered::Denied(_) | Entered::TooLong(_) => self.counters.count(false),
            Entered::Waits(_) => {}
        }
        entered
    }

    pub(crate) fn turn(&self, clock: &Clock, ticket: u64, noted: bool, waker: Waker) -> Turn {
        let (turn, wakers) = self.alone(clock, |desk| desk.turn(ticket, noted, waker));
        match turn {
            Turn::Granted(_) => self.counters.count(true),
            Turn::Denied(_) => self.counters.count(false),
            Turn::In(_) | Turn::Behind => {}
        }
        wakers.settle();
        turn
    }

    /// Takes somebody out of the line, who is refused thereby if that was not their own will. Returns how long it would have taken.
    pub(crate) fn leave(&self, clock: &Clock, ticket: u64, is_refused: bool) -> Duration {
        let (wait, wakers) = self.alone(clock, |desk| (desk.wait_of(ticket), desk.leave(ticket)));
        if is_refused {
            self.counters.count(false);
        }
        wakers.settle();
        wait
    }

    pub(crate) fn set_quota(&self, clock: &Clock, quota: Quota, gcra: Gcra) {
        let mut held = self.hold();
        let slow = &mut *held.slow;
        slow.tat = gcra.convert(&slow.gcra, slow.tat, clock.now());
        (slow.quota, slow.gcra, slow.is_changed) = (quota, gcra, true);
        slow.line.forgive();
        let wakers = Wakers::of_first(&mut slow.line);
        drop(held);
        wakers.settle();
    }

    pub(crate) fn reset(&self) {
        let mut held = self.hold();
        let slow = &mut *held.slow;
        slow.tat = 0;
        slow.line.forgive();
        let wakers = Wakers::of_first(&mut slow.line);
        drop(held);
        wakers.settle();
    }

    pub(crate) fn quota(&self) -> Quota {
        if self.word.load(Ordering::Relaxed) & GUARDED == 0 {
            self.quota
        } else {
            self.slow.lock().quota
        }
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The quota, how many tokens nobody waits for, and how many wait.
    pub(crate) fn view(&self, clock: &Clock) -> (Quota, u32, usize) {
        let mut held = self.hold();
        let left = held.slow.desk(clock.now()).left();
        (held.slow.quota, left, held.slow.line.len())
    }
}
