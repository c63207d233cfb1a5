//! Counts of what is alive.

use std::cell::Cell;
use std::rc::Rc;

/// Counts what is alive.
#[derive(Clone, Default)]
pub(crate) struct Live(Rc<Cell<usize>>);

/// Something that is alive.
#[derive(Debug)]
pub(crate) struct Alive(Rc<Cell<usize>>);

impl Live {
    pub(crate) fn one(&self) -> Alive {
        self.0.set(self.0.get() + 1);
        Alive(Rc::clone(&self.0))
    }

    pub(crate) fn count(&self) -> usize {
        self.0.get()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
