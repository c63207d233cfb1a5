//! The process of an agent: it runs one closure after the other.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, ready};

use otp_core::{Context, ExitReason, GenServer};

use crate::config::AgentConfig;
use crate::core::{Core, Shared};
use crate::error::AgentError;

/// A message to an agent, which only its handles can make. It is public for what names it:
/// [`Child`](crate::Child) and the registries of otp-core.
pub struct AgentMsg<T>(Job<T>);

// One allocation at most: a closure that captures nothing needs none.
type Job<T> = Box<dyn FnOnce(&mut Core<T>) -> Option<Work<T>> + Send>;

/// What a job leaves to be done: work that takes its time, and ends with the job that brings its result in. Everything else
/// waits meanwhile.
pub(crate) type Work<T> = Pin<Box<dyn Future<Output = AgentMsg<T>> + Send>>;

impl<T> AgentMsg<T> {
    #[inline]
    pub(crate) fn new(job: impl FnOnce(&mut Core<T>) -> Option<Work<T>> + Send + 'static) -> Self {
        Self(Box::new(job))
    }
}

impl<T> fmt::Debug for AgentMsg<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AgentMsg(..)")
    }
}

/// While it is there, the agent may have a state. When it goes, all who watch are told.
pub(crate) struct Life<T>(pub(crate) Arc<Shared<T>>);

impl<T> Drop for Life<T> {
    fn drop(&mut self) {
        self.0.cell.close();
    }
}

pub(crate) struct AgentServer<T> {
    // Dropped first: the state goes before those who watch are told.
    core: Core<T>,
    /// What the job in hand waits for.
    work: Option<Work<T>>,
    /// Makes the first state. Boxed, so that all agents of a `T` are one kind of server to the compiler.
    initial: Option<Box<dyn FnOnce() -> T + Send>>,
    /// Of an agent that is never started again.
    _life: Option<Life<T>>,
}

impl<T> AgentServer<T> {
    pub(crate) fn new(
        shared: Arc<Shared<T>>,
        config: AgentConfig<T>,
        initial: impl FnOnce() -> T + Send + 'static,
        life: Option<Life<T>>,
    ) -> Self {
        Self {
            core: Core::new(shared, config),
            work: None,
            initial: Some(Box::new(initial)),
            _life: life,
        }
    }
}

impl<T: Send + Sync + 'static> GenServer for AgentServer<T> {
    type Msg = AgentMsg<T>;

    async fn init(&mut self, ctx: &mut Context<AgentMsg<T>>) -> Result<(), ExitReason> {
        if let Some(initial) = self.initial.take() {
            let state = initial();
            self.core
                .enter(ctx.pid(), state)
                .map_err(AgentError::from)?;
        }
        Ok(())
    }

    // The job runs before there is a future, and the future holds nothing: what is done a million times a second is not
    // moved into one, nor looked for at its drop.
    #[inline]
    fn handle(
        &mut self,
        msg: AgentMsg<T>,
        _ctx: &mut Context<AgentMsg<T>>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        self.work = (msg.0)(&mut self.core);
        poll_fn(|cx| {
            if self.work.is_none() {
                return Poll::Ready(Ok(()));
            }
            self.poll_work(cx)
        })
    }
}

impl<T> AgentServer<T> {
    #[cold]
    fn poll_work(&mut self, cx: &mut TaskContext<'_>) -> Poll<Result<(), ExitReason>> {
        while let Some(work) = &mut self.work {
            let AgentMsg(job) = ready!(work.as_mut().poll(cx));
            self.work = None;
            self.work = job(&mut self.core);
        }
        Poll::Ready(Ok(()))
    }
}
