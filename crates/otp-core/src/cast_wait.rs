//! The future of a cast that waits for room.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::CastError;
use crate::mailbox::QueuedSend;
use crate::slot::Slot;
use crate::sync::Arc;
use crate::waits;

/// A message on its way into a bounded mailbox. Nothing happens before the first poll.
pub(crate) struct CastWait<'a, M> {
    slot: &'a Arc<Slot<M>>,
    stage: Stage<M>,
}

enum Stage<M> {
    New(M),
    WaitsForRoom(QueuedSend<M>),
    Done,
}

// Nothing in it is ever pinned in place.
impl<M> Unpin for CastWait<'_, M> {}

impl<'a, M> CastWait<'a, M> {
    pub(crate) fn new(slot: &'a Arc<Slot<M>>, message: M) -> Self {
        Self {
            slot,
            stage: Stage::New(message),
        }
    }
}

impl<M: Send + 'static> Future for CastWait<'_, M> {
    type Output = Result<(), CastError<M>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::WaitsForRoom(queued) = &self.stage {
            let outcome = std::task::ready!(queued.poll(cx));
            self.stage = Stage::Done;
            return Poll::Ready(outcome.map_err(CastError::NoProc));
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::New(message) => match self.slot.push_or_wait(message, cx.waker()) {
                Ok(None) => Poll::Ready(Ok(())),
                Ok(Some(queued)) => {
                    // A circle that is closed by this is one that a call has to break: here is no error for it.
                    waits::note(self.slot, queued.awaited());
                    self.stage = Stage::WaitsForRoom(queued);
                    Poll::Pending
                }
                Err(refused) => Poll::Ready(Err(CastError::NoProc(refused))),
            },
            Stage::WaitsForRoom(_) | Stage::Done => Poll::Pending,
        }
    }
}
