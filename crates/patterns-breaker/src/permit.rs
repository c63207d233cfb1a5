//! The right to one call, for callers whose work cannot be wrapped.

use std::fmt;
use std::ops::Deref;

use crate::machine::End;
use crate::shared::{Shared, Ticket};
use crate::sync::Arc;
use crate::{Outcome, Rejected};

/// The right to one call, from [`Breaker::try_acquire`](crate::Breaker::try_acquire).
///
/// Say how the call ended by [`success`](Self::success), [`failure`](Self::failure) or [`ignore`](Self::ignore). A permit that is
/// dropped without that counts as cancelled, as neither: if it was for a trial, another one can have its place.
#[must_use = "a permit that is dropped counts as cancelled"]
pub struct Permit<'a> {
    held: Held<&'a Shared>,
}

/// A [`Permit`] that borrows nothing, for what outlives the place where it was made; from
/// [`Breaker::try_acquire_owned`](crate::Breaker::try_acquire_owned).
#[must_use = "a permit that is dropped counts as cancelled"]
pub struct OwnedPermit {
    held: Held<Arc<Shared>>,
}

/// A ticket that is given back, whatever happens.
pub(crate) struct Held<S: Deref<Target = Shared>> {
    shared: S,
    /// `None` once it was given back.
    ticket: Option<Ticket>,
}

impl<S: Deref<Target = Shared>> Held<S> {
    /// Takes a permit.
    #[inline]
    pub(crate) fn take(shared: S) -> Result<Self, Rejected> {
        let ticket = shared.acquire()?;
        Ok(Self {
            shared,
            ticket: Some(ticket),
        })
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    #[inline]
    pub(crate) fn record(mut self, outcome: Outcome) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.end(ticket, End::Recorded(outcome));
        }
    }
}

impl<S: Deref<Target = Shared>> Held<S> {
    /// The call took longer than it may, and counts as a failure.
    #[cold]
    pub(crate) fn time_out(self) {
        self.shared.count_timeout();
        self.record(Outcome::Failure);
    }
}

impl<S: Deref<Target = Shared>> Drop for Held<S> {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.shared.end(ticket, End::Cancelled);
        }
    }
}

macro_rules! outcomes {
    () => {
        /// Says that the call succeeded.
        #[inline]
        pub fn success(self) {
            self.record(Outcome::Success);
        }

        /// Says that the call failed.
        #[inline]
        pub fn failure(self) {
            self.record(Outcome::Failure);
        }

        /// Says that the call counts as neither.
        #[inline]
        pub fn ignore(self) {
            self.record(Outcome::Ignored);
        }

        /// Says how the call ended.
        #[inline]
        pub fn record(self, outcome: Outcome) {
            self.held.record(outcome);
        }
    };
}

impl<'a> Permit<'a> {
    #[inline]
    pub(crate) fn take(shared: &'a Shared) -> Result<Self, Rejected> {
        let held = Held::take(shared)?;
        Ok(Self { held })
    }

    outcomes!();
}

impl OwnedPermit {
    pub(crate) fn take(shared: Arc<Shared>) -> Result<Self, Rejected> {
        let held = Held::take(shared)?;
        Ok(Self { held })
    }

    outcomes!();
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

impl fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
