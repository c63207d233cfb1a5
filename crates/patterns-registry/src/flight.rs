//! What those share who start a worker, wait for it or use it: the start in flight, and who must not be let down.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::Notify;

use crate::StartWorkerError;

/// One worker's start, from the first who asks for it on, and its life after that.
#[derive(Default)]
pub(crate) struct Flight {
    /// What became of the start. Set once.
    outcome: OnceLock<Result<(), StartWorkerError>>,
    /// How often the worker has come up.
    ups: AtomicU64,
    /// Whether its entry is out of the table, and nothing is left of it.
    gone: AtomicBool,
    /// Told of each change of the three above.
    changed: Notify,
    /// Calls and casts by key that are on the way to it.
    leases: AtomicUsize,
    /// What the supervisor was asked, or is to be asked.
    requests: AtomicU8,
}

const START: u8 = 1;
const STOP: u8 = 2;

/// How a wait for a worker ended.
pub(crate) enum Waited {
    /// It has come up, and may have ended since.
    Up,
    /// It is gone: its key is free.
    Gone,
    /// It did not start.
    Failed(StartWorkerError),
}

impl Flight {
    /// Writes down what became of the start, the first time that it is told.
    pub(crate) fn settle(&self, outcome: Result<(), StartWorkerError>) {
        let _ = self.outcome.set(outcome);
        self.changed.notify_waiters();
    }

    pub(crate) fn came_up(&self) {
        self.ups.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn ups(&self) -> u64 {
        self.ups.load(Ordering::Acquire)
    }

    pub(crate) fn set_gone(&self) {
        self.gone.store(true, Ordering::Release);
    }

    pub(crate) fn tell(&self) {
        self.changed.notify_waiters();
    }

    /// The start was sent to the supervisor. Returns whether a stop was asked for before, which is to be sent now.
    pub(crate) fn start_is_sent(&self) -> bool {
        self.requests.fetch_or(START, Ordering::AcqRel) & STOP != 0
    }

    /// A stop is asked for. Returns whether it can be sent now: the supervisor must not hear of it before it has
    /// heard of the start. If it has not, whoever sends the start sends the stop after it.
    pub(crate) fn ask_for_stop(&self) -> bool {
        self.requests.fetch_or(STOP, Ordering::AcqRel) & START != 0
    }

    /// Whether the worker has no future, whatever it does: the supervisor stops it, or has given its start up.
    pub(crate) fn is_called_off(&self) -> bool {
        self.stop_was_asked_for() || matches!(self.outcome.get(), Some(Err(_)))
    }

    pub(crate) fn stop_was_asked_for(&self) -> bool {
        self.requests.load(Ordering::Acquire) & STOP != 0
    }

    pub(crate) fn is_leased(&self) -> bool {
        self.leases.load(Ordering::Acquire) > 0
    }

    /// Waits for the outcome of the start.
    pub(crate) async fn started(&self) -> Waited {
        self.until(|| match self.outcome.get()? {
            Ok(()) => Some(Waited::Up),
            Err(error) => Some(Waited::Failed(error.clone())),
        })
        .await
    }

    /// Waits for the next incarnation after the `seen`-th, or for the end, whichever it is: a worker that ends in order and whose
    /// own code panics at the last moment is restarted.
    pub(crate) async fn restarted(&self, seen: u64) -> Waited {
        self.until(|| {
            if self.ups() > seen {
                Some(Waited::Up)
            } else {
                self.is_gone()
            }
        })
        .await
    }

    /// Waits for the end.
    pub(crate) async fn ended(&self) -> Waited {
        self.until(|| self.is_gone()).await
    }

    fn is_gone(&self) -> Option<Waited> {
        self.gone.load(Ordering::Acquire).then_some(Waited::Gone)
    }

    async fn until(&self, done: impl Fn() -> Option<Waited>) -> Waited {
        loop {
            // Made before the look: what is told from now on wakes it.
            let changed = self.changed.notified();
            if let Some(waited) = done() {
                return waited;
            }
            changed.await;
        }
    }
}

/// That somebody is about to use the worker: it does not stop for being idle meanwhile.
pub(crate) struct Lease(Arc<Flight>);

impl Lease {
    /// To be taken under the lock of the worker's entry, as the decision to stop is.
    pub(crate) fn of(flight: &Arc<Flight>) -> Self {
        flight.leases.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(flight))
    }

    pub(crate) fn flight(&self) -> &Flight {
        &self.0
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.leases.fetch_sub(1, Ordering::AcqRel);
    }
}
