//! The start of a child: the next incarnation of its slot.

use std::future::poll_fn;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use super::any_child::NotStarted;
use super::child::Child;
use super::events::Place;
use super::terms::Shutdown;
use crate::deadline::Deadlines;
use crate::ending::next_number;
use crate::error::StartError;
use crate::exit_reason::ExitReason;
use crate::keeper::Parent;
use crate::pid::Pid;
use crate::server_ref::WeakRef;
use crate::slot::{Ended, Slot};
use crate::sync::Arc;

/// Starts the next incarnation of a child, and returns when its `init` has.
pub(super) async fn start<M: Send + 'static>(
    child: Arc<Child<M>>,
    parent: Arc<dyn Parent>,
    supervisor: u64,
    place: Place,
) -> Result<Pid, NotStarted> {
    let slot = child.slot();
    last_ends(&child).await;
    let mut waiting = None;
    let pid = begin_after(&child, parent, supervisor, place, || {
        waiting = slot.note_start();
    });
    let number = pid.number();
    let begun = Begun { slot, number };
    let started = poll_fn(|cx| slot.poll_start(number, cx));
    let outcome = if child.start_timeout == Duration::MAX {
        started.await
    } else {
        match timeout(child.start_timeout, started).await {
            Ok(outcome) => outcome,
            Err(_) => {
                let end = pid.monitor();
                pid.kill();
                end.await;
                Err(NotStarted::Failed(ExitReason::from(StartError::Timeout)))
            }
        }
    };
    // From here on it is the supervisor's.
    std::mem::forget(begun);
    drop(waiting);
    if outcome.is_err() {
        // So that the address can be closed at once.
        poll_fn(|cx| slot.poll_over(cx)).await;
    }
    outcome.map(|()| pid)
}

/// Begins the next incarnation of a child of which none runs; what becomes of it is told to `parent`.
pub(super) fn begin<M: Send + 'static>(
    child: &Child<M>,
    parent: Arc<dyn Parent>,
    supervisor: u64,
    place: Place,
) -> Pid {
    begin_after(child, parent, supervisor, place, || ())
}

/// Begins it after `prepare` is done: the incarnation is there by then, and nothing of it has run.
fn begin_after<M: Send + 'static>(
    child: &Child<M>,
    parent: Arc<dyn Parent>,
    supervisor: u64,
    place: Place,
    prepare: impl FnOnce(),
) -> Pid {
    let slot = child.slot();
    let runtime = Handle::current();
    if let Some(deadlines) = Deadlines::of(&runtime) {
        // A slot whose first runtime is gone keeps its deadlines, and calls fall back on their own.
        let _ = slot.deadlines.set(deadlines);
    }
    let pid = Pid::new(next_number(), slot);
    slot.begin(pid.number(), None);
    slot.adopt(pid.number(), parent);
    pid.relate(|relations| relations.parent = supervisor);
    prepare();
    if let Some(name) = &child.name
        && let Err(error) = name.claim(&WeakRef::new(slot), &pid)
    {
        slot.end(Ended {
            reason: match error {
                StartError::Failed(reason) => reason,
                error => ExitReason::from(error),
            },
            served: false,
            ignored: false,
        });
        return pid;
    }
    let launcher = child.launcher();
    launcher.launch(&runtime, Arc::clone(slot), pid.number(), place);
    pid
}

/// Waits for an incarnation of before that still runs: one whose supervisor was killed and waited for
/// nobody. It has been told to end, and gets the time for it that the child has on any other end.
async fn last_ends<M: Send + 'static>(child: &Child<M>) {
    let slot = child.slot();
    loop {
        let number = slot.number();
        if number == 0 {
            return poll_fn(|cx| slot.poll_over(cx)).await;
        }
        let pid = Pid::new(number, slot);
        let mut end = std::pin::pin!(pid.monitor());
        match child.shutdown_terms() {
            Shutdown::Infinity => {}
            Shutdown::BrutalKill => pid.kill(),
            Shutdown::Timeout(limit) => {
                if timeout(limit, end.as_mut()).await.is_ok() {
                    continue;
                }
                pid.kill();
            }
        }
        end.await;
    }
}

/// An incarnation whose start nobody has heard the end of; given up, it is killed.
struct Begun<'a, M: Send + 'static> {
    slot: &'a Arc<Slot<M>>,
    number: u64,
}

impl<M: Send + 'static> Drop for Begun<'_, M> {
    fn drop(&mut self) {
        self.slot.kill(self.number);
    }
}
