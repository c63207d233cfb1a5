//! The way of a checkout: an idle member at once, or a place in the line; then the check.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::ledger::{Joined, Polled, Request, Taken};
use crate::shared::{Caller, Shared, now};
use crate::sync::{Arc, Ordering};
use crate::{CheckoutError, Guard, Manager};

impl<M: Manager> Shared<M> {
    pub(crate) async fn checkout(
        self: &Arc<Self>,
        timeout: Duration,
        caller: Caller,
    ) -> Result<Guard<M>, CheckoutError> {
        let since = now();
        let mut request = Request {
            ticket: None,
            since,
            deadline: since
                .checked_add(timeout)
                .filter(|_| timeout < Duration::MAX),
            caller,
        };
        let mut taken = match self.take_unless_busy(since, caller) {
            Some(taken) => taken,
            None => Wait::new(self, request).await?,
        };
        loop {
            if taken.fresh || !self.config.check_on_checkout {
                return Ok(Guard::new(self, taken, false));
            }
            // Until it is known to be well, its guard closes it: a check that was given up in its middle may leave anything behind.
            let mut guard = Guard::new(self, taken, true);
            if guard.is_well().await {
                guard.accept();
                return Ok(guard);
            }
            // Whoever came later must not be served before.
            request.ticket = Some(guard.ticket());
            drop(guard);
            taken = Wait::new(self, request).await?;
        }
    }

    /// Takes an idle member if there seems to be one. If not, it is better to come with a waker at once, and take the lock once.
    #[inline]
    fn take_unless_busy(
        self: &Arc<Self>,
        now: Instant,
        caller: Caller,
    ) -> Option<Taken<M::Member>> {
        if self.seems_busy.load(Ordering::Relaxed) {
            return None;
        }
        let taken = self.with(|ledger| ledger.take(now, caller));
        if taken.is_none() {
            self.seems_busy.store(true, Ordering::Relaxed);
        }
        taken
    }

    /// Takes an idle member without waiting and without a check.
    pub(crate) fn try_checkout(
        self: &Arc<Self>,
        caller: Caller,
    ) -> Result<Guard<M>, CheckoutError> {
        let now = now();
        self.with(|ledger| match ledger.take(now, caller) {
            Some(taken) => Ok(taken),
            None => Err(ledger.refusal(Duration::ZERO)),
        })
        .map(|taken| Guard::new(self, taken, false))
    }
}

/// Waits for a member. Dropped, it leaves the line, and what it was given goes to the next one.
struct Wait<'a, M: Manager> {
    shared: &'a Arc<Shared<M>>,
    request: Request,
    /// While it waits.
    seat: Option<usize>,
}

impl<'a, M: Manager> Wait<'a, M> {
    const fn new(shared: &'a Arc<Shared<M>>, request: Request) -> Self {
        Self {
            shared,
            request,
            seat: None,
        }
    }
}

impl<M: Manager> Future for Wait<'_, M> {
    type Output = Result<Taken<M::Member>, CheckoutError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Request { caller, since, .. } = this.request;
        let Some(seat) = this.seat else {
            // Cloned before the lock, for a waker is the program's code. What is not needed of it is dropped after the lock.
            let mut waker = Some(cx.waker().clone());
            // The first time, it has just come.
            let request = this.request;
            let now = request.ticket.map_or(since, |_| now());
            return match this
                .shared
                .with(|ledger| ledger.join(request, &mut waker, now))
            {
                Joined::Taken(taken) => {
                    this.shared.seems_busy.store(false, Ordering::Relaxed);
                    Poll::Ready(Ok(taken))
                }
                Joined::Refused(error) => Poll::Ready(Err(error)),
                Joined::Seated(seat) => {
                    this.seat = Some(seat);
                    Poll::Pending
                }
            };
        };
        let mut spare = None;
        loop {
            let now = this.shared.lend_time(since);
            let polled = this
                .shared
                .with(|ledger| ledger.poll(seat, caller, cx.waker(), &mut spare, now));
            match polled {
                Polled::Done(outcome) => {
                    this.seat = None;
                    return Poll::Ready(outcome);
                }
                Polled::Pending => return Poll::Pending,
                Polled::OtherWaker => spare = Some(cx.waker().clone()),
            }
        }
    }
}

impl<M: Manager> Drop for Wait<'_, M> {
    fn drop(&mut self) {
        if let Some(seat) = self.seat.take() {
            let now = self.shared.return_time();
            self.shared.with(|ledger| ledger.leave(seat, now));
        }
    }
}
