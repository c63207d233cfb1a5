//! Workers one by one: found, started, waited for, stopped.

use std::borrow::Borrow;
use std::cell::LazyCell;
use std::hash::Hash;
use std::sync::Arc;

use otp_core::{Pid, ServerRef};

use super::WorkerRegistry;
use crate::flight::{Flight, Lease, Waited};
use crate::place::{Asked, Place};
use crate::row::{About, Phase, Row};
use crate::table::Found;
use crate::{NotFound, StartWorkerError, Started, StopWorkerError};

/// A worker that has started. It does not stop for being idle while this is held.
pub(super) struct Worker<M> {
    pub(super) server: ServerRef<M>,
    is_new: bool,
    _lease: Option<Lease>,
}

impl<M> Worker<M> {
    fn there(server: ServerRef<M>, lease: Option<Lease>) -> Self {
        Self {
            server,
            is_new: false,
            _lease: lease,
        }
    }
}

impl<K, M, V> WorkerRegistry<K, M, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    M: Send + 'static,
    V: Send + Sync + 'static,
{
    /// Returns the address of the worker of a key if it runs; it starts none.
    ///
    /// A worker that has not started yet, is being restarted or is ending is not found. The address survives restarts of the worker; when
    /// the worker has ended for good it gives messages back.
    #[inline]
    pub fn lookup<Q>(&self, key: &Q) -> Option<ServerRef<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let table = &self.core.table;
        table.server(table.hash(key), key)
    }

    /// Waits until there is a worker of a key that runs, and returns its address; it starts none. `None` when the registry
    /// has ended for good.
    ///
    /// Each worker that starts wakes those who wait for keys in the same part of the table, to look again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    pub async fn wait_for<Q>(&self, key: &Q) -> Option<ServerRef<M>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let table = &self.core.table;
        let hash = table.hash(key);
        loop {
            // Made before the look: who comes up from now on wakes it.
            let arrival = table.arrivals(hash).notified();
            if let Some(server) = table.server(hash, key) {
                return Some(server);
            }
            if table.is_closed() {
                return None;
            }
            arrival.await;
        }
    }

    /// Starts the worker of a key, unless there is one, and returns its address when it has started.
    ///
    /// However many ask for a key at the same time, one worker is started, and all get its address. One that is being
    /// restarted is waited for; one that is being stopped too, and then a new one is started.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back: the worker is started all the same.
    ///
    /// # Errors
    ///
    /// See [`StartWorkerError`]; it goes to all who waited for that start. Nothing is kept of a failed start: the next
    /// one begins anew.
    pub async fn start_worker<Q>(&self, key: &Q) -> Result<Started<M>, StartWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
        V: Default,
    {
        self.start_of(key, V::default).await
    }

    /// Starts the worker of a key with a value for its entry, unless there is a worker, which keeps the value that it
    /// has; otherwise as [`start_worker`](WorkerRegistry::start_worker).
    ///
    /// # Cancel safety
    ///
    /// As [`start_worker`](WorkerRegistry::start_worker).
    ///
    /// # Errors
    ///
    /// As [`start_worker`](WorkerRegistry::start_worker).
    pub async fn start_worker_with<Q>(
        &self,
        key: &Q,
        value: V,
    ) -> Result<Started<M>, StartWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        self.start_of(key, move || value).await
    }

    async fn start_of<Q>(
        &self,
        key: &Q,
        value: impl FnOnce() -> V,
    ) -> Result<Started<M>, StartWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let hash = self.core.table.hash(key);
        let worker = self.ensure(hash, key, value).await?;
        Ok(if worker.is_new {
            Started::New(worker.server)
        } else {
            Started::Existing(worker.server)
        })
    }

    /// Stops the worker of a key on its own terms, and returns when it has ended and its key is free.
    ///
    /// What waits in its mailbox is not handled any more. Who asks for the key meanwhile gets a new worker as soon as this one is gone. The start
    /// of a worker that has not started yet is called off, which takes as long as the option `shutdown` says if its `init` hangs.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    ///
    /// # Errors
    ///
    /// [`StopWorkerError::NotFound`] if there is none, [`StopWorkerError::CallingSelf`] if the worker would wait for
    /// its own end.
    pub async fn stop_worker<Q>(&self, key: &Q) -> Result<(), StopWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let table = &self.core.table;
        let hash = table.hash(key);
        let found = table.with(hash, key, |row| (row.about.id, row.about.server.clone()));
        let Some((id, server)) = found else {
            return Err(StopWorkerError::NotFound);
        };
        if runs_here(&server) {
            return Err(StopWorkerError::CallingSelf);
        }
        let Some((flight, can_be_sent)) = table.begin_stop(hash, id) else {
            return Err(StopWorkerError::NotFound);
        };
        if can_be_sent {
            self.terminate(&server);
        }
        flight.ended().await;
        Ok(())
    }

    /// Has the worker of a key fail as if its own code had panicked, for drills and tests; see [`Pid::crash`]. It does not
    /// wait for that.
    ///
    /// # Errors
    ///
    /// [`NotFound`] if none runs.
    pub fn crash_worker<Q>(&self, key: &Q) -> Result<(), NotFound>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.pid_of(key)
            .ok_or(NotFound)?
            .crash("crashed on request");
        Ok(())
    }

    fn pid_of<Q>(&self, key: &Q) -> Option<Pid>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let table = &self.core.table;
        let pid = |row: &Row<K, M, V>| match (&row.about.up, row.about.phase) {
            (Some(up), Phase::Running) => Some(up.pid.clone()),
            _ => None,
        };
        table.with(table.hash(key), key, pid).flatten()
    }

    /// Returns the worker of a key if it runs.
    pub(super) fn ready<Q>(&self, hash: u64, key: &Q) -> Option<Worker<M>>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        match self.core.table.find(hash, key) {
            Found::Running(server, lease) => Some(Worker::there(server, lease)),
            Found::Pending { .. } | Found::Vacant => None,
        }
    }

    /// Returns the worker of a key when it runs, and starts it if there is none.
    pub(super) async fn ensure<Q>(
        &self,
        hash: u64,
        key: &Q,
        value: impl FnOnce() -> V,
    ) -> Result<Worker<M>, StartWorkerError>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let value = LazyCell::new(|| Arc::new(value()));
        loop {
            let (server, lease, is_new, waited) = match self.core.table.find(hash, key) {
                Found::Running(server, lease) => return Ok(Worker::there(server, lease)),
                Found::Pending { server, .. } if runs_here(&server) => {
                    return Err(StartWorkerError::CallingSelf);
                }
                Found::Pending {
                    server,
                    phase,
                    lease,
                    ups,
                } => {
                    let flight = lease.flight();
                    let waited = match phase {
                        Phase::Starting => flight.started().await,
                        _ => flight.restarted(ups).await,
                    };
                    (server, lease, false, waited)
                }
                Found::Vacant => {
                    let Some((server, lease)) = self.begin(hash, key.to_owned(), &value) else {
                        continue;
                    };
                    let waited = lease.flight().started().await;
                    (server, lease, true, waited)
                }
            };
            match waited {
                // It is not looked at again: one that crashes or ends at once has started all the same.
                Waited::Up => {
                    return Ok(Worker {
                        server,
                        is_new,
                        _lease: Some(lease),
                    });
                }
                Waited::Failed(error) => return Err(error),
                Waited::Gone => {}
            }
        }
    }

    /// Puts a worker under a key and has the supervisor start it; `None` if somebody else has put one there.
    ///
    /// There is no `.await` in it: a caller that gives up cancels nobody's start.
    fn begin(&self, hash: u64, key: K, value: &Arc<V>) -> Option<(ServerRef<M>, Lease)> {
        let core = &*self.core;
        let flight = Arc::new(Flight::default());
        let lease = Lease::of(&flight);
        let place = Place {
            table: Arc::clone(&core.table),
            hash,
            id: core.table.next_id(),
            flight: Arc::clone(&flight),
        };
        let child = (core.specify)(key.clone(), place.clone());
        let server = child.server_ref();
        let about = Box::new(About {
            server: server.clone(),
            phase: Phase::Starting,
            hash,
            id: place.id,
            flight: Arc::clone(&flight),
            value: Arc::clone(value),
            up: None,
        });
        if !core.table.insert(key, about) {
            return None;
        }
        let asked = Asked::of(place);
        // Refused, it is dropped, and tells that nobody will start the worker.
        drop(
            core.supervisor
                .start_child_then(child, move |started| asked.settle(started)),
        );
        if flight.start_is_sent() {
            self.terminate(&server);
        }
        Some((server, lease))
    }

    fn terminate(&self, server: &ServerRef<M>) {
        // What becomes of it is seen in the table. If the supervisor does not run, neither will the worker.
        let _ = self.core.supervisor.terminate_server_then(server, drop);
    }
}

/// Whether the caller is a process of this worker, and would wait for itself.
fn runs_here<M>(server: &ServerRef<M>) -> bool {
    Pid::current().is_some_and(|me| server.has_run_as(&me))
}
