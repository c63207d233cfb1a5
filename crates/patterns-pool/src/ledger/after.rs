//! What is to be done once the ledger's lock is released: all that runs code of the program's, and telling the keeper.

use std::task::Waker;

use super::Ledger;

#[derive(Debug)]
pub(crate) struct After<T> {
    /// Who has news on its seat. Most often there is one at most, and nothing else to do.
    pub(crate) wake: Option<Waker>,
    pub(crate) rest: Option<Box<Rest<T>>>,
}

#[derive(Debug)]
pub(crate) struct Rest<T> {
    pub(crate) wake: Vec<Waker>,
    /// Members that leave the pool.
    pub(crate) close: Vec<T>,
    /// Members that have ended.
    pub(crate) drop: Vec<T>,
    /// Those of waiters who have left.
    pub(crate) drop_wakers: Vec<Waker>,
    /// The keeper is to look after the pool.
    pub(crate) tell: bool,
}

impl<T> After<T> {
    pub(crate) const fn new() -> Self {
        Self {
            wake: None,
            rest: None,
        }
    }

    #[inline]
    pub(crate) fn wake(&mut self, waker: Option<Waker>) {
        match (waker, &self.wake) {
            (None, _) => {}
            (waker, None) => self.wake = waker,
            (Some(waker), Some(_)) => self.rest().wake.push(waker),
        }
    }

    #[cold]
    pub(crate) fn rest(&mut self) -> &mut Rest<T> {
        self.rest.get_or_insert_with(|| {
            Box::new(Rest {
                wake: Vec::new(),
                close: Vec::new(),
                drop: Vec::new(),
                drop_wakers: Vec::new(),
                tell: false,
            })
        })
    }
}

impl<T> Ledger<T> {
    #[inline]
    pub(crate) fn after(&mut self) -> After<T> {
        After {
            wake: self.after.wake.take(),
            rest: self.after.rest.take(),
        }
    }
}
