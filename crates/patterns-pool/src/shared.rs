//! What all handles, guards and tasks of one pool share: the ledger under its lock, and the way to the keeper.

use std::panic::Location;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use otp_core::contained::{drop_contained, wake};
use otp_core::listeners::Listeners;
use otp_core::{Recipient, WeakRef};
use tokio::runtime::Handle;

use crate::keeper::{Job, PoolMsg};
use crate::ledger::{Ledger, Rest};
use crate::sync::{Arc, AtomicBool, Mutex};
use crate::{Manager, PoolConfig, PoolEvent};

// In this order: the lock stands beside the count of the `Arc`, in one cache line, and who needs one needs the other.
#[repr(C)]
pub(crate) struct Shared<M: Manager> {
    ledger: Mutex<Ledger<M::Member>>,
    pub(crate) manager: M,
    pub(crate) config: PoolConfig,
    home: Mutex<Option<Home>>,
    listeners: Listeners<PoolEvent>,
    /// Who waits for the last member that is being closed.
    emptied: Mutex<Option<Waker>>,
    /// Whether the last checkout found nothing idle. A guess that saves work, and nothing more.
    pub(crate) seems_busy: AtomicBool,
    needs_return_time: bool,
    /// Stands for the time of return where nothing is measured by it.
    some_time: Instant,
}

/// Where the pool runs.
struct Home {
    runtime: Handle,
    keeper: WeakRef<PoolMsg>,
}

impl<M: Manager> Shared<M> {
    pub(crate) fn new(config: PoolConfig, manager: M) -> Arc<Self> {
        Arc::new(Self {
            manager,
            ledger: Mutex::new(Ledger::new(config.clone())),
            home: Mutex::new(None),
            listeners: Listeners::new(),
            emptied: Mutex::new(None),
            seems_busy: AtomicBool::new(false),
            needs_return_time: config.needs_return_time(),
            some_time: now(),
            config,
        })
    }

    /// Works on the ledger under its lock, and does what comes of it when the lock is released.
    #[inline]
    pub(crate) fn with<R>(self: &Arc<Self>, work: impl FnOnce(&mut Ledger<M::Member>) -> R) -> R {
        let mut ledger = self.ledger.lock();
        let result = work(&mut ledger);
        let after = ledger.after();
        drop(ledger);
        wake(after.wake);
        if let Some(rest) = after.rest {
            self.carry_out(*rest);
        }
        result
    }

    /// Runs code of the program's, each piece on its own: a panic in one must not keep another waiter from being woken.
    #[cold]
    fn carry_out(self: &Arc<Self>, after: Rest<M::Member>) {
        for waker in after.wake {
            wake(Some(waker));
        }
        if after.tell {
            self.tell_keeper(Job::Attend);
        }
        for member in after.close {
            self.close(member);
        }
        for member in after.drop {
            drop_contained(member);
        }
        for waker in after.drop_wakers {
            drop_contained(waker);
        }
    }

    pub(crate) fn tell_keeper(&self, job: Job) {
        let keeper = self
            .home
            .lock()
            .as_ref()
            .and_then(|home| home.keeper.upgrade());
        // Without a keeper the pool is closing, and there is nothing to look after.
        if let Some(keeper) = keeper {
            let _ = keeper.cast(PoolMsg(job));
        }
    }

    pub(crate) fn move_in(&self, runtime: Handle, keeper: WeakRef<PoolMsg>) {
        let before = self.home.lock().replace(Home { runtime, keeper });
        drop(before);
    }

    pub(crate) fn runtime(&self) -> Option<Handle> {
        self.home.lock().as_ref().map(|home| home.runtime.clone())
    }

    /// The time at which a member comes back.
    #[inline]
    pub(crate) fn return_time(&self) -> Instant {
        if self.needs_return_time {
            now()
        } else {
            self.some_time
        }
    }

    /// The time at which somebody who has waited since `since` gets a member. It is exact where leaks are looked for; a clock costs a
    /// tenth of such a checkout.
    #[inline]
    pub(crate) fn lend_time(&self, since: Instant) -> Instant {
        if self.config.leak_after.is_some() {
            now()
        } else {
            since
        }
    }

    pub(crate) fn listen(&self, listener: Recipient<PoolEvent>) {
        self.listeners.add(listener);
    }

    /// Tells an event. Only the keeper does, so they come in order.
    pub(crate) fn tell(&self, event: &PoolEvent) {
        if self.listeners.are_there() {
            self.listeners.note(event.clone());
            self.listeners.tell();
        }
    }

    /// Waits until no member is being closed any more.
    pub(crate) fn poll_emptied(self: &Arc<Self>, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let before = self.emptied.lock().replace(waker);
        drop(before);
        if self.with(|ledger| ledger.closing()) == 0 {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// A member that was on its way out is gone.
    pub(crate) fn closed(self: &Arc<Self>) {
        let left = self.with(|ledger| {
            ledger.closed();
            ledger.closing()
        });
        if left == 0 {
            let waker = self.emptied.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// The time, on tokio's clock, so that a test can pause it.
#[inline]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

pub(crate) type Caller = &'static Location<'static>;
