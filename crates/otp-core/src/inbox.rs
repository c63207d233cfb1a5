//! `inbox`: an address without a server, for tests and for plain tasks.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::ending::next_number;
use crate::exit_reason::ExitReason;
use crate::mailbox::{Taken, Told, pop_due};
use crate::pid::Pid;
use crate::server_ref::ServerRef;
use crate::signals;
use crate::slot::{Ended, Slot};
use crate::sync::{Arc, Ordering};

/// Makes an address that leads to no server but to an [`Inbox`], which hands out what is sent.
///
/// For a test that stands in for a server, and for a plain task that wants to be sent messages.
/// It belongs to no runtime: calls to it time out by the clock of the caller's, and without limit
/// where there is none.
///
/// ```
/// use otp_core::{ReplyTo, inbox};
///
/// enum Msg { Price(String, ReplyTo<u32>) }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (prices, mut inbox) = inbox::<Msg>();
/// let asked = tokio::spawn(async move { prices.call(|reply| Msg::Price("tea".into(), reply)).await });
/// if let Some(Msg::Price(article, reply)) = inbox.recv().await {
///     assert_eq!(article, "tea");
///     reply.send(3);
/// }
/// assert_eq!(asked.await??, 3);
/// # Ok(()) }
/// ```
pub fn inbox<M: Send + 'static>() -> (ServerRef<M>, Inbox<M>) {
    let slot = Arc::new(Slot::new(usize::MAX, None));
    let number = next_number();
    slot.begin(number, None);
    slot.started();
    let handle = ServerRef::first(Arc::clone(&slot));
    (
        handle,
        Inbox {
            slot,
            number,
            batch: VecDeque::new(),
            told: VecDeque::new(),
            begun: 0,
            stopped: None,
        },
    )
}

/// The end of an [`inbox`] that reads. Dropping it ends the process that the address leads to, with
/// `Normal`.
pub struct Inbox<M: Send + 'static> {
    slot: Arc<Slot<M>>,
    number: u64,
    batch: VecDeque<M>,
    told: VecDeque<(u64, Told<M>)>,
    begun: u64,
    stopped: Option<ExitReason>,
}

impl<M: Send + 'static> Inbox<M> {
    /// Returns the next message, in the order of their sending.
    ///
    /// `None` when none will come: every handle is dropped, or somebody stopped or killed the
    /// process.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no message.
    pub async fn recv(&mut self) -> Option<M> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Returns the next message if there is one.
    pub fn try_recv(&mut self) -> Option<M> {
        match self.next() {
            Poll::Ready(message) => message,
            Poll::Pending => None,
        }
    }

    /// Returns the process that the address leads to.
    pub fn pid(&self) -> Pid {
        Pid::new(self.number, &self.slot)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<M>> {
        if let Poll::Ready(message) = self.next() {
            return Poll::Ready(message);
        }
        // Whoever waits here may differ from last time. Nothing can have slipped in unseen: the
        // second look is after.
        self.slot.attach(cx.waker().clone());
        self.next()
    }

    fn next(&mut self) -> Poll<Option<M>> {
        loop {
            if self.slot.signals.load(Ordering::Acquire) & signals::TO_ACT_ON != 0
                && let Some(poll) = self.act_on_signals()
            {
                return poll;
            }
            if self.stopped.is_some() {
                return Poll::Ready(None);
            }
            if let Some(told) = pop_due(&mut self.told, self.begun) {
                if let Told::Stop(reason) = told {
                    self.stopped = Some(reason);
                }
                continue;
            }
            if let Some(message) = self.batch.pop_front() {
                self.begun += 1;
                self.slot.in_hand.store(self.batch.len(), Ordering::Relaxed);
                self.slot.handled.store(self.begun, Ordering::Relaxed);
                return Poll::Ready(Some(message));
            }
            match self.slot.take_or_park(&mut self.batch) {
                Taken::Messages => {}
                Taken::Told(told) => self.told.extend(told),
                Taken::Parked => return Poll::Pending,
                Taken::Abandoned => return Poll::Ready(None),
            }
        }
    }
}

impl<M: Send + 'static> Inbox<M> {
    #[cold]
    fn act_on_signals(&mut self) -> Option<Poll<Option<M>>> {
        let signals = self.slot.signals.load(Ordering::Acquire);
        if signals & signals::CUT_SHORT != 0 {
            let end = self.slot.cut_short();
            // Of several ways in which it was ended the first counts.
            self.stopped = self.stopped.take().or(end);
            return Some(Poll::Ready(None));
        }
        if signals & signals::INSPECT != 0 {
            // All of them: what is left here would wait until something else wakes the reader.
            while let Some(inspection) = self.slot.next_inspection() {
                // There is no state to show; whoever asks is told that it is no `S` of theirs.
                inspection(&());
            }
        }
        if signals & signals::SUSPEND == 0 {
            return None;
        }
        for reply in self.slot.take_suspending() {
            reply.send(());
        }
        Some(Poll::Pending)
    }
}

impl<M: Send + 'static> Drop for Inbox<M> {
    fn drop(&mut self) {
        self.slot.give_back(&mut self.batch);
        let fatal = self.slot.fatal();
        let reason = fatal.or(self.stopped.take());
        let reason = reason.or_else(|| self.slot.cut_short());
        let reason = reason.unwrap_or(ExitReason::Normal);
        self.slot.end(Ended {
            reason,
            served: true,
            ignored: false,
        });
    }
}

impl<M: Send + 'static> fmt::Debug for Inbox<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox")
            .field("pid", &self.number)
            .finish_non_exhaustive()
    }
}
