//! A handler at work, as `info` sees it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::slot::Slot;
use crate::sync::Ordering;

/// What a handler is at.
pub(crate) struct Work<'a, M> {
    slot: &'a Slot<M>,
    in_hand: usize,
    begun: u64,
}

impl<'a, M> Work<'a, M> {
    #[inline]
    pub(crate) fn begin(slot: &'a Slot<M>, ctx: &Context<M>) -> Self {
        Self {
            slot,
            in_hand: ctx.batch.len(),
            begun: ctx.begun,
        }
    }
}

/// How a handler ended.
pub(crate) struct Done {
    pub(crate) outcome: Result<(), ExitReason>,
    /// Whether it has waited for something.
    pub(crate) waited: bool,
}

pin_project! {
    /// A handler at work. The clock is read only for one that waits.
    pub(crate) struct Handling<'a, H, M> {
        #[pin]
        handler: H,
        work: Work<'a, M>,
        waited: bool,
    }
}

impl<'a, H, M> Handling<'a, H, M> {
    #[inline]
    pub(crate) fn new(handler: H, work: Work<'a, M>) -> Self {
        Self {
            handler,
            work,
            waited: false,
        }
    }
}

impl<H: Future<Output = Result<(), ExitReason>>, M> Future for Handling<'_, H, M> {
    type Output = Done;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let poll = this.handler.poll(cx);
        if poll.is_pending() && !*this.waited {
            *this.waited = true;
            this.work.slot.set_busy(this.work);
        }
        poll.map(|outcome| Done {
            outcome,
            waited: *this.waited,
        })
    }
}

impl<M> Slot<M> {
    /// Writes down since when the message in hand waits for something.
    #[cold]
    fn set_busy(&self, work: &Work<'_, M>) {
        self.in_hand.store(work.in_hand, Ordering::Relaxed);
        self.handled.store(work.begun, Ordering::Relaxed);
        self.inner.lock().extras().busy_since = Some(Instant::now());
    }

    #[cold]
    pub(crate) fn set_ready(&self) {
        self.inner.lock().extras().busy_since = None;
    }
}
