//! What binds a process to others: links, and who monitors it.
//!
//! Invariants:
//! 1. A link stands in both processes or in neither. It is made and unmade under both locks, taken in
//!    the order of the processes' numbers; no other place holds two of them.
//! 2. The exit signal of a link is delivered if and only if the link still stands in the one who gets
//!    it, and takes it out in the same step. So nothing comes after `unlink` has returned, and
//!    nothing comes twice.
//! 3. Who ends takes out all its relations in the step that makes its end public; from then on nobody
//!    can relate to it.

use std::collections::BTreeMap;
use std::mem;

use crate::exit_reason::ExitReason;
use crate::exits::{Down, ExitSignal, MonitorRef, Origin};
use crate::panics;
use crate::pid::Pid;
use crate::registry::Held;
use crate::slot::Slot;
use crate::sync::Arc;

/// What binds one incarnation to other processes.
#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// By the number of the other process.
    pub(crate) links: BTreeMap<u64, Pid>,
    /// The processes that monitor this one, by the number of the monitor.
    pub(crate) monitors: BTreeMap<u64, Pid>,
    /// The process that started this one by `start_link`, 0 for none.
    pub(crate) parent: u64,
    pub(crate) traps_exits: bool,
    /// The children for which the process has a handle of its own while it ends.
    pub(crate) held: Vec<Pid>,
    /// What it has registered, one for each registry.
    pub(crate) registered: Vec<Arc<dyn Held>>,
    /// Why the process has to end at once, if an exit signal says so.
    pub(crate) fatal: Option<ExitReason>,
}

/// Links two processes; `false` if one has ended.
pub(crate) fn link(one: &Pid, other: &Pid) -> bool {
    let mut linked = false;
    with_both(one, other, |a, a_pid, b, b_pid| {
        a.links.insert(b_pid.number(), b_pid.clone());
        b.links.insert(a_pid.number(), a_pid.clone());
        linked = true;
    });
    linked
}

/// Takes the link out of both processes. Afterwards no exit signal passes.
pub(crate) fn unlink(one: &Pid, other: &Pid) {
    let mut gone = Vec::new();
    let both = with_both(one, other, |a, a_pid, b, b_pid| {
        gone.extend(a.links.remove(&b_pid.number()));
        gone.extend(b.links.remove(&a_pid.number()));
    });
    if !both {
        // One has ended, and the other may not have heard of it yet.
        for (this, that) in [(one, other), (other, one)] {
            this.relate(|relations| gone.extend(relations.links.remove(&that.number())));
        }
    }
}

/// Runs `change` under the locks of two processes, in the order of their numbers; tells whether both
/// are running and it did.
fn with_both(
    one: &Pid,
    other: &Pid,
    mut change: impl FnMut(&mut Relations, &Pid, &mut Relations, &Pid),
) -> bool {
    if one == other {
        return false;
    }
    let (first, second) = if one < other {
        (one, other)
    } else {
        (other, one)
    };
    let mut both = false;
    first.relate(|a| both = second.relate(|b| change(a, first, b, second)));
    both
}

impl Relations {
    /// Tells everybody of the end of `pid`: first those linked to it, then those that monitor it.
    pub(crate) fn end(self, pid: &Pid, reason: &ExitReason) {
        for peer in self.links.into_values() {
            let signal = ExitSignal {
                from: Some(pid.clone()),
                reason: reason.clone(),
                origin: Origin::Link,
            };
            // It may wake somebody, and a waker that panics must not keep the others from being told.
            let _ = panics::catch(|| peer.send_exit(signal));
        }
        for (monitor, watcher) in self.monitors {
            let down = Down {
                monitor: MonitorRef(monitor),
                pid: pid.clone(),
                reason: reason.clone(),
            };
            let _ = panics::catch(|| watcher.tell_down(down));
        }
        for child in self.held {
            let _ = panics::catch(|| child.process().release_handle());
        }
    }
}

impl<M> Slot<M> {
    /// Keeps the process's children running while its state is dropped, and with it perhaps the last
    /// handles to them: they are to end by its exit signal, with its reason.
    pub(crate) fn hold_children(&self, number: u64) {
        let inner = self.inner.lock();
        let relations = inner.extras.as_ref().map(|extras| &extras.relations);
        let links = relations.map(|relations| relations.links.values().cloned());
        let mut linked: Vec<Pid> = links.into_iter().flatten().collect();
        drop(inner);
        if linked.is_empty() {
            return;
        }
        linked.retain(|peer| peer.process().hold_for(peer.number(), number));
        self.relate(number, &mut |relations| {
            mem::swap(&mut relations.held, &mut linked);
        });
    }

    /// The number of the process that started this one by `start_link`, 0 for none.
    pub(crate) fn parent(&self) -> u64 {
        let inner = self.inner.lock();
        let extras = inner.extras.as_ref();
        extras.map_or(0, |extras| extras.relations.parent)
    }

    /// Runs `change` on the relations of incarnation `number`, unless it has ended.
    pub(crate) fn relate(&self, number: u64, change: &mut dyn FnMut(&mut Relations)) -> bool {
        let mut inner = self.inner.lock();
        let running = self.is_running(&inner, number);
        if running {
            change(&mut inner.extras().relations);
        }
        running
    }
}
