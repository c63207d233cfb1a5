//! A projection of a state, for those who need no more of it.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use otp_core::ReplyTo;
use otp_core::contained::{catch, drop_contained};
use otp_core::wakers::{Ticket, Wakers};
use parking_lot::Mutex;

use crate::error::{AgentError, Fault};
use crate::observer::{Observer, Seen};

/// What a projection makes of an agent's state, always up to date; see [`Agent::view`](crate::Agent::view).
///
/// It names the type of the projection alone: a part of a program that gets a `View<Duration>` does not know what else
/// is in the state. The projection runs in the agent at every version, and only a result that differs from the one
/// before is a change. A view does not keep the agent running, and goes on over a supervisor's restarts.
pub struct View<U> {
    seen: Arc<Seeing<U>>,
    /// The last change that was returned.
    last: u64,
    ticket: Ticket,
}

/// What a view and its observer in the agent share.
struct Seeing<U> {
    inner: Mutex<Inner<U>>,
}

struct Inner<U> {
    value: Arc<U>,
    changes: u64,
    /// Why there will be no more changes.
    end: Option<AgentError>,
    watchers: Wakers,
}

impl<U> View<U> {
    /// Returns the projection of the agent's latest state. It asks nobody and waits for nobody.
    ///
    /// It is up to date when the call that made the change returns. After the agent's end it is of the agent's last
    /// state.
    #[must_use]
    pub fn get(&self) -> Arc<U> {
        Arc::clone(&self.seen.inner.lock().value)
    }

    /// Waits until the projection differs from what this last returned, or from what it was when the view was made, and
    /// returns it. What came and went in between is missed.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no change.
    ///
    /// # Errors
    ///
    /// [`AgentError::NoProc`] when the agent has ended for good, [`AgentError::Panicked`] when the projection, or its
    /// comparison, has panicked: it is not run again, and the agent goes on.
    pub async fn recv(&mut self) -> Result<Arc<U>, AgentError> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for what [`recv`](Self::recv) waits for.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Arc<U>, AgentError>> {
        let waker = cx.waker().clone();
        let mut inner = self.seen.inner.lock();
        if inner.changes > self.last {
            self.last = inner.changes;
            let value = Arc::clone(&inner.value);
            drop(inner);
            return Poll::Ready(Ok(value));
        }
        if let Some(end) = inner.end.clone() {
            drop(inner);
            return Poll::Ready(Err(end));
        }
        let before = inner.watchers.wait(&mut self.ticket, waker);
        drop(inner);
        drop(before);
        Poll::Pending
    }
}

impl<U> Clone for View<U> {
    /// Makes another one that has returned the same changes.
    fn clone(&self) -> Self {
        Self {
            seen: Arc::clone(&self.seen),
            last: self.last,
            ticket: Ticket::default(),
        }
    }
}

impl<U> Drop for View<U> {
    fn drop(&mut self) {
        if self.ticket.is_given() {
            let waker = self.seen.inner.lock().watchers.leave(self.ticket);
            drop(waker);
        }
    }
}

impl<U: fmt::Debug> fmt::Debug for View<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("View").field(&self.get()).finish()
    }
}

/// The observer of a view, in the agent.
pub(crate) struct Projection<P, U> {
    project: P,
    seeing: Stage<U>,
}

enum Stage<U> {
    /// Whoever asked for the view waits for it.
    Asked(Option<ReplyTo<Result<View<U>, Box<Fault>>>>),
    Given(Arc<Seeing<U>>),
}

impl<P, U> Projection<P, U> {
    pub(crate) fn new(project: P, reply: ReplyTo<Result<View<U>, Box<Fault>>>) -> Self {
        Self {
            project,
            seeing: Stage::Asked(Some(reply)),
        }
    }
}

impl<T, P, U> Observer<T> for Projection<P, U>
where
    P: FnMut(&T) -> U + Send,
    U: PartialEq + Send + Sync,
{
    fn see(&mut self, state: &T, _version: u64) -> Seen {
        if Observer::<T>::is_abandoned(self) {
            return Seen::Over;
        }
        let value = catch(|| (self.project)(state)).map_err(|payload| payload.message());
        match &mut self.seeing {
            Stage::Asked(reply) => {
                let reply = reply.take();
                let (answer, stage) = match value {
                    Ok(value) => {
                        let seen = Arc::new(Seeing::new(value));
                        let view = View {
                            seen: Arc::clone(&seen),
                            last: 0,
                            ticket: Ticket::default(),
                        };
                        (Ok(view), Some(Stage::Given(seen)))
                    }
                    Err(message) => (Err(Box::new(Fault::Panicked(message))), None),
                };
                if let Some(reply) = reply {
                    reply.send(answer);
                }
                match stage {
                    Some(stage) => self.seeing = stage,
                    None => return Seen::Over,
                }
                Seen::Again
            }
            Stage::Given(seen) => match value.and_then(|value| seen.show(value)) {
                Ok(()) => Seen::Again,
                Err(message) => {
                    seen.end(AgentError::Panicked(message));
                    Seen::Over
                }
            },
        }
    }

    fn is_abandoned(&self) -> bool {
        match &self.seeing {
            Stage::Asked(reply) => reply.as_ref().is_none_or(ReplyTo::is_closed),
            // No view has it, and none can be cloned of none.
            Stage::Given(seen) => Arc::strong_count(seen) == 1,
        }
    }
}

impl<P, U> Drop for Projection<P, U> {
    fn drop(&mut self) {
        if let Stage::Given(seen) = &self.seeing {
            seen.end(AgentError::NoProc);
        }
    }
}

impl<U> Seeing<U> {
    fn new(value: U) -> Self {
        Self {
            inner: Mutex::new(Inner {
                value: Arc::new(value),
                changes: 0,
                end: None,
                watchers: Wakers::default(),
            }),
        }
    }

    /// Takes a value on if it differs. Only the agent does this, one value after the other.
    fn show(&self, value: U) -> Result<(), Arc<str>>
    where
        U: PartialEq,
    {
        let before = Arc::clone(&self.inner.lock().value);
        match catch(|| value == *before) {
            Ok(true) => {
                drop_contained(value);
                drop_contained(before);
                return Ok(());
            }
            Ok(false) => {}
            Err(payload) => {
                drop_contained(value);
                drop_contained(before);
                return Err(payload.message());
            }
        }
        let mut inner = self.inner.lock();
        let replaced = std::mem::replace(&mut inner.value, Arc::new(value));
        inner.changes += 1;
        let woken = inner.watchers.take();
        drop(inner);
        woken.wake();
        drop_contained((replaced, before));
        Ok(())
    }

    /// There will be no more changes. The first reason counts.
    fn end(&self, reason: AgentError) {
        let mut inner = self.inner.lock();
        if inner.end.is_none() {
            inner.end = Some(reason);
        }
        let woken = inner.watchers.take();
        drop(inner);
        woken.wake();
    }
}
