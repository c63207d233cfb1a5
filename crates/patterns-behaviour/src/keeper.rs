//! The process of a dispatcher: it has a supervisor, and below that a worker for each implementation.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{
    Child, Context, ExitReason, GenServer, Shutdown, Strategy, Supervisor, SupervisorRef,
};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::line::Line;
use crate::shared::{Lease, Shared};
use crate::worker::work;

/// The messages of a dispatcher's process, which only the dispatcher itself sends: the type of
/// [`Dispatcher::child`](crate::Dispatcher::child).
pub struct DispatcherMsg(pub(crate) Ask);

#[derive(Debug)]
pub(crate) enum Ask {
    /// Looks at the table: which lines are new, and which are to go.
    Attend,
    /// A line was worked off, and its workers have ended.
    Removed(u64),
}

pub(crate) struct Keeper<D: ?Sized, M, T, E> {
    lease: Arc<Lease<D, M, T, E>>,
    supervisor: Option<SupervisorRef>,
    /// The workers of each line that has some.
    workers: HashMap<u64, Vec<Arc<str>>>,
    removing: HashSet<u64>,
}

impl<D: ?Sized, M, T, E> Keeper<D, M, T, E> {
    pub(crate) fn new(lease: Arc<Lease<D, M, T, E>>) -> Self {
        Self {
            lease,
            supervisor: None,
            workers: HashMap::new(),
            removing: HashSet::new(),
        }
    }

    fn shared(&self) -> &Arc<Shared<D, M, T, E>> {
        &self.lease.0
    }
}

impl<D, M, T, E> GenServer for Keeper<D, M, T, E>
where
    D: ?Sized + Send + Sync + 'static,
    M: Send + Sync + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Msg = DispatcherMsg;

    async fn init(&mut self, ctx: &mut Context<DispatcherMsg>) -> Result<(), ExitReason> {
        let supervisor = Supervisor::new(Strategy::OneForOne)
            .name(self.shared().config.name.as_str())
            // A crash costs its delivery an attempt, and those are limited: no implementation may end the others by crashing often.
            .intensity(usize::MAX, Duration::from_secs(5))
            .start_link(ctx);
        self.supervisor = Some(supervisor.await?);
        self.shared().move_in(ctx.weak_ref());
        self.attend(ctx).await
    }

    async fn handle(
        &mut self,
        DispatcherMsg(ask): DispatcherMsg,
        ctx: &mut Context<DispatcherMsg>,
    ) -> Result<(), ExitReason> {
        match ask {
            Ask::Attend => self.attend(ctx).await,
            Ask::Removed(number) => {
                self.workers.remove(&number);
                self.removing.remove(&number);
                self.shared().forget(number);
                Ok(())
            }
        }
    }

    async fn terminate(&mut self, _: &ExitReason, _: &mut Context<DispatcherMsg>) {
        let shared = self.shared();
        shared.close();
        let limit = shared.config.drain_timeout;
        drain(&shared.lines(), limit, shared.hurry()).await;
        shared.shut();
        if let Some(supervisor) = self.supervisor.take() {
            // It may have ended, and this with it.
            let _ = supervisor.stop().await;
        }
        // What the workers had in hand is reported before their end.
    }
}

impl<D, M, T, E> Keeper<D, M, T, E>
where
    D: ?Sized + Send + Sync + 'static,
    M: Send + Sync + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    /// Starts what has no workers, and ends what is to be removed.
    async fn attend(&mut self, ctx: &mut Context<DispatcherMsg>) -> Result<(), ExitReason> {
        let Some(supervisor) = self.supervisor.clone() else {
            return Ok(());
        };
        for line in self.shared().lines() {
            if !self.workers.contains_key(&line.number) {
                let mut ids = Vec::new();
                for worker in 1..=line.config.workers {
                    let id = worker_id(&line.name, worker, line.config.workers);
                    ids.push(Arc::clone(&id));
                    // The specification keeps it running, not this handle.
                    let _ = supervisor.start_child(self.worker(id, &line)).await?;
                }
                self.workers.insert(line.number, ids);
            }
            if line.is_removed() && self.removing.insert(line.number) {
                let ids = self.workers.get(&line.number).cloned().unwrap_or_default();
                let hurry = self.shared().hurry();
                let number = line.number;
                let removal = remove(line, ids, supervisor.clone(), hurry);
                ctx.spawn_task(removal, move |_| DispatcherMsg(Ask::Removed(number)));
            }
        }
        Ok(())
    }

    fn worker(
        &self,
        id: Arc<str>,
        line: &Arc<Line<D, M, T, E>>,
    ) -> Child<std::convert::Infallible> {
        let (line, deliver) = (Arc::clone(line), Arc::clone(&self.shared().deliver));
        Child::task(id, move |stop| {
            work(Arc::clone(&line), Arc::clone(&deliver), stop)
        })
        // It lets go of what it has in hand as soon as it is polled.
        .shutdown(Shutdown::Timeout(Duration::from_secs(1)))
    }
}

impl<D: ?Sized, M, T, E> Drop for Keeper<D, M, T, E> {
    fn drop(&mut self) {
        self.shared().move_out();
    }
}

/// No two workers have the same: a name without a `#` is alone, or followed by one of them; one with a `#` is always followed by one more.
fn worker_id(name: &Arc<str>, worker: usize, workers: usize) -> Arc<str> {
    if workers == 1 && !name.contains('#') {
        Arc::clone(name)
    } else {
        format!("{name}#{worker}").into()
    }
}

/// Works a line off, and ends its workers.
async fn remove<D: ?Sized, M, T, E>(
    line: Arc<Line<D, M, T, E>>,
    workers: Vec<Arc<str>>,
    supervisor: SupervisorRef,
    hurry: watch::Receiver<bool>,
) {
    let limit = line.config.drain_timeout;
    drain(std::slice::from_ref(&line), limit, hurry).await;
    line.shut();
    for id in workers {
        // If the supervisor has ended, so have they.
        let _ = supervisor.terminate_child(&id).await;
        let _ = supervisor.delete_child(&id).await;
    }
}

/// Waits until all is reported, but no longer than that.
async fn drain<D: ?Sized, M, T, E>(
    lines: &[Arc<Line<D, M, T, E>>],
    limit: Duration,
    mut hurry: watch::Receiver<bool>,
) {
    let all = async {
        for line in lines {
            line.drained().await;
        }
    };
    let in_no_hurry = async {
        let mut all = std::pin::pin!(all);
        let mut hurried = std::pin::pin!(hurry.wait_for(|hurry| *hurry));
        std::future::poll_fn(|cx| {
            if hurried.as_mut().poll(cx).is_ready() {
                return std::task::Poll::Ready(());
            }
            all.as_mut().poll(cx)
        })
        .await;
    };
    let _ = timeout(limit, in_no_hurry).await;
}

impl<D: ?Sized, M, T, E> fmt::Debug for Keeper<D, M, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper")
            .field("workers", &self.workers)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DispatcherMsg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
