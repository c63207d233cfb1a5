//! A worker's place in the table: what its process and the supervisor change of it, and how it goes.
//!
//! A [`Stay`] is held by the factory in the worker's specification and by the state of its process. So the place is given up when
//! the supervisor has forgotten the worker *and* the last process of it has dropped its state, whichever comes last, whatever ended them.

use std::sync::Arc;

use otp_core::contained::{contain, drop_contained};
use otp_core::{ExitReason, Pid, Restart, StartChildError};

use crate::StartWorkerError;
use crate::WorkerEvent;
use crate::flight::Flight;
use crate::row::{About, Key, Up};
use crate::table::Table;

pub(crate) struct Place<K, M, V> {
    pub(crate) table: Arc<Table<K, M, V>>,
    pub(crate) hash: u64,
    pub(crate) id: u64,
    pub(crate) flight: Arc<Flight>,
}

impl<K, M, V> Clone for Place<K, M, V> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            hash: self.hash,
            id: self.id,
            flight: Arc::clone(&self.flight),
        }
    }
}

impl<K, M, V> Place<K, M, V> {
    /// The process's state is about to be dropped.
    pub(crate) fn goes_down(&self) {
        self.table.goes_down(self.hash, self.id);
    }

    /// The process begins to end, for `reason`.
    pub(crate) fn terminates(&self, restart: Restart, reason: &ExitReason) {
        let returns = match restart {
            Restart::Permanent => true,
            Restart::Transient => !reason.is_clean(),
            Restart::Temporary => false,
        };
        if returns {
            self.goes_down();
        } else {
            self.table.ends(self.hash, self.id);
        }
    }

    fn settle(&self, outcome: Result<(), StartWorkerError>) {
        if outcome.is_err() {
            // Something of it may still be there: an `init` that timed out. Who comes from now on waits for the end.
            self.table.ends(self.hash, self.id);
        }
        self.flight.settle(outcome);
    }

    /// The process has been idle for long enough; tells whether it may end.
    pub(crate) fn may_stop(&self) -> bool {
        self.table.ends_if_unused(self.hash, self.id)
    }
}

impl<K: Key, M, V> Place<K, M, V> {
    pub(crate) fn comes_up(&self, pid: Pid) {
        self.table.comes_up(self.hash, self.id, pid);
    }
}

/// That something of a worker is there. With the last one its place is given up.
pub(crate) struct Stay<K: Key, M, V>(pub(crate) Place<K, M, V>);

impl<K: Key, M, V> Drop for Stay<K, M, V> {
    fn drop(&mut self) {
        let Place {
            table,
            hash,
            id,
            flight,
        } = &self.0;
        let row = table.remove(*hash, *id);
        flight.set_gone();
        contain(|| flight.tell());
        let Some(row) = row else {
            // It was not put in: another worker had the key already.
            return;
        };
        let (key, About { up, value, .. }) = (row.key, *row.about);
        if let Some(Up { pid, .. }) = up
            && table.listeners.are_there()
        {
            table.listeners.note(WorkerEvent::Unregistered { key, pid });
            table.listeners.tell();
        } else {
            drop_contained(key);
        }
        // Last: it may take as long as it likes.
        drop_contained(value);
    }
}

/// That a start was asked for, and somebody is to be told what becomes of it.
pub(crate) struct Asked<K, M, V>(Option<Place<K, M, V>>);

impl<K, M, V> Asked<K, M, V> {
    pub(crate) fn of(place: Place<K, M, V>) -> Self {
        Self(Some(place))
    }

    pub(crate) fn settle(mut self, started: Result<Pid, StartChildError>) {
        let Some(place) = self.0.take() else {
            return;
        };
        let outcome = started.map(drop).map_err(|error| {
            let stopped = place.flight.stop_was_asked_for();
            StartWorkerError::of(error, stopped)
        });
        place.settle(outcome);
    }
}

impl<K, M, V> Drop for Asked<K, M, V> {
    /// The supervisor has ended, and will not tell.
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.settle(Err(StartWorkerError::Closed));
        }
    }
}
