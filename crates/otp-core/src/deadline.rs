//! The time-outs of calls, at next to no cost per call.
//!
//! A timer of the runtime per call would cost twice the call itself. Here a call only writes itself
//! down in the mailbox, under the lock that it takes anyway. One ticker per runtime looks at the
//! mailboxes that were called every [`TICK`], and only a call that is still in flight a whole tick
//! later gets a place in a heap of real deadlines. Nothing is disarmed: a call whose reply cell nobody
//! holds any more is over, and is swept out when a list has doubled, or at the next tick.
//!
//! Invariants:
//! 1. A call is armed before its message is pushed, so whoever wakes the server has nothing left to
//!    do.
//! 2. Never early. An entry without a time of its own counts from the tick that first sees it, which
//!    is later than its arming. At most a tick and the runtime's own timer resolution late, while the
//!    runtime gets to run its timers.
//! 3. The clock is read per call only where it might jump: until two ticks have shown that the
//!    runtime's clock runs with the machine's (a paused clock does not), and while the ticker rests.
//! 4. A server has a list of calls if and only if the ticker watches it. The ticker rests when it
//!    watches none. It publishes that (`mode`) and leaves its waker before it looks a last time whether
//!    it watches one; whoever has a server watched adds it first and then takes the waker. Through the
//!    lock of the list one of them sees the other.
//! 5. When the runtime is dropped, its ticker is, and marks the deadlines as dead; a later runtime never
//!    gets dead ones.

mod ticker;
mod watched;

use std::task::Waker;
use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use crate::current::Settle;
use crate::panics;
use crate::sync::{Arc, AtomicBool, AtomicU32, GlobalMutex, Mutex, Ordering, Weak};
use crate::timers::after;
use ticker::Heap;
#[cfg(all(test, otp_schedules))]
pub(crate) use ticker::Look;
pub(crate) use ticker::Ticker;
pub(crate) use watched::Calls;
use watched::Watched;

/// How often the ticker looks at the log.
const TICK: Duration = Duration::from_millis(10);

/// Deadlines shorter than this are counted exactly: a tick would be too coarse for them.
pub(crate) const SHORT: Duration = Duration::from_millis(100);

/// The ticker rests; whoever has a server watched wakes it.
const RESTING: u32 = 0;
/// The ticker runs, but the clock is not known to be the machine's: each call reads it.
const EXACT: u32 = 1;
/// The ticker runs and the clock with it: no call reads it.
const COARSE: u32 = 2;

/// The deadlines of all calls to the servers of one runtime.
pub(crate) struct Deadlines {
    /// The servers that were called lately.
    watched: Mutex<Vec<Arc<dyn Watched>>>,
    heap: Mutex<Heap>,
    mode: AtomicU32,
    dead: AtomicBool,
    runtime: Handle,
}

impl Deadlines {
    /// Returns the deadlines of the runtime that `runtime` stands for; `None` if it has no timers.
    pub(crate) fn of(runtime: &Handle) -> Option<Arc<Self>> {
        static RUNTIMES: GlobalMutex<Vec<(Id, Weak<Deadlines>)>> = GlobalMutex::new(Vec::new());

        let id = runtime.id();
        // A runtime's number may be given out again after its end, therefore the look at `dead`.
        let find = |runtimes: &[(Id, Weak<Self>)]| {
            let known = runtimes
                .iter()
                .find(|(known, _)| *known == id)?
                .1
                .upgrade()?;
            (!known.dead.load(Ordering::Acquire)).then_some(known)
        };
        if let Some(known) = find(&RUNTIMES.lock()) {
            return Some(known);
        }
        // tokio has no other way to ask than to be refused, by a panic; not under our lock, for a
        // panic runs the program's hook.
        panics::catch(|| drop(tokio::time::sleep(Duration::ZERO))).ok()?;
        let mut runtimes = RUNTIMES.lock();
        if let Some(known) = find(&runtimes) {
            return Some(known);
        }
        let deadlines = Arc::new(Self::new(runtime.clone()));
        runtimes.retain(|(known, deadlines)| *known != id && deadlines.strong_count() > 0);
        runtimes.push((id, Arc::downgrade(&deadlines)));
        drop(runtimes);
        runtime.spawn(Ticker::new(Arc::clone(&deadlines)).run());
        Some(deadlines)
    }

    pub(crate) fn new(runtime: Handle) -> Self {
        Self {
            watched: Mutex::new(Vec::new()),
            heap: Mutex::new(Heap::default()),
            mode: AtomicU32::new(RESTING),
            dead: AtomicBool::new(false),
            runtime,
        }
    }

    /// Returns the deadlines of the runtime in which this is called, for calls to a server that has
    /// none: not started yet, or an inbox whose runtime is gone.
    #[cold]
    pub(crate) fn of_caller() -> Option<Arc<Self>> {
        Self::of(&Handle::try_current().ok()?)
    }

    /// Tells whether the runtime is gone.
    #[inline]
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// The time, if calls have to read the clock at the moment.
    #[inline]
    fn stamp(&self) -> Option<Instant> {
        (self.mode.load(Ordering::Relaxed) != COARSE).then(|| self.now())
    }

    /// Has the ticker look at the calls of a server; returns its waker if it rests.
    #[cold]
    fn watch(&self, server: Arc<dyn Watched>) -> Option<Waker> {
        let mut watched = self.watched.lock();
        // Looked at under the lock, so that nothing is left here after the ticker has cleared it. A
        // server kept here would keep these deadlines, which keep it.
        if self.dead.load(Ordering::Acquire) {
            return None;
        }
        watched.push(server);
        drop(watched);
        let rests = self.mode.load(Ordering::Relaxed) == RESTING;
        if rests {
            self.heap.lock().waker.take()
        } else {
            None
        }
    }

    /// Settles `call` with `Timeout` once `timeout` has passed, unless it is over by then.
    ///
    /// For short deadlines, and for what need not be cheap.
    #[cold]
    pub(crate) fn arm(&self, call: Weak<dyn Settle>, timeout: Duration) {
        let deadline = after(self.now(), timeout);
        let waker = {
            let mut heap = self.heap.lock();
            heap.push(call, deadline);
            heap.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The time on the clock of the servers' runtime, which need not be the caller's.
    #[cold]
    fn now(&self) -> Instant {
        let _inside = self.runtime.enter();
        Instant::now()
    }
}

impl std::fmt::Debug for Deadlines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deadlines")
            .field("runtime", &self.runtime.id())
            .finish_non_exhaustive()
    }
}
