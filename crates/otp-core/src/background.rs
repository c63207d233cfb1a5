//! Background tasks of a server: their result comes back as a message.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use pin_project_lite::pin_project;

use crate::current::{Carried, Scope};
use crate::exit_reason::ExitReason;
use crate::mailbox::Told;
use crate::panics;
use crate::slot::Slot;
use crate::sync::Arc;

/// A background task of a server, for [`Context::abort_task`](crate::Context::abort_task).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskRef(pub(crate) u64);

/// Runs `work` for incarnation `process` and tells it the result under the number `task`.
pub(crate) async fn run<T, M, W, F>(slot: Arc<Slot<M>>, process: u64, task: u64, work: W, map: F)
where
    T: Send + 'static,
    M: Send + 'static,
    W: Future<Output = T>,
    F: FnOnce(Result<T, ExitReason>) -> M + Send + 'static,
{
    let result = {
        let mut work = pin!(Owned {
            work: Some(work),
            slot: &slot,
            process
        });
        poll_fn(|cx| match panics::catch(|| work.as_mut().poll(cx)) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(panic) => Poll::Ready(Err(panic)),
        })
        .await
    };
    let told = slot.tell(process, Told::TaskDone(task, Box::new(move || map(result))));
    if let Err(nobody_to_tell) = told {
        // The process has ended meanwhile, and what the result holds unanswered with it.
        drop_for(&slot, process, nobody_to_tell);
    }
}

/// Drops what a background task owned on behalf of its process: calls left unanswered are that one's.
fn drop_for<M, T>(slot: &Slot<M>, process: u64, owned: T) {
    let mut carried = Carried::default();
    let scope = Scope::enter(process, &mut carried);
    let _ = panics::catch_drop(owned);
    scope.leave(&mut carried);
    slot.settle_aborted(process, carried.into_unanswered());
}

pin_project! {
    /// Work whose unanswered calls are its server's to answer for.
    struct Owned<'a, W, M> {
        #[pin]
        work: Option<W>,
        slot: &'a Arc<Slot<M>>,
        process: u64,
    }

    impl<W, M> PinnedDrop for Owned<'_, W, M> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.work.is_some() {
                // Aborted: what the work held unanswered goes down with the server, if that is what aborted it.
                let mut carried = Carried::default();
                let scope = Scope::enter(*this.process, &mut carried);
                let _ = panics::catch(|| this.work.set(None));
                scope.leave(&mut carried);
                this.slot.settle_aborted(*this.process, carried.into_unanswered());
            }
        }
    }
}

impl<W: Future, M> Future for Owned<'_, W, M> {
    type Output = W::Output;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // A task is no process: calls from it are not calls of the server to itself.
        let poll = match this.work.as_mut().as_pin_mut() {
            Some(work) => work.poll(cx),
            None => Poll::Pending,
        };
        if poll.is_ready() {
            this.work.set(None);
        }
        poll
    }
}
