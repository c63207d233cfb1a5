//! What the agent's process does with the state: reading, changing, checking, and showing it to those who watch.

mod showing;

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use otp_core::Pid;
use otp_core::contained::{Payload, catch, drop_contained};

use crate::cell::{Cell, Copier};
use crate::config::{AgentConfig, OnPanic, Validator};
use crate::error::Fault;
use crate::observer::Observers;

/// Why a closure gave no result.
pub(crate) enum Failure {
    /// Its caller is told, and the agent goes on.
    Told(Fault),
    /// The agent ends with this panic.
    Fatal(Payload),
}

/// What the process shares with the handles and readers.
pub(crate) struct Shared<T> {
    pub(crate) cell: Cell<T>,
    /// Panics and refusals, counted by the process alone.
    pub(crate) panicked: AtomicU64,
    pub(crate) refused: AtomicU64,
}

impl<T> Shared<T> {
    pub(crate) fn new() -> Self {
        Self {
            cell: Cell::new(),
            panicked: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

pub(crate) struct Core<T> {
    /// The state, as long as there are no readers. With readers it is in the cell.
    own: Option<T>,
    version: u64,
    /// A closure's panic ends the process: no other is told.
    panicking: bool,
    shared: Arc<Shared<T>>,
    on_panic: OnPanic<T>,
    validator: Option<Validator<T>>,
    /// Given if every update works on a copy.
    always_copy: Option<Copier<T>>,
    waiters: Observers<T>,
    views: Observers<T>,
}

impl<T> Core<T> {
    pub(crate) fn new(shared: Arc<Shared<T>>, config: AgentConfig<T>) -> Self {
        let always_copy = match (&config.on_panic, &config.validator) {
            (OnPanic::Restore(copy), _) => Some(*copy),
            (OnPanic::Stop, Some(validator)) => Some(validator.copy),
            (OnPanic::Stop, None) => None,
        };
        Self {
            own: None,
            version: shared.cell.version(),
            panicking: false,
            shared,
            on_panic: config.on_panic,
            validator: config.validator,
            always_copy,
            waiters: Observers::new(Vec::new()),
            views: Observers::new(Vec::new()),
        }
    }

    /// Begins with a state: the first of this incarnation.
    pub(crate) fn enter(&mut self, agent: Pid, state: T) -> Result<(), Fault> {
        if let Some(validator) = &self.validator {
            let refusal = match catch(|| validator.check(&state)) {
                Ok(Ok(())) => None,
                Ok(Err(cause)) => Some(Ok(Fault::Refused(cause))),
                Err(payload) => Some(Err(payload)),
            };
            if let Some(refusal) = refusal {
                // On its own: what is dropped while a panic is on its way must not panic.
                drop_contained(state);
                return Err(refusal.unwrap_or_else(|payload| payload.resume()));
            }
        }
        self.shared.cell.run_by(agent);
        self.views = Observers::new(self.shared.cell.take_views());
        self.replace(state);
        Ok(())
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    /// Reads the state.
    #[inline]
    pub(crate) fn read<R>(&mut self, read: impl FnOnce(&T) -> R) -> Result<R, Failure> {
        let result = match (&self.own, &self.on_panic) {
            (Some(state), OnPanic::Stop) => {
                let unwinding = Unwinding(&self.shared, &mut self.panicking);
                let result = read(state);
                mem::forget(unwinding);
                return Ok(result);
            }
            (Some(state), OnPanic::Restore(_)) => catch(|| read(state)),
            (None, _) => {
                let state = self.shared.cell.read();
                catch(|| read(present(state.as_deref())))
            }
        };
        result.map_err(|payload| self.panicked(payload))
    }

    /// Changes the state: in place if nobody else holds it, and whole or not at all as far as anybody can see.
    #[inline]
    pub(crate) fn update<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> Result<R, Failure> {
        self.update_if(|state| Ok(change(state)))
    }

    /// The same by a closure that may refuse to change anything: if it says so, it has not touched the state.
    #[inline]
    pub(crate) fn update_if<R>(
        &mut self,
        change: impl FnOnce(&mut T) -> Result<R, Fault>,
    ) -> Result<R, Failure> {
        if let (Some(state), None) = (&mut self.own, self.always_copy) {
            // Nothing catches its panic in here: it ends the process, and nobody sees what it left half done.
            let unwinding = Unwinding(&self.shared, &mut self.panicking);
            let changed = change(state);
            mem::forget(unwinding);
            return match changed {
                Ok(result) => {
                    self.count_version();
                    self.show_own();
                    Ok(result)
                }
                Err(fault) => Err(self.refused(fault)),
            };
        }
        self.update_seen(change)
    }

    /// The same for a state that readers see, or that is not to be touched before all is well.
    #[inline(never)]
    fn update_seen<R>(
        &mut self,
        change: impl FnOnce(&mut T) -> Result<R, Fault>,
    ) -> Result<R, Failure> {
        if self.own.is_none() && !self.shared.cell.has_readers() {
            self.withdraw();
        }
        if let Some(copier) = self.always_copy {
            return self.update_copy(Some(copier), change);
        }
        let Some(mut state) = self.shared.cell.take_out() else {
            // Just withdrawn. That happens once, for only this process makes a reader where there is none.
            return match self.own {
                Some(_) => self.update_if(change),
                None => self.update_copy(None, change),
            };
        };
        let Some(inner) = Arc::get_mut(&mut state) else {
            let copier = self.shared.cell.put_back(state);
            return self.update_copy(copier, change);
        };
        match catch(|| change(inner)) {
            Ok(Ok(result)) => {
                self.publish(state);
                Ok(result)
            }
            Ok(Err(fault)) => {
                self.shared.cell.put_back(state);
                Err(self.refused(fault))
            }
            Err(payload) => {
                self.shared.cell.clear();
                drop_contained(state);
                Err(self.panicked(payload))
            }
        }
    }

    fn update_copy<R>(
        &mut self,
        copier: Option<Copier<T>>,
        change: impl FnOnce(&mut T) -> Result<R, Fault>,
    ) -> Result<R, Failure> {
        let mut next = self.copied(copier)?;
        match catch(|| change(&mut next)) {
            Ok(Ok(result)) => self.adopt(next, result),
            Ok(Err(fault)) => {
                drop_contained(next);
                Err(self.refused(fault))
            }
            Err(payload) => {
                drop_contained(next);
                Err(self.panicked(payload))
            }
        }
    }

    /// A copy of the state, to be worked on.
    pub(crate) fn copied(&mut self, copier: Option<Copier<T>>) -> Result<T, Failure> {
        self.read(|state| copier.expect("whoever sees a state can copy it")(state))
    }

    /// Takes on a state that nobody has seen, if it is good.
    pub(crate) fn adopt<R>(&mut self, next: T, result: R) -> Result<R, Failure> {
        let checked = match &self.validator {
            Some(validator) => catch(|| validator.check(&next)),
            None => Ok(Ok(())),
        };
        let failure = match checked {
            Ok(Ok(())) => {
                self.replace(next);
                return Ok(result);
            }
            Ok(Err(cause)) => self.refused(Fault::Refused(cause)),
            Err(payload) => self.panicked(payload),
        };
        drop_contained(next);
        drop_contained(result);
        Err(failure)
    }

    fn replace(&mut self, next: T) {
        if self.shared.cell.has_readers() {
            debug_assert!(self.own.is_none(), "a reader comes only with `share`");
            self.publish(Arc::new(next));
            return;
        }
        let before = self.own.replace(next);
        let seen = before.is_none().then(|| self.shared.cell.clear());
        self.count_version();
        self.show_own();
        drop_contained(before);
        drop_contained(seen);
    }

    #[cold]
    fn refused(&self, fault: Fault) -> Failure {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        Failure::Told(fault)
    }

    /// What a caught panic of the user's code does.
    #[cold]
    pub(crate) fn panicked(&mut self, payload: Payload) -> Failure {
        self.shared.panicked.fetch_add(1, Ordering::Relaxed);
        match self.on_panic {
            OnPanic::Stop => {
                self.panicking = true;
                Failure::Fatal(payload)
            }
            OnPanic::Restore(_) => Failure::Told(Fault::Panicked(payload.message())),
        }
    }
}

/// Counts a panic that nobody catches in here.
struct Unwinding<'a, T>(&'a Shared<T>, &'a mut bool);

impl<T> Drop for Unwinding<'_, T> {
    fn drop(&mut self) {
        self.0.panicked.fetch_add(1, Ordering::Relaxed);
        *self.1 = true;
    }
}

/// A process that handles anything has a state: it came with `init`, and a closure that tears it ends the process.
fn present<S>(state: Option<S>) -> S {
    state.expect("a running agent has a state")
}

impl<T> Drop for Core<T> {
    fn drop(&mut self) {
        let state = (self.own.take(), self.shared.cell.clear());
        for waiter in self.waiters.take() {
            drop_contained(waiter);
        }
        for view in self.shared.cell.keep_views(self.views.take()) {
            drop_contained(view);
        }
        if self.panicking {
            drop_contained(state);
        } else {
            // Last, for its drop may panic. That is told as the reason for which the process ended.
            drop(state);
        }
    }
}
