//! The process of a server: its life from `init` to the drop of its state.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::context::Context;
use crate::current::{self, Scope, Unanswered};
use crate::ending::ExitGuard;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::panics;
use crate::slot::{Ended, Slot};
use crate::step::Step;
use crate::sync::{Arc, Ordering};

/// Makes the future that is the process of `server`, as incarnation `number` of `slot`.
pub(crate) fn process<S: GenServer>(
    slot: Arc<Slot<S::Msg>>,
    number: u64,
    server: S,
) -> impl Future<Output = ()> + Send {
    let ended = Ended {
        reason: ExitReason::Killed,
        served: false,
        ignored: false,
    };
    let owned = Owned {
        ctx: Context::new(Arc::clone(&slot), number),
        server: Contained(Some(server)),
        guard: ExitGuard { slot, ended },
    };
    Process {
        run: Some(run(owned)),
        number,
        unanswered: Vec::new(),
    }
}

/// What the process owns, in the order in which it goes when a runtime that shuts down drops the
/// process half-way: what was swapped out is given back, the state is dropped, and last the guard
/// closes the slot.
struct Owned<S: GenServer> {
    ctx: Context<S::Msg>,
    server: Contained<S>,
    guard: ExitGuard<S::Msg>,
}

/// A value whose drop may panic, which goes no further. Two panics at once would end the program.
struct Contained<T>(Option<T>);

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        let _ = panics::catch_drop(self.0.take());
    }
}

#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its parameters twice, and here they are most of what an idle server costs"
)]
fn run<S: GenServer>(mut owned: Owned<S>) -> impl Future<Output = ()> + Send {
    async move {
        let Owned { ctx, server, guard } = &mut owned;
        ctx.begun = poll_fn(|cx| Poll::Ready(guard.slot.attach(cx.waker().clone()))).await;
        let Some(state) = &mut server.0 else {
            return;
        };
        let end = Guarded::new(&guard.slot, live(state, ctx, &guard.slot, &mut guard.ended)).await;
        // A kill, or a panic, may have left the handler half-way. It is dropped by now; timers and
        // tasks are next.
        ctx.cancel_all();
        let mut reason = end.unwrap_or_else(|killed_or_panic| killed_or_panic);
        let killed = guard.slot.is_killed();
        if killed {
            // Whatever else went on: without `terminate` it is no other end than a kill.
            reason = ExitReason::Killed;
        }
        let terminates = guard.ended.served && !killed;
        if terminates
            && let Err(killed_or_panic) =
                Guarded::new(&guard.slot, async { state.terminate(&reason, ctx).await }).await
        {
            reason = killed_or_panic;
        }
        if let Err(panic) = panics::catch_drop(server.0.take()) {
            reason = panic;
        }
        ctx.cancel_all();
        guard.ended.reason = reason;
    }
}

/// Serves until there is a reason to end.
async fn live<S: GenServer>(
    server: &mut S,
    ctx: &mut Context<S::Msg>,
    slot: &Slot<S::Msg>,
    ended: &mut Ended,
) -> ExitReason {
    if let Err(reason) = server.init(ctx).await {
        return reason;
    }
    if ctx.was_ignored() {
        ended.ignored = true;
        return ExitReason::Normal;
    }
    ended.served = true;
    slot.started();
    tracing::debug!(pid = ctx.number, name = slot.name(), "process started");
    current::settle_unanswered(&CallError::NoReply);
    loop {
        let step = ctx.next_step();
        // Finding out what comes next may drop something of the user's: a result of an aborted task.
        current::settle_unanswered(&CallError::NoReply);
        match step {
            Step::Handle(message) => {
                let (in_hand, begun) = (ctx.batch.len(), ctx.begun);
                let handler = server.handle(message, &mut *ctx);
                let (outcome, waited) = Handling {
                    handler,
                    slot,
                    in_hand,
                    begun,
                    waited: false,
                }
                .await;
                if waited {
                    slot.set_ready();
                    ctx.woke();
                }
                if let Err(reason) = outcome {
                    return reason;
                }
                // The message boundary at which unanswered calls are settled. A handler that fails
                // does not get here: its calls are told how the process ended.
                current::settle_unanswered(&CallError::NoReply);
            }
            Step::Inspect(inspection) => inspection(server as &dyn Any),
            Step::Wait(wait) => ctx.wait(wait).await,
            Step::Stop(reason) => return reason,
        }
    }
}

pin_project! {
    /// A handler at work. The clock is read only for one that waits.
    struct Handling<'a, H, M> {
        #[pin]
        handler: H,
        slot: &'a Slot<M>,
        in_hand: usize,
        begun: u64,
        waited: bool,
    }
}

impl<H: Future<Output = Result<(), ExitReason>>, M> Future for Handling<'_, H, M> {
    /// What the handler returned, and whether it has waited.
    type Output = (Result<(), ExitReason>, bool);

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let poll = this.handler.poll(cx);
        if poll.is_pending() && !*this.waited {
            *this.waited = true;
            this.slot.set_busy(*this.in_hand, *this.begun);
        }
        poll.map(|outcome| (outcome, *this.waited))
    }
}

impl<M> Slot<M> {
    /// Writes down since when the message in hand waits for something.
    #[cold]
    fn set_busy(&self, in_hand: usize, begun: u64) {
        self.in_hand.store(in_hand, Ordering::Relaxed);
        self.handled.store(begun, Ordering::Relaxed);
        self.inner.lock().extras().busy_since = Some(Instant::now());
    }

    #[cold]
    fn set_ready(&self) {
        self.inner.lock().extras().busy_since = None;
    }
}

pin_project! {
    /// User code, polled so that neither a kill nor a panic gets past it.
    struct Guarded<'a, W, M> {
        slot: &'a Slot<M>,
        #[pin]
        work: Option<W>,
    }

    impl<W, M> PinnedDrop for Guarded<'_, W, M> {
        fn drop(this: Pin<&mut Self>) {
            // A panic in it must not meet another one: the state is dropped right after.
            let mut this = this.project();
            let _ = panics::catch(|| this.work.set(None));
        }
    }
}

impl<'a, W, M> Guarded<'a, W, M> {
    fn new(slot: &'a Slot<M>, work: W) -> Self {
        Self {
            slot,
            work: Some(work),
        }
    }
}

impl<W: Future, M> Future for Guarded<'_, W, M> {
    type Output = Result<W::Output, ExitReason>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let outcome = if this.slot.is_killed() {
            Err(ExitReason::Killed)
        } else {
            let polled = panics::catch(|| {
                this.work
                    .as_mut()
                    .as_pin_mut()
                    .map_or(Poll::Pending, |work| work.poll(cx))
            });
            match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(output)) => Ok(output),
                Err(panic) => Err(panic),
            }
        };
        // What the work still holds is dropped here, inside the guard.
        let _ = panics::catch(|| this.work.set(None));
        Poll::Ready(outcome)
    }
}

pin_project! {
    /// The process's future: whatever runs in it, and the drop of it, runs as that process.
    struct Process<F> {
        #[pin]
        run: Option<F>,
        number: u64,
        unanswered: Vec<Unanswered>,
    }

    impl<F> PinnedDrop for Process<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _inside = Scope::enter(*this.number, this.unanswered);
            // A panic in the drop of what the process owned goes no further than this.
            let _ = panics::catch(|| this.run.set(None));
        }
    }
}

impl<F: Future<Output = ()>> Future for Process<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut this = self.project();
        let scope = Scope::enter(*this.number, this.unanswered);
        let poll = this
            .run
            .as_mut()
            .as_pin_mut()
            .map_or(Poll::Ready(()), |run| run.poll(cx));
        if poll.is_ready() {
            this.run.set(None);
        }
        scope.leave(this.unanswered);
        poll
    }
}
