//! Who waits for whom among processes, so that a cycle of calls is refused and not waited for.
//!
//! Only what a process sends in its own polls counts; a task or thread outside pays nothing. Calls, `stop`,
//! `suspend` and `inspect` look for a cycle. What has no error for one (starting a server, waiting for room,
//! awaiting an end) is only written down, so that a call that closes the cycle is refused.
//!
//! Invariants:
//! 1. A wait is written down before its request goes out, and stands or falls with what is waited for: an
//!    answer that is there, or that nobody waits for any more, is no wait. All are forgotten when the
//!    handler in hand has returned: a process that handles its next message waits for nobody.
//! 2. Who begins to wait first writes that down and then looks whether the other one waits (`may_wait`).
//!    That flag is raised, sequentially consistent, with the first wait of a handler; the waits themselves
//!    are under the lock. So of those that close a cycle at the same time, one sees all of it.
//! 3. A cycle counts only if every wait of it is found unanswered twice, in two passes over it: then all
//!    of them stood at the moment between the passes.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;

use crate::any_process::AnyProcess;
use crate::current;
use crate::pid::Pid;
use crate::slot::{Slot, WAITS};
use crate::sync::{Arc, GlobalMutex, Ordering, Weak};

/// Something that a process may wait for.
pub(crate) trait Awaited: Send + Sync {
    /// Tells whether it is there, or nobody waits for it any more.
    fn is_over(&self) -> bool;
}

/// One thing that a process waits for.
#[derive(Clone)]
pub(crate) struct Wait {
    /// The slot of the server that is to answer.
    whom: SlotId,
    answer: Weak<dyn Awaited>,
}

/// Waits that are over are swept out when there are this many, then whenever their number has doubled.
const FIRST_SWEEP: usize = 8;

/// Tells slots apart while they live: their addresses.
pub(crate) type SlotId = NonZeroUsize;

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

/// Writes down that the process on this thread, if one runs there, waits for an answer of `whom`. Tells
/// which process that is.
pub(crate) fn note<P: ?Sized>(whom: &Arc<P>, answer: Weak<dyn Awaited>) -> Option<SlotId> {
    current::with_me(|me| {
        let whom = id_of(whom);
        if !me.add_wait(Wait { whom, answer }) {
            WAITERS.insert(id_of(me), Arc::downgrade(me));
            me.can_be_found(id_of(me));
        }
        id_of(me)
    })
}

/// Writes down that the process on this thread, if one runs there, waits for an answer of `slot`.
///
/// If that closes a cycle of waits, those in it are returned, this process first.
pub(crate) fn begin<M: Send + 'static>(
    slot: &Arc<Slot<M>>,
    answer: Weak<dyn Awaited>,
) -> Result<(), Arc<[Pid]>> {
    let Some(me) = note(slot, answer) else {
        return Ok(());
    };
    // The look of invariant 2.
    if slot.may_wait() {
        let slot: Arc<dyn AnyProcess> = Arc::<Slot<M>>::clone(slot);
        if let Some(cycle) = find_cycle(me, &slot) {
            return Err(cycle);
        }
    }
    Ok(())
}

/// Follows the waits from `first` on; returns the way that leads back to `me`.
#[cold]
fn find_cycle(me: SlotId, first: &Arc<dyn AnyProcess>) -> Option<Arc<[Pid]>> {
    let own = Pid::of(WAITERS.find(me)?);
    let mut seen = HashSet::from([id_of(first)]);
    let mut way = vec![Station::new(Arc::clone(first))];
    while let Some(station) = way.last_mut() {
        let Some(wait) = station.open.pop() else {
            way.pop();
            continue;
        };
        let whom = wait.whom;
        station.taken = Some(wait);
        if whom == me {
            if way.iter().all(Station::still_waits) {
                let others = way.into_iter().map(|station| station.pid);
                return Some(std::iter::once(own).chain(others).collect());
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

/// A process on the way, and where one can go on from it.
struct Station {
    pid: Pid,
    open: Vec<Unanswered>,
    taken: Option<Unanswered>,
}

/// A wait that was found unanswered.
struct Unanswered {
    whom: SlotId,
    answer: Arc<dyn Awaited>,
}

impl Station {
    fn new(process: Arc<dyn AnyProcess>) -> Self {
        let open = process.waits().into_iter().filter_map(|wait| {
            let answer = wait.answer.upgrade().filter(|answer| !answer.is_over())?;
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
        self.taken
            .as_ref()
            .is_none_or(|wait| !wait.answer.is_over())
    }
}

/// The waits of one process since its handler in hand began.
#[derive(Default)]
pub(crate) struct Waits {
    open: Vec<Wait>,
    sweep_at: usize,
    /// Where others find the process.
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
    /// Writes down a wait; tells whether others can find this process already.
    pub(crate) fn add_wait(&self, wait: Wait) -> bool {
        let mut inner = self.inner.lock();
        let waits = &mut inner.extras().waits;
        if waits.open.is_empty() {
            self.waiting.store(true, Ordering::Relaxed);
            self.process.fetch_or(WAITS, Ordering::SeqCst);
            waits.sweep_at = FIRST_SWEEP;
        } else if waits.open.len() >= waits.sweep_at {
            // What goes here is the plain memory of cells that were dropped.
            waits.open.retain(|wait| wait.answer.strong_count() > 0);
            waits.sweep_at = FIRST_SWEEP.max(waits.open.len() * 2);
        }
        waits.open.push(wait);
        waits.registered.is_some()
    }

    pub(crate) fn can_be_found(&self, id: SlotId) {
        self.inner.lock().extras().waits.registered = Some(id);
    }

    pub(crate) fn waits(&self) -> Vec<Wait> {
        let inner = self.inner.lock();
        let extras = inner.extras.as_ref();
        extras.map_or_else(Vec::new, |extras| extras.waits.open.clone())
    }

    /// The handler in hand has returned: whatever it has left in flight, the process is free.
    #[inline]
    pub(crate) fn forget_waits(&self) {
        if self.waiting.load(Ordering::Relaxed) {
            self.clear_waits();
        }
    }

    #[cold]
    fn clear_waits(&self) {
        let mut inner = self.inner.lock();
        inner.extras().waits.open.clear();
        self.waiting.store(false, Ordering::Relaxed);
        self.process.fetch_and(!WAITS, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for dyn Awaited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Awaited(..)")
    }
}
