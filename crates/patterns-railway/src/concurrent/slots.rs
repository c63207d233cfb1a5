//! Slots for futures that run side by side in one task, of which only those are polled that were woken.
//!
//! 1. A slot's number is in the queue at most once: its flag is set from the wake until just before the poll.
//! 2. The flag is cleared before the future is polled, so a wake in its poll is not lost.
//! 3. The task's waker is put in place before the queue is looked at, so a wake comes into the queue or finds the waker.
//! 4. No waker is called, cloned or dropped under the lock.

use std::collections::VecDeque;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};

use super::sync::{Arc, AtomicBool, Mutex, Ordering};

/// The slots. A slot that is free is used again, box and waker, so there are never more than ran at the same time.
pub(super) struct Slots<F> {
    slots: Vec<Slot<F>>,
    free: Vec<usize>,
    woken: Arc<Woken>,
    /// What was woken and is not polled yet, of the batch that is in work.
    batch: VecDeque<usize>,
}

struct Slot<F> {
    future: Pin<Box<Option<F>>>,
    flag: Arc<Flag>,
    waker: Waker,
}

impl<F: Future> Slots<F> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            woken: Arc::default(),
            batch: VecDeque::new(),
        }
    }

    /// Returns how many futures there are.
    pub(super) fn running(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Puts in a future, which counts as woken. Returns its slot.
    pub(super) fn insert(&mut self, future: F) -> usize {
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot].future.set(Some(future));
                slot
            }
            None => {
                let slot = self.slots.len();
                let flag = Arc::new(Flag {
                    slot,
                    is_queued: AtomicBool::new(false),
                    woken: Arc::clone(&self.woken),
                });
                self.slots.push(Slot {
                    future: Box::pin(Some(future)),
                    waker: Waker::from(Arc::clone(&flag)),
                    flag,
                });
                slot
            }
        };
        // A wake of the slot's former future may have queued it already.
        if !self.slots[slot]
            .flag
            .is_queued
            .swap(true, Ordering::Relaxed)
        {
            self.batch.push_back(slot);
        }
        slot
    }

    /// Takes what was woken since the last time as the next batch, after what is left of this one.
    pub(super) fn next_batch(&mut self, cx: &Context<'_>) {
        let waker = cx.waker().clone();
        let mut queue = self.woken.queue.lock();
        let old = queue.waker.replace(waker);
        if self.batch.is_empty() {
            mem::swap(&mut self.batch, &mut queue.slots);
        } else {
            self.batch.append(&mut queue.slots);
        }
        drop(queue);
        drop(old);
    }

    /// Polls the next future of the batch; `None` at the batch's end.
    pub(super) fn poll_next(&mut self) -> Option<Poll<(usize, F::Output)>> {
        let index = self.batch.pop_front()?;
        let slot = &mut self.slots[index];
        // Acquire: what was done before a wake that found the slot queued is seen by this poll.
        slot.flag.is_queued.swap(false, Ordering::Acquire);
        let Some(future) = slot.future.as_mut().as_pin_mut() else {
            // A wake that came after the future was done.
            return Some(Poll::Pending);
        };
        let polled = future.poll(&mut Context::from_waker(&slot.waker));
        Some(polled.map(|output| {
            slot.future.set(None);
            self.free.push(index);
            (index, output)
        }))
    }
}

impl<F> Drop for Slots<F> {
    fn drop(&mut self) {
        // Somebody may keep a slot's waker for long; the task's is let go.
        let waker = self.woken.queue.lock().waker.take();
        drop(waker);
    }
}

/// What the wakers of all slots share.
#[derive(Default)]
struct Woken {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    slots: VecDeque<usize>,
    waker: Option<Waker>,
}

/// What is behind the waker of one slot.
struct Flag {
    slot: usize,
    is_queued: AtomicBool,
    woken: Arc<Woken>,
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Release: it goes with the acquire before the poll.
        if self.is_queued.swap(true, Ordering::Release) {
            return;
        }
        let mut queue = self.woken.queue.lock();
        queue.slots.push_back(self.slot);
        let waker = queue.waker.take();
        drop(queue);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
