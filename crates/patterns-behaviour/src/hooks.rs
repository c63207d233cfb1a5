//! What a dispatcher asks and tells its user's code.

use std::fmt;

use otp_core::contained::{catch, contain};

use crate::{DeadLetter, Delivered, Failure};

type Judge<E> = Box<dyn Fn(&Failure<E>) -> bool + Send + Sync>;
type OnDelivered<T> = Box<dyn Fn(&Delivered<T>) + Send + Sync>;
type OnDeadLetter<M, E> = Box<dyn Fn(&DeadLetter<M, E>) + Send + Sync>;

/// The closures of a dispatcher, for [`Dispatcher::start_with`](crate::Dispatcher::start_with). By default there are none.
///
/// They run outside all locks, where the delivery ended: in the process of the implementation or of the dispatcher, or, where no process
/// runs, in the call that removes an implementation or drops the dispatcher. So they should be short. A panic in one goes to the panic hook and no further.
pub struct Hooks<M, T, E> {
    retry_if: Option<Judge<E>>,
    on_delivered: Option<OnDelivered<T>>,
    on_dead_letter: Option<OnDeadLetter<M, E>>,
}

impl<M, T, E> Hooks<M, T, E> {
    /// Makes an empty set of closures.
    #[must_use]
    pub fn new() -> Self {
        Self {
            retry_if: None,
            on_delivered: None,
            on_dead_letter: None,
        }
    }

    /// Sets which failures are worth another attempt. Default: all. One that panics says yes.
    ///
    /// A delivery whose failure is not is a dead letter at once.
    #[must_use]
    pub fn retry_if(
        mut self,
        worth_it: impl Fn(&Failure<E>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.retry_if = Some(Box::new(worth_it));
        self
    }

    /// Sets what is told of each delivery that succeeds, once, before its [`Ticket`](crate::Ticket) is.
    #[must_use]
    pub fn on_delivered(
        mut self,
        listener: impl Fn(&Delivered<T>) + Send + Sync + 'static,
    ) -> Self {
        self.on_delivered = Some(Box::new(listener));
        self
    }

    /// Sets what is told of each accepted delivery that does not succeed, once, before its [`Ticket`](crate::Ticket) is.
    ///
    /// It is where dead letters are kept when nobody waits for the ticket.
    #[must_use]
    pub fn on_dead_letter(
        mut self,
        listener: impl Fn(&DeadLetter<M, E>) + Send + Sync + 'static,
    ) -> Self {
        self.on_dead_letter = Some(Box::new(listener));
        self
    }

    pub(crate) fn is_worth_it(&self, failure: &Failure<E>) -> bool {
        let Some(judge) = &self.retry_if else {
            return true;
        };
        catch(|| judge(failure)).unwrap_or(true)
    }

    pub(crate) fn tell(&self, outcome: &Result<Delivered<T>, DeadLetter<M, E>>) {
        contain(|| match outcome {
            Ok(delivered) => {
                if let Some(listener) = &self.on_delivered {
                    listener(delivered);
                }
            }
            Err(letter) => {
                if let Some(listener) = &self.on_dead_letter {
                    listener(letter);
                }
            }
        });
    }
}

impl<M, T, E> Default for Hooks<M, T, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M, T, E> fmt::Debug for Hooks<M, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("retry_if", &self.retry_if.is_some())
            .field("on_delivered", &self.on_delivered.is_some())
            .field("on_dead_letter", &self.on_dead_letter.is_some())
            .finish()
    }
}
