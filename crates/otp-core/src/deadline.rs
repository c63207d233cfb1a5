//! The time-outs of calls, at next to no cost per call.
//!
//! A timer of the runtime per call would cost twice the call itself. Here a call only appends
//! itself to a log. One ticker per runtime looks at the log every [`TICK`], and only a call that is
//! still in flight after a whole tick gets a place in a heap of real deadlines. Nothing is
//! disarmed: a call whose reply cell nobody holds any more is over, and is swept out when a shard
//! has doubled, or at the next tick.
//!
//! Invariants:
//! 1. A call is armed before its message is pushed, so whoever wakes the server has nothing left to
//!    do.
//! 2. Never early. An entry without a time of its own counts from the tick that first sees it,
//!    which is later than its arming. At most a tick and the runtime's own timer resolution late,
//!    while the runtime gets to run its timers.
//! 3. The clock is read per call only where it might jump: until two ticks have shown that the
//!    runtime's clock runs with the machine's (a paused clock does not), and while the ticker
//!    rests.
//! 4. The ticker rests when a whole tick passed without a call. It publishes that (`mode`) before
//!    it looks at the shards a last time; an arming call pushes first and then reads `mode`.
//!    Through the shard's lock one of them sees the other.
//! 5. When the runtime is dropped, its ticker is, and marks the log as dead; a later runtime never
//!    gets a dead log.

mod log;
mod ticker;

use std::time::Duration;

use tokio::runtime::{Handle, Id};
use tokio::time::Instant;

use crate::current::Settle;
use crate::panics;
use crate::sync::{Arc, AtomicBool, AtomicU32, Mutex, Ordering, Weak};
use log::Log;
use ticker::{Heap, Ticker};

/// How often the ticker looks at the log.
const TICK: Duration = Duration::from_millis(10);

/// Deadlines shorter than this skip the log: a tick would be too coarse for them.
const SHORT: Duration = Duration::from_millis(100);

/// The ticker rests; whoever arms has to wake it.
const RESTING: u32 = 0;
/// The ticker runs, but the clock is not known to be the machine's: each call reads it.
const EXACT: u32 = 1;
/// The ticker runs and the clock with it: no call reads it.
const COARSE: u32 = 2;

/// The deadlines of all calls to the servers of one runtime.
#[derive(Debug)]
pub(crate) struct Deadlines {
    log: Log,
    heap: Mutex<Heap>,
    mode: AtomicU32,
    dead: AtomicBool,
    runtime: Handle,
}

impl Deadlines {
    /// Returns the deadlines of the runtime that `runtime` stands for; `None` if it has no timers.
    pub(crate) fn of(runtime: &Handle) -> Option<Arc<Self>> {
        static RUNTIMES: Mutex<Vec<(Id, Weak<Deadlines>)>> = Mutex::new(Vec::new());

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
        let deadlines = Arc::new(Self {
            log: Log::new(),
            heap: Mutex::new(Heap::default()),
            mode: AtomicU32::new(RESTING),
            dead: AtomicBool::new(false),
            runtime: runtime.clone(),
        });
        runtimes.retain(|(known, deadlines)| *known != id && deadlines.strong_count() > 0);
        runtimes.push((id, Arc::downgrade(&deadlines)));
        drop(runtimes);
        runtime.spawn(Ticker::new(Arc::clone(&deadlines)).run());
        Some(deadlines)
    }

    /// Settles `call` with `Timeout` once `timeout` has passed, unless it is over by then.
    #[inline]
    pub(crate) fn arm(&self, call: Weak<dyn Settle>, timeout: Duration) {
        if timeout < SHORT {
            self.arm_exactly(call, timeout);
            return;
        }
        let armed = if self.mode.load(Ordering::Relaxed) == COARSE {
            None
        } else {
            Some(self.now())
        };
        self.log.push(call, timeout, armed);
        if self.mode.load(Ordering::Relaxed) == RESTING {
            self.heap.lock().wake_ticker();
        }
    }

    #[cold]
    fn arm_exactly(&self, call: Weak<dyn Settle>, timeout: Duration) {
        let deadline = after(self.now(), timeout);
        self.heap.lock().push(call, deadline);
    }

    /// The time on the clock of the servers' runtime, which need not be the caller's.
    #[cold]
    fn now(&self) -> Instant {
        let _inside = self.runtime.enter();
        Instant::now()
    }
}

/// `start` plus `timeout`, or a time that nobody lives to see.
fn after(start: Instant, timeout: Duration) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(86_400 * 365 * 30);
    start
        .checked_add(timeout)
        .unwrap_or_else(|| start + THIRTY_YEARS)
}
