//! Who waits for whom among processes, so that a cycle of calls is refused and not waited for.
//!
//! Only what a process sends in its own polls counts; a task or thread outside pays nothing. Calls, `stop`,
//! `suspend` and `inspect` look for a cycle. What has no error for one (starting a server, waiting for room,
//! awaiting an end) is only written down, so that a call that closes the cycle is refused.
//!
//! Invariants:
//! 1. A wait is written down before its request goes out. It is taken out with the future that waits,
//!    and at the latest when the handler in hand has returned: a process that handles its next message
//!    waits for nobody.
//! 2. Who begins to wait first writes that down and then looks whether the other one waits, both
//!    sequentially consistent. So of those that close a cycle at the same time, one sees all of it.
//! 3. A cycle counts only if every wait of it is found unanswered twice, in two passes over it: then all
//!    of them stood at the moment between the passes.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

use crate::any_process::AnyProcess;
use crate::current::{self, Settle};
use crate::pid::Pid;
use crate::slot::Slot;
use crate::sync::{Arc, GlobalMutex, Ordering, Weak};

/// One thing that a process waits for.
#[derive(Debug, Clone)]
pub(crate) struct Wait {
    /// Set by the process that waits; unlike that of any other wait there is.
    number: u64,
    /// The slot of the server that is to answer.
    whom: SlotId,
    /// The answer; a wait without one stands until it is taken out.
    answer: Option<Weak<dyn Settle>>,
}

/// Tells slots apart while they live: their addresses.
type SlotId = NonZeroUsize;

fn id_of<P: ?Sized>(slot: &Arc<P>) -> SlotId {
    // An address is never zero.
    NonZeroUsize::new(Arc::as_ptr(slot).addr()).unwrap_or(NonZeroUsize::MIN)
}

/// The processes that have waited for anybody, each from its first wait to its end.
struct Waiters([GlobalMutex<HashMap<SlotId, Weak<dyn AnyProcess>>>; SHARDS]);

const SHARDS: usize = 16;

static WAITERS: std::sync::LazyLock<Waiters> =
    std::sync::LazyLock::new(|| Waiters(std::array::from_fn(|_| GlobalMutex::default())));

impl Waiters {
    fn shard(&self, id: SlotId) -> &GlobalMutex<HashMap<SlotId, Weak<dyn AnyProcess>>> {
        // Slots are aligned, so the lowest bits are all the same.
        &self.0[(id.get() >> 8) % SHARDS]
    }

    fn insert(&self, id: SlotId, process: Weak<dyn AnyProcess>) {
        let before = self.shard(id).lock().insert(id, process);
        drop(before);
    }

    fn remove(&self, id: SlotId) {
        let gone = self.shard(id).lock().remove(&id);
        drop(gone);
    }

    fn find(&self, id: SlotId) -> Option<Arc<dyn AnyProcess>> {
        self.shard(id).lock().get(&id)?.upgrade()
    }
}

/// A wait of the process that runs on this thread, for as long as this value lives.
#[derive(Debug)]
pub(crate) struct Waiting {
    who: SlotId,
    number: u64,
}

impl Waiting {
    /// Writes down that the process on this thread, if one runs there, waits for `whom`.
    pub(crate) fn note<P: ?Sized>(whom: &Arc<P>, answer: Option<Weak<dyn Settle>>) -> Option<Self> {
        current::with_me(|me| {
            let wait = Wait {
                number: 0,
                whom: id_of(whom),
                answer,
            };
            Self {
                who: id_of(me),
                number: me.add_wait(Arc::downgrade(me), wait),
            }
        })
    }

    /// Writes down that the process on this thread, if one runs there, waits for `slot`; if that closes a
    /// cycle of waits, those in it are returned instead, this process first.
    pub(crate) fn begin<M: Send + 'static>(
        slot: &Arc<Slot<M>>,
        answer: Option<Weak<dyn Settle>>,
    ) -> Result<Option<Self>, Arc<[Pid]>> {
        let begun = Self::note(slot, answer);
        // The look of invariant 2.
        if begun.is_some() && slot.waiting.load(Ordering::SeqCst) != 0 {
            let slot: Arc<dyn AnyProcess> = Arc::<Slot<M>>::clone(slot);
            if let Some(cycle) = begun.as_ref().and_then(|begun| begun.cycle(&slot)) {
                return Err(cycle);
            }
        }
        Ok(begun)
    }

    /// Follows the waits from `first` on; returns the way that leads back to the one who waits here.
    #[cold]
    fn cycle(&self, first: &Arc<dyn AnyProcess>) -> Option<Arc<[Pid]>> {
        let me = Pid::of(WAITERS.find(self.who)?);
        let mut seen = HashSet::from([id_of(first)]);
        let mut way = vec![Station::new(Arc::clone(first))];
        while let Some(station) = way.last_mut() {
            let Some(wait) = station.open.pop() else {
                way.pop();
                continue;
            };
            let whom = wait.whom;
            station.taken = Some(wait);
            if whom == self.who {
                if way.iter().all(Station::still_waits) {
                    let others = way.into_iter().map(|station| station.pid);
                    return Some(std::iter::once(me).chain(others).collect());
                }
                // A wait on this way has ended meanwhile. There may be another way over the same stations,
                // so the search begins anew; what has ended is not found again.
                seen = HashSet::from([id_of(first)]);
                way = vec![Station::new(Arc::clone(first))];
            } else if seen.insert(whom)
                && let Some(next) = WAITERS.find(whom)
            {
                way.push(Station::new(next));
            }
        }
        None
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let here = current::with_me(|me| {
            let own = id_of(me) == self.who;
            if own {
                me.remove_wait(self.number);
            }
            own
        });
        if here != Some(true)
            && let Some(process) = WAITERS.find(self.who)
        {
            // The future was moved out of its process.
            process.remove_wait(self.number);
        }
    }
}

/// A process on the way, and where one can go on from it.
struct Station {
    pid: Pid,
    open: Vec<Unanswered>,
    taken: Option<Unanswered>,
}

/// A wait that was found unanswered.
struct Unanswered {
    whom: SlotId,
    answer: Option<Arc<dyn Settle>>,
}

impl Station {
    fn new(process: Arc<dyn AnyProcess>) -> Self {
        let waits = process.waits().into_iter();
        let open = waits.filter_map(|wait| {
            let answer = match &wait.answer {
                Some(answer) => Some(answer.upgrade().filter(|answer| !answer.is_over())?),
                None => None,
            };
            let whom = wait.whom;
            Some(Unanswered { whom, answer })
        });
        Self {
            open: open.collect(),
            pid: Pid::of(process),
            taken: None,
        }
    }

    fn still_waits(&self) -> bool {
        let answer = self.taken.as_ref().and_then(|wait| wait.answer.as_ref());
        answer.is_none_or(|answer| !answer.is_over())
    }
}

/// The waits of one process.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    open: Vec<Wait>,
    begun: u64,
    /// Whether the process can be found by others.
    registered: Option<SlotId>,
}

impl Drop for Waits {
    fn drop(&mut self) {
        if let Some(id) = self.registered {
            WAITERS.remove(id);
        }
    }
}

impl<M> Slot<M> {
    pub(crate) fn add_wait(&self, this: Weak<dyn AnyProcess>, mut wait: Wait) -> u64 {
        let mut inner = self.inner.lock();
        let number = self.number();
        let waits = &mut inner.extras().waits;
        // Nobody counts up to the next process's numbers.
        wait.number = (number << 32) + waits.begun;
        waits.begun += 1;
        let number = wait.number;
        waits.open.push(wait);
        self.count_waits(waits);
        if waits.registered.is_none() {
            let id = NonZeroUsize::new(this.as_ptr().addr()).unwrap_or(NonZeroUsize::MIN);
            waits.registered = Some(id);
            WAITERS.insert(id, this);
        }
        number
    }

    pub(crate) fn remove_wait(&self, number: u64) {
        let mut inner = self.inner.lock();
        let waits = &mut inner.extras().waits;
        let at = waits.open.iter().position(|wait| wait.number == number);
        let gone = at.map(|at| waits.open.swap_remove(at));
        self.count_waits(waits);
        drop(inner);
        drop(gone);
    }

    pub(crate) fn waits(&self) -> Vec<Wait> {
        let inner = self.inner.lock();
        let extras = inner.extras.as_ref();
        extras.map_or_else(Vec::new, |extras| extras.waits.open.clone())
    }

    /// The handler in hand has returned: whatever it has left in flight, the process is free.
    #[inline]
    pub(crate) fn forget_waits(&self) {
        if self.waiting.load(Ordering::Relaxed) != 0 {
            self.clear_waits();
        }
    }

    #[cold]
    fn clear_waits(&self) {
        let mut inner = self.inner.lock();
        let waits = &mut inner.extras().waits;
        let gone = std::mem::take(&mut waits.open);
        self.count_waits(waits);
        drop(inner);
        drop(gone);
    }

    /// Written under the lock, read without it.
    fn count_waits(&self, waits: &Waits) {
        let count = u32::try_from(waits.open.len()).unwrap_or(u32::MAX);
        self.waiting.store(count, Ordering::SeqCst);
    }
}
