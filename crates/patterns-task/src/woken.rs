//! Who of many has woken: so that only those are looked at who have something to tell.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

use parking_lot::Mutex;

/// The numbers of those that have woken, shared with their wakers.
#[derive(Default)]
pub(crate) struct Woken {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    numbers: VecDeque<usize>,
    /// The one who looks, if it waits.
    waker: Option<Waker>,
}

/// The waker of one of them.
struct One {
    number: usize,
    state: Arc<Mutex<State>>,
}

impl Woken {
    /// Makes the waker of the one with this number. It can be used again and again.
    pub(crate) fn waker(&self, number: usize) -> Waker {
        let state = Arc::clone(&self.state);
        Waker::from(Arc::new(One { number, state }))
    }

    /// Changes `numbers`, which are empty, for those that have woken since, in that order. If there are none, `waiting` is woken by the next one. A
    /// number may come more than once.
    pub(crate) fn take(
        &self,
        numbers: &mut VecDeque<usize>,
        waiting: Option<&Context<'_>>,
    ) -> bool {
        {
            let mut state = self.state.lock();
            if !state.numbers.is_empty() {
                mem::swap(numbers, &mut state.numbers);
                return true;
            }
        }
        let Some(cx) = waiting else { return false };
        // Cloned, and the one before dropped, outside the lock: both are somebody's code.
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if !state.numbers.is_empty() {
            mem::swap(numbers, &mut state.numbers);
            return true;
        }
        let before = state.waker.replace(waker);
        drop(state);
        drop(before);
        false
    }
}

impl Wake for One {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.numbers.push_back(self.number);
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
