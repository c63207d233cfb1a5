//! Slots that outlive their incarnations: those of a supervisor's children.
//!
//! A slot has a keeper while the child's specification exists. It decides what an end means: with one,
//! messages wait for the next incarnation; without, the slot is closed for good.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Poll, Waker};

use crate::deadline::Calls;
use crate::ending::drop_for_process;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::mailbox::WaitingSender;
use crate::panics;
use crate::pid::Pid;
use crate::slot::{Ended, Inner, Phase, Slot};
use crate::supervisor::NotStarted;
use crate::sync::Arc;
use crate::watch::{ServerChange, tell_change};

/// Who is told of the end of a child before anybody who is linked with it or monitors it.
pub(crate) trait Parent: Send + Sync {
    /// The child's `init` has succeeded; it runs as `pid`.
    fn child_started(&self, pid: &Pid);
    /// The child that began to run as `pid` has ended before it had started.
    fn child_not_started(&self, pid: &Pid, outcome: NotStarted) {
        let _ = (pid, outcome);
    }
    /// Everybody has been told of the end of the child that ran, or began to run, as `pid`.
    fn child_is_over(&self, pid: &Pid) {
        let _ = pid;
    }
    /// The child that ran as `pid`, and had started, has ended.
    fn child_ended(&self, pid: &Pid, reason: &ExitReason);
}

/// What a slot has while a child's specification stands behind it.
#[derive(Default)]
pub(crate) struct Keeper {
    /// The number of the incarnation that began last.
    begun: u64,
    /// The number of the last one that had started and has ended, 0 before the first.
    ran: u64,
    /// How the last incarnation ended.
    last: Option<Ended>,
    /// Whether what waits is dropped with the incarnation that it was sent to.
    pub(crate) forgets: bool,
    /// Whether an incarnation has ended and not everybody is told yet.
    ending: bool,
    /// Who waits for that.
    over: Option<Waker>,
    /// Whether the specification went meanwhile: then the end closes the slot as its last step.
    released: bool,
}

impl Keeper {
    /// Writes down how an incarnation ended, which is about to tell others of it.
    pub(crate) fn ends(&mut self, ended: &Ended) {
        self.last = Some(ended.clone());
        self.ending = true;
        if ended.served {
            self.ran = self.begun;
        }
    }
}

impl Ended {
    /// What the end says of the start.
    pub(crate) fn as_start(&self) -> Result<(), NotStarted> {
        match self {
            Self { served: true, .. } => Ok(()),
            Self { ignored: true, .. } => Err(NotStarted::Ignored),
            Self { reason, .. } => Err(NotStarted::Failed(reason.clone())),
        }
    }
}

/// What a slot held that accepts nothing any more.
pub(crate) struct Shut<M> {
    queue: VecDeque<M>,
    senders: VecDeque<Arc<WaitingSender<M>>>,
    calls: Option<Box<Calls>>,
}

impl<M> Default for Shut<M> {
    fn default() -> Self {
        Self {
            queue: VecDeque::new(),
            senders: VecDeque::new(),
            calls: None,
        }
    }
}

impl<M> Shut<M> {
    /// Drops the messages, tells their callers `outcome`, and gives those that wait for room their own
    /// back.
    pub(crate) fn discard(self, pid: &Pid, outcome: &CallError) {
        drop(self.calls);
        if !self.queue.is_empty() {
            drop_for_process(pid, outcome, || {
                for message in self.queue {
                    let _ = panics::catch_drop(message);
                }
            });
        }
        for sender in self.senders {
            let _ = panics::catch(|| sender.refuse());
        }
    }
}

impl<M> Inner<M> {
    /// Takes out what nobody will handle, and counts it.
    pub(crate) fn shut(&mut self) -> Shut<M> {
        let queue = mem::take(&mut self.queue);
        self.dropped += queue.len();
        let senders = self
            .extras
            .as_mut()
            .map(|extras| mem::take(&mut extras.senders));
        Shut {
            queue,
            senders: senders.unwrap_or_default(),
            calls: self.calls.take(),
        }
    }
}

impl<M: Send + 'static> Slot<M> {
    /// Has the slot outlive its incarnations from now on.
    pub(crate) fn keep(&self) {
        self.inner.lock().extras().keeper = Some(Keeper::default());
    }

    /// Has what waits dropped at each end.
    pub(crate) fn forget_messages(&self) {
        if let Some(keeper) = self.inner.lock().keeper() {
            keeper.forgets = true;
        }
    }

    /// Names the one who is told of the end of the incarnation that begins.
    pub(crate) fn adopt(&self, number: u64, parent: Arc<dyn Parent>) {
        let mut inner = self.inner.lock();
        if let Some(keeper) = inner.keeper() {
            keeper.begun = number;
        }
        inner.extras().parent = Some(parent);
    }

    /// The number of the incarnation that is there, otherwise of the last one that had started; 0 if there is none or the
    /// slot is kept no more.
    pub(crate) fn last_number(&self) -> u64 {
        let mut inner = self.inner.lock();
        let ran = inner.keeper().map(|keeper| keeper.ran);
        match (ran, self.number()) {
            (None, _) => 0,
            (Some(ran), 0) => ran,
            (Some(_), number) => number,
        }
    }

    /// Whether an incarnation is still telling others of its end.
    pub(crate) fn is_ending(&self) -> bool {
        let mut inner = self.inner.lock();
        inner.keeper().is_some_and(|keeper| keeper.ending)
    }

    /// What became of the start of incarnation `number`; `Ok` also if it has ended since.
    pub(crate) fn poll_start(&self, number: u64, cx: &Context<'_>) -> Poll<Result<(), NotStarted>> {
        let waker = cx.waker().clone();
        let mut inner = self.inner.lock();
        if self.number() == number {
            return match &mut inner.phase {
                Phase::Starting(starter) => {
                    let before = starter.replace(waker);
                    drop(inner);
                    drop(before);
                    Poll::Pending
                }
                _ => Poll::Ready(Ok(())),
            };
        }
        let last = inner.keeper().and_then(|keeper| keeper.last.clone());
        Poll::Ready(match last {
            Some(ended) => ended.as_start(),
            None => Err(NotStarted::Failed(ExitReason::NoProc)),
        })
    }

    /// Waits until an end that has begun is over and everybody is told. Until then nothing may become of the
    /// slot: who watches it would hear of that first.
    pub(crate) fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut inner = self.inner.lock();
        let Some(keeper) = inner.keeper().filter(|keeper| keeper.ending) else {
            return Poll::Ready(());
        };
        let before = keeper.over.replace(waker);
        drop(inner);
        drop(before);
        Poll::Pending
    }

    /// Everybody is told of an end.
    pub(crate) fn end_is_over(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        let Some(keeper) = inner.keeper() else {
            return;
        };
        keeper.ending = false;
        let (over, released) = (keeper.over.take(), keeper.released);
        drop(inner);
        if let Some(over) = over {
            let _ = panics::catch(|| over.wake());
        }
        if released {
            self.release();
        }
    }

    /// No start is to be expected: what waits is dropped, and its callers are told that nobody is there.
    pub(crate) fn stop_waiting(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        if !matches!(inner.phase, Phase::Waiting) {
            return;
        }
        inner.phase = Phase::Stopped;
        let shut = inner.shut();
        drop(inner);
        shut.discard(&Pid::new(0, self), &CallError::NoProc);
    }

    /// The specification is gone: without an incarnation the slot is closed now, otherwise with its end.
    pub(crate) fn release(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        if let Some(keeper) = inner.keeper().filter(|keeper| keeper.ending) {
            keeper.released = true;
            return;
        }
        let keeper = inner
            .extras
            .as_mut()
            .and_then(|extras| extras.keeper.take());
        let Some(keeper) = keeper else {
            return;
        };
        if !matches!(inner.phase, Phase::Waiting | Phase::Stopped) {
            return;
        }
        let ended = keeper.last.unwrap_or(Ended {
            reason: ExitReason::NoProc,
            served: false,
            ignored: false,
        });
        let outcome = match &ended.reason {
            ExitReason::NoProc => CallError::NoProc,
            reason => CallError::Exited(reason.clone()),
        };
        inner.phase = Phase::Closed(ended);
        let shut = inner.shut();
        let watchers = inner.watchers();
        let extras = inner.extras.take();
        drop(inner);
        drop(extras);
        shut.discard(&Pid::new(0, self), &outcome);
        tell_change(&watchers, &ServerChange::Closed);
    }
}
