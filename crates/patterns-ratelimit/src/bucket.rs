//! The bucket of a global limiter: one number that everybody moves on by themselves, and a lock for whatever takes more than that.

use std::task::Waker;
use std::time::Duration;

use crate::counters::Counters;
use crate::desk::{Desk, Entered, Turn, denied};
use crate::gcra::Gcra;
use crate::line::Line;
use crate::place::Taken;
use crate::sync::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::{Allowed, Denied, Quota};

/// Set in the word while the lock is to be taken: somebody holds it, somebody waits in line, or the quota was changed.
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
    /// How often the quota was changed.
    version: u64,
    line: Line,
}

/// The bucket, alone.
struct Held<'a> {
    bucket: &'a Bucket,
    slow: MutexGuard<'a, Slow>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let stays = !self.slow.line.is_empty() || self.slow.version > 0;
        let tat = self.slow.tat;
        let word = if stays { tat | GUARDED } else { tat };
        // Before the lock is free, which it is after this.
        self.bucket.word.store(word, Ordering::Relaxed);
    }
}

impl Held<'_> {
    fn desk(&mut self, nanos: u64) -> Desk<'_> {
        self.slow.desk(nanos)
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
                version: 0,
                line: Line::default(),
            }),
        }
    }

    fn hold(&self) -> Held<'_> {
        let mut slow = self.slow.lock();
        slow.tat = self.word.fetch_or(GUARDED, Ordering::Relaxed) & !GUARDED;
        Held { bucket: self, slow }
    }

    /// Does something while nobody else can.
    pub(crate) fn locked(&self, work: impl FnOnce(&mut Slow)) {
        work(&mut self.hold().slow);
    }

    #[inline]
    pub(crate) fn take(&self, nanos: u64, tokens: u32) -> Result<Allowed, Denied> {
        let taken = self.take_uncounted(nanos, tokens);
        self.counters.count(taken.is_ok());
        taken
    }

    #[inline]
    fn take_uncounted(&self, nanos: u64, tokens: u32) -> Result<Allowed, Denied> {
        let now = self.gcra.units(nanos);
        let mut word = self.word.load(Ordering::Relaxed);
        while word & GUARDED == 0 {
            let after = match self.gcra.take(word, now, tokens, 0) {
                Ok(after) => after,
                Err(short) => return Err(denied(&self.gcra, nanos, tokens, short)),
            };
            match self
                .word
                .compare_exchange_weak(word, after, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => {
                    return Ok(Allowed {
                        gcra: self.gcra,
                        tat: after,
                        nanos,
                    });
                }
                Err(other) => word = other,
            }
        }
        self.take_guarded(nanos, tokens)
    }

    #[cold]
    fn take_guarded(&self, nanos: u64, tokens: u32) -> Result<Allowed, Denied> {
        self.hold().desk(nanos).take(tokens)
    }

    pub(crate) fn look(&self, nanos: u64, tokens: u32) -> Result<(), Denied> {
        self.hold().desk(nanos).look(tokens)
    }

    /// Takes as `take` does, and says which quota it was taken of.
    pub(crate) fn reserve(&self, nanos: u64, tokens: u32) -> Result<Taken, Denied> {
        let mut held = self.hold();
        let taken = held.desk(nanos).take(tokens);
        self.counters.count(taken.is_ok());
        Ok(Taken {
            allowed: taken?,
            version: held.slow.version,
        })
    }

    /// Gives back what was not used, unless the quota was changed since.
    pub(crate) fn refund(&self, nanos: u64, taken: Taken, tokens: u32) {
        let mut held = self.hold();
        if held.slow.version == taken.version {
            let wakers = held.desk(nanos).refund(taken.allowed.tat, tokens);
            drop(held);
            wakers.settle();
        }
    }

    pub(crate) fn charge(&self, nanos: u64, tokens: u32) {
        self.hold().desk(nanos).charge(tokens);
    }

    pub(crate) fn enter(&self, nanos: u64, tokens: u32, longest: Duration) -> Entered {
        let entered = self.hold().desk(nanos).enter(tokens, longest);
        match entered {
            Entered::Granted(_) => self.counters.count(true),
            Entered::Denied(_) | Entered::TooLong(_) => self.counters.count(false),
            Entered::Waits(_) => {}
        }
        entered
    }

    pub(crate) fn turn(&self, nanos: u64, ticket: u64, waker: Waker) -> (Turn, u64) {
        let mut held = self.hold();
        let (turn, wakers) = held.desk(nanos).turn(ticket, waker);
        let version = held.slow.version;
        drop(held);
        match turn {
            Turn::Granted(_) => self.counters.count(true),
            Turn::Denied(_) => self.counters.count(false),
            Turn::In(_) | Turn::Behind => {}
        }
        wakers.settle();
        (turn, version)
    }

    /// Takes somebody out of the line, who is refused thereby if that was not their own will. Returns how long it would have taken.
    pub(crate) fn leave(&self, nanos: u64, ticket: u64, is_refused: bool) -> Duration {
        let mut held = self.hold();
        let mut desk = held.desk(nanos);
        let wait = desk.wait_of(ticket);
        let wakers = desk.leave(ticket);
        drop(held);
        if is_refused {
            self.counters.count(false);
        }
        wakers.settle();
        wait
    }

    pub(crate) fn set_quota(&self, nanos: u64, quota: Quota, gcra: Gcra) {
        let mut held = self.hold();
        held.slow.tat = gcra.convert(&held.slow.gcra, held.slow.tat, nanos);
        held.slow.quota = quota;
        held.slow.gcra = gcra;
        held.slow.version += 1;
        let wakers = held.desk(nanos).changed();
        drop(held);
        wakers.settle();
    }

    pub(crate) fn reset(&self) {
        let mut held = self.hold();
        held.slow.tat = 0;
        let wakers = held.desk(0).changed();
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
    pub(crate) fn view(&self, nanos: u64) -> (Quota, u32, usize) {
        let mut held = self.hold();
        let left = held.desk(nanos).left();
        (held.slow.quota, left, held.slow.line.len())
    }
}
