//! What looks at every version of a state, in the agent's process: waiters and views.

use otp_core::ReplyTo;
use otp_core::contained::{catch, drop_contained};

use crate::error::Fault;

/// Sees each version, inside the update that made it.
pub(crate) trait Observer<T>: Send {
    /// Looks at a version. A panic of the user's code stays in here.
    fn see(&mut self, state: &T, version: u64) -> Seen;

    /// Tells whether nobody waits any more for what it would find.
    fn is_abandoned(&self) -> bool;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// It wants to see the next version too.
    Again,
    /// It has found what it was for, or nobody waits for it.
    Over,
}

/// Answers a call when the predicate has found something.
pub(crate) struct Waiter<P, R> {
    predicate: P,
    reply: Option<ReplyTo<Result<R, Box<Fault>>>>,
}

impl<P, R> Waiter<P, R> {
    pub(crate) fn new(predicate: P, reply: ReplyTo<Result<R, Box<Fault>>>) -> Self {
        Self {
            predicate,
            reply: Some(reply),
        }
    }
}

impl<T, P, R> Observer<T> for Waiter<P, R>
where
    P: FnMut(&T, u64) -> Option<R> + Send,
    R: Send,
{
    fn see(&mut self, state: &T, version: u64) -> Seen {
        if Observer::<T>::is_abandoned(self) {
            return Seen::Over;
        }
        let answer = match catch(|| (self.predicate)(state, version)) {
            Ok(None) => return Seen::Again,
            Ok(Some(found)) => Ok(found),
            Err(payload) => Err(Box::new(Fault::Panicked(payload.message()))),
        };
        if let Some(reply) = self.reply.take() {
            drop_contained(catch(|| reply.send(answer)));
        }
        Seen::Over
    }

    fn is_abandoned(&self) -> bool {
        self.reply.as_ref().is_none_or(ReplyTo::is_closed)
    }
}

/// The observers that a process keeps.
pub(crate) struct Observers<T>(Vec<Box<dyn Observer<T>>>);

impl<T> Observers<T> {
    pub(crate) fn new(observers: Vec<Box<dyn Observer<T>>>) -> Self {
        Self(observers)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps one more. Those that nobody waits for go when there is no room, so that there are never more than
    /// twice as many as are waited for.
    pub(crate) fn add(&mut self, observer: Box<dyn Observer<T>>) {
        if self.0.len() == self.0.capacity() {
            self.remove_where(|observer| observer.is_abandoned());
        }
        self.0.push(observer);
    }

    pub(crate) fn see(&mut self, state: &T, version: u64) {
        self.remove_where(|observer| observer.see(state, version) == Seen::Over);
    }

    pub(crate) fn take(&mut self) -> Vec<Box<dyn Observer<T>>> {
        std::mem::take(&mut self.0)
    }

    fn remove_where(&mut self, mut is_over: impl FnMut(&mut Box<dyn Observer<T>>) -> bool) {
        let mut index = 0;
        while let Some(observer) = self.0.get_mut(index) {
            if is_over(observer) {
                drop_contained(self.0.swap_remove(index));
            } else {
                index += 1;
            }
        }
    }
}
