//! The future of a call.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::current;
use crate::deadline::{self, Deadlines};
use crate::error::{CallError, CastError};
use crate::mailbox::QueuedSend;
use crate::reply::{self, Awaiting, ReplyTo};
use crate::slot::Slot;
use crate::sync::Arc;
use crate::waits;

/// A request on its way to an answer. Nothing happens before the first poll.
pub(crate) struct Call<'a, M, T, F> {
    slot: &'a Arc<Slot<M>>,
    timeout: Duration,
    /// Until it is sent.
    request: Option<F>,
    /// From when it is sent.
    answer: Option<Awaiting<T>>,
    /// While the mailbox is full: the message's place in the line.
    queued: Option<QueuedSend<M>>,
}

// Nothing in it is ever pinned in place.
impl<M, T, F> Unpin for Call<'_, M, T, F> {}

impl<'a, M, T, F> Call<'a, M, T, F> {
    pub(crate) fn new(slot: &'a Arc<Slot<M>>, request: F, timeout: Duration) -> Self {
        Self {
            slot,
            timeout,
            request: Some(request),
            answer: None,
            queued: None,
        }
    }
}

impl<M, T, F> Future for Call<'_, M, T, F>
where
    M: Send + 'static,
    T: Send + 'static,
    F: FnOnce(ReplyTo<T>) -> M,
{
    type Output = Result<T, CallError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(answer) = &mut this.answer else {
            return match this.request.take() {
                Some(request) => this.send(request, cx),
                None => Poll::Pending,
            };
        };
        let outcome = answer.poll(cx);
        if this.queued.is_some() {
            if outcome.is_pending() {
                return this.wait_for_room(cx);
            }
            // Timed out while it waited for room: the message leaves the line now, not when somebody
            // drops this future.
            this.queued = None;
        }
        outcome
    }
}

impl<M, T, F> Call<'_, M, T, F>
where
    M: Send + 'static,
    T: Send + 'static,
    F: FnOnce(ReplyTo<T>) -> M,
{
    #[inline]
    fn send(&mut self, request: F, cx: &Context<'_>) -> Poll<Result<T, CallError>> {
        let caller = current::process();
        if caller != 0 && caller == self.slot.number() {
            return Poll::Ready(Err(CallError::CallingSelf));
        }
        // The waker is left in the cell and the deadline armed before the message goes out. What would
        // be done between waking the server and letting go of this thread, another thread would use to
        // steal the server.
        let (reply, answer) = reply::pair(Some(cx.waker().clone()));
        if caller != 0
            && let Err(cycle) = waits::begin(self.slot, answer.settle_handle())
        {
            // Closed first: the drop of the other end settles nothing then.
            drop(answer);
            return Poll::Ready(Err(CallError::Deadlock { cycle }));
        }
        let message = request(reply);
        if caller != 0 {
            // Dropped in there, the reply is not one that this process owes: it is the one that it waits for.
            current::settle_if_left(&answer.settle_handle());
        }
        let sent = match self.slot.deadlines.get() {
            _ if self.timeout == Duration::MAX => self.slot.push(message),
            Some(deadlines) if self.timeout >= deadline::SHORT && !deadlines.is_dead() => {
                let call = answer.settle_handle();
                self.slot.push_call(message, call, self.timeout, deadlines)
            }
            _ => {
                self.slot.arm(&answer, self.timeout);
                self.slot.push(message)
            }
        };
        self.answer = Some(answer);
        match sent {
            Ok(()) => Poll::Pending,
            Err(refused) => self.not_sent(refused, cx),
        }
    }

    #[cold]
    fn not_sent(&mut self, refused: CastError<M>, cx: &Context<'_>) -> Poll<Result<T, CallError>> {
        let refused = match refused {
            CastError::NoProc(message) => message,
            CastError::Full(message) => match self.slot.push_or_wait(message, cx.waker()) {
                Ok(queued) => {
                    // Too late for the list in the mailbox, and a call that waits for room can afford
                    // a deadline of its own.
                    if let Some(answer) = self
                        .answer
                        .as_ref()
                        .filter(|_| self.timeout >= deadline::SHORT)
                    {
                        self.slot.arm(answer, self.timeout);
                    }
                    self.queued = queued;
                    return Poll::Pending;
                }
                Err(message) => message,
            },
        };
        // Closed before the message is dropped: what that settles is of no interest any more.
        self.answer = None;
        drop(refused);
        Poll::Ready(Err(CallError::NoProc))
    }

    #[cold]
    fn wait_for_room(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, CallError>> {
        match self.queued.as_ref().map(|queued| queued.poll(cx)) {
            Some(Poll::Ready(Err(refused))) => {
                self.answer = None;
                self.queued = None;
                drop(refused);
                Poll::Ready(Err(self.slot.gone()))
            }
            Some(Poll::Ready(Ok(()))) => {
                self.queued = None;
                Poll::Pending
            }
            Some(Poll::Pending) | None => Poll::Pending,
        }
    }
}

impl<M> Slot<M> {
    /// Lets an answer time out by the clock of the server's runtime, or of this one if it has none.
    #[cold]
    fn arm<T: Send + 'static>(&self, answer: &Awaiting<T>, timeout: Duration) {
        if timeout == Duration::MAX {
            return;
        }
        match self
            .deadlines
            .get()
            .filter(|deadlines| !deadlines.is_dead())
        {
            Some(deadlines) => deadlines.arm(answer.settle_handle(), timeout),
            None => {
                if let Some(deadlines) = Deadlines::of_caller() {
                    deadlines.arm(answer.settle_handle(), timeout);
                }
            }
        }
    }

    /// What a caller is told whose message the ended process gave back.
    fn gone(&self) -> CallError {
        match self.inner.lock().ended() {
            Some(ended) => CallError::Exited(ended.reason.clone()),
            None => CallError::NoProc,
        }
    }
}

/// Waits for an answer that is no reply to a message.
pub(crate) async fn within<M: Send + 'static, T: Send + 'static>(
    slot: &Arc<Slot<M>>,
    mut answer: Awaiting<T>,
    timeout: Duration,
) -> Result<T, CallError> {
    waits::begin(slot, answer.settle_handle()).map_err(|cycle| CallError::Deadlock { cycle })?;
    slot.arm(&answer, timeout);
    poll_fn(|cx| answer.poll(cx)).await
}

/// Blocks this thread on `call`, for `timeout` of the machine's time at most.
pub(crate) fn block_on<T>(
    call: impl Future<Output = Result<T, CallError>>,
    timeout: Duration,
) -> Result<T, CallError> {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: StdArc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(StdArc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut call = pin!(call);
    let deadline = Instant::now() + timeout;
    loop {
        if let Poll::Ready(outcome) = call.as_mut().poll(&mut cx) {
            return outcome;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(CallError::Timeout);
        }
        thread::park_timeout(left);
    }
}
