//! The process of a server: its life from `init` to the drop of its state.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use pin_project_lite::pin_project;

use crate::contained::Contained;
use crate::context::Context;
use crate::current::{self, Carried, Scope};
use crate::ending::ExitGuard;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::handling::{Handling, Work};
use crate::panics;
use crate::pid::Pid;
use crate::slot::{Ended, Slot};
use crate::step::Step;
use crate::sync::Arc;

/// Makes the future that is the process of `server`, as incarnation `number` of `slot`.
pub(crate) fn process<S: GenServer>(
    slot: Arc<Slot<S::Msg>>,
    number: u64,
    server: S,
) -> impl Future<Output = ()> + Send {
    made_by(slot, number, Some(server), None::<Nothing>)
}

/// The same for a server that `make` makes inside the process: a panic there is a failed `init`.
pub(crate) fn process_made_by<S: GenServer>(
    slot: Arc<Slot<S::Msg>>,
    number: u64,
    make: Factory<S>,
) -> impl Future<Output = ()> + Send {
    made_by(slot, number, None, Some(make))
}

/// What makes a child's server anew at each start.
pub(crate) type Factory<S> = Arc<dyn Fn() -> S + Send + Sync>;

/// What makes a server inside its process, where it is not there already.
trait Make<S> {
    fn make(self) -> S;
}

impl<S> Make<S> for Factory<S> {
    fn make(self) -> S {
        self()
    }
}

/// What makes nothing; an `Option` of it costs an idle server no memory.
enum Nothing {}

impl<S> Make<S> for Nothing {
    fn make(self) -> S {
        match self {}
    }
}

fn made_by<S: GenServer>(
    slot: Arc<Slot<S::Msg>>,
    number: u64,
    server: Option<S>,
    make: Option<impl Make<S> + Send>,
) -> impl Future<Output = ()> + Send {
    let ended = Ended {
        reason: ExitReason::Killed,
        served: false,
        ignored: false,
    };
    let pid = Pid::new(number, &slot);
    let owned = Owned {
        ctx: Context::new(Arc::clone(&slot), number),
        server: Contained(server),
        guard: ExitGuard { slot, ended },
    };
    Process::new(&pid, run(owned, make))
}

/// What the process owns, in the order in which it goes when a runtime that shuts down drops the
/// process half-way: what was swapped out is given back, the state is dropped, and last the guard
/// closes the slot.
struct Owned<S: GenServer> {
    ctx: Context<S::Msg>,
    server: Contained<S>,
    guard: ExitGuard<S::Msg>,
}

#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its parameters twice, and here they are most of what an idle server costs"
)]
fn run<S: GenServer>(
    mut owned: Owned<S>,
    make: Option<impl Make<S> + Send>,
) -> impl Future<Output = ()> + Send {
    async move {
        let Owned { ctx, server, guard } = &mut owned;
        ctx.begun = poll_fn(|cx| Poll::Ready(guard.slot.attach(cx.waker().clone()))).await;
        if let Some(make) = make {
            // A kill that came before the first poll is seen by the guard, and nothing is made.
            match Guarded::new(&guard.slot, async { make.make() }).await {
                Ok(made) => server.0 = Some(made),
                Err(reason) => guard.ended.reason = reason,
            }
        }
        let Some(state) = &mut server.0 else {
            return;
        };
        let end = Guarded::new(&guard.slot, live(state, ctx, &guard.slot, &mut guard.ended)).await;
        // A kill, or a panic, may have left the handler half-way. It is dropped by now; timers and
        // tasks are next.
        ctx.cancel_all();
        let mut reason = end.unwrap_or_else(|killed_or_panic| killed_or_panic);
        let fatal = guard.slot.fatal();
        let mut terminates = guard.ended.served && fatal.is_none();
        if let Some(fatal) = fatal {
            // Whatever else went on: without `terminate` it is no other end than that of the signal.
            reason = fatal;
        }
        while terminates {
            let terminate = async {
                terminates = false;
                state.terminate(&reason, ctx).await;
            };
            if let Err(cut_short) = Guarded::new(&guard.slot, terminate).await {
                reason = cut_short;
                // A crash may have come before it has begun: then it runs, and that is what it is told.
                if terminates && let Some(fatal) = guard.slot.fatal() {
                    reason = fatal;
                    terminates = false;
                }
            }
        }
        if let Some(instead) = ctx.take_stop() {
            // Asked for in `terminate`: it takes the place of the reason, as an exit would in OTP.
            reason = instead;
        }
        guard.slot.hold_children(ctx.number);
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
    slot: &Arc<Slot<S::Msg>>,
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
    slot.forget_waits();
    tracing::debug!(pid = ctx.number, name = slot.name(), "process started");
    current::settle_unanswered(&CallError::NoReply);
    loop {
        let step = ctx.next_step();
        // Finding out what comes next may drop something of the user's: a result of an aborted task.
        current::settle_unanswered(&CallError::NoReply);
        let done = match step {
            Step::Handle(message) => {
                let work = Work::begin(slot, ctx);
                Handling::new(server.handle(message, &mut *ctx), work).await
            }
            Step::Exit(exit) => {
                let work = Work::begin(slot, ctx);
                Handling::new(server.handle_exit(*exit, &mut *ctx), work).await
            }
            Step::Down(down) => {
                let work = Work::begin(slot, ctx);
                Handling::new(server.handle_down(*down, &mut *ctx), work).await
            }
            Step::Inspect(inspection) => {
                inspection(server as &dyn Any);
                continue;
            }
            Step::Wait(wait) => {
                ctx.wait(wait).await;
                continue;
            }
            Step::Stop(reason) => return reason,
        };
        slot.forget_waits();
        if done.waited {
            slot.set_ready();
            ctx.woke();
        }
        if let Err(reason) = done.outcome {
            return reason;
        }
        // The message boundary at which unanswered calls are settled. A handler that fails does not
        // get here: its calls are told how the process ended.
        current::settle_unanswered(&CallError::NoReply);
    }
}

pin_project! {
    /// User code, polled so that neither a kill nor a panic, nor the wish for one, gets past it.
    pub(crate) struct Guarded<'a, W, M> {
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
    pub(crate) fn new(slot: &'a Slot<M>, work: W) -> Self {
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
        let outcome = if let Some(end) = this.slot.cut_short() {
            Err(end)
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
    pub(crate) struct Process<F> {
        #[pin]
        run: Option<F>,
        number: u64,
        carried: Carried,
    }

    impl<F> PinnedDrop for Process<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            let _inside = Scope::enter(*this.number, this.carried);
            // A panic in the drop of what the process owned goes no further than this.
            let _ = panics::catch(|| this.run.set(None));
        }
    }
}

impl<F> Process<F> {
    pub(crate) fn new(pid: &Pid, run: F) -> Self {
        Self {
            run: Some(run),
            number: pid.number(),
            carried: Carried {
                me: Some(Arc::clone(pid.process())),
                unanswered: None,
            },
        }
    }
}

impl<F: Future<Output = ()>> Future for Process<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<()> {
        let mut this = self.project();
        let scope = Scope::enter(*this.number, this.carried);
        let poll = this
            .run
            .as_mut()
            .as_pin_mut()
            .map_or(Poll::Ready(()), |run| run.poll(cx));
        if poll.is_ready() {
            this.run.set(None);
        }
        scope.leave(this.carried);
        poll
    }
}
