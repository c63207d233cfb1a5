//! What the process shows of its state: to readers, to those who wait, and to views.

use std::sync::Arc;

use otp_core::contained::drop_contained;

use super::Core;
use crate::observer::{Observer, Seen};

impl<T> Core<T> {
    /// Lets readers see a state from now on, if it is not there already.
    pub(crate) fn share(&mut self) {
        if let Some(state) = self.own.take() {
            let nothing = self.shared.cell.publish(Arc::new(state), self.version);
            drop_contained(nothing);
        }
    }

    /// Takes the state back for itself, for nobody reads any more. A snapshot that is still held stays what it is.
    #[cold]
    pub(super) fn withdraw(&mut self) {
        if let Some(state) = self.shared.cell.clear() {
            match Arc::try_unwrap(state) {
                Ok(state) => self.own = Some(state),
                Err(state) => {
                    let nothing = self.shared.cell.publish(state, self.version);
                    drop_contained(nothing);
                }
            }
        }
    }

    pub(super) fn publish(&mut self, state: Arc<T>) {
        self.version += 1;
        let seen = (!self.waiters.is_empty() || !self.views.is_empty()).then(|| Arc::clone(&state));
        drop_contained(self.shared.cell.publish(state, self.version));
        if let Some(state) = seen {
            self.waiters.see(&state, self.version);
            self.views.see(&state, self.version);
        }
    }

    #[inline]
    pub(super) fn count_version(&mut self) {
        self.version += 1;
        self.shared.cell.count(self.version);
    }

    #[inline]
    pub(super) fn show_own(&mut self) {
        if !self.waiters.is_empty() || !self.views.is_empty() {
            self.show_own_to_all();
        }
    }

    #[inline(never)]
    fn show_own_to_all(&mut self) {
        if let Some(state) = &self.own {
            self.waiters.see(state, self.version);
            self.views.see(state, self.version);
        }
    }

    /// Shows the state to a waiter, which stays if it has not found what it waits for.
    pub(crate) fn wait(&mut self, mut waiter: Box<dyn Observer<T>>) {
        if self.show(&mut *waiter) == Seen::Again {
            self.waiters.add(waiter);
        } else {
            drop_contained(waiter);
        }
    }

    /// Shows the state to a view, which stays.
    pub(crate) fn view(&mut self, mut view: Box<dyn Observer<T>>) {
        if self.show(&mut *view) == Seen::Again {
            self.views.add(view);
        } else {
            drop_contained(view);
        }
    }

    fn show(&mut self, observer: &mut dyn Observer<T>) -> Seen {
        match &self.own {
            Some(state) => observer.see(state, self.version),
            None => {
                let state = self.shared.cell.read();
                state.map_or(Seen::Over, |state| observer.see(&state, self.version))
            }
        }
    }
}
