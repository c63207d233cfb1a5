//! A server that subscribes: messages are cast to it.
//!
//! Invariants:
//! 1. Nothing is cast once [`Gate::shut`] has returned. Whoever casts enters the gate before and leaves it after; whoever shuts it
//!    waits for those inside, unless it is inside itself.
//! 2. What was retained is cast before anything that is published after the subscription was made: until then that is held.
//! 3. What was accepted is counted inside the gate, or under the lock of what is held: once [`Target::end`] has returned, that count is final.

use std::cell::Cell;
use std::collections::VecDeque;
use std::fmt;

use otp_core::contained::{catch, drop_contained};
use otp_core::{CastError, ServerRef, WeakRef};

use crate::mailbox::Offer;
use crate::servers::AnyServer;
use crate::stats::Tally;
use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, give_way, yield_now};
use crate::{Event, Message};

/// Casts what the program's closure makes of an event, and runs the last argument inside the gate if that was accepted. `None` if the closure
/// panicked. The closure and the server's address are in it.
type CastFn<M> = Box<dyn Fn(Event<M>, &Gate, &dyn Fn()) -> Option<Offer> + Send + Sync>;

pub(crate) struct Target<M> {
    pub(crate) server: Arc<dyn AnyServer>,
    cast: CastFn<M>,
    gate: Gate,
    /// Whether it is told what is missing.
    tells: bool,
    /// What is missing and was not told yet.
    untold: AtomicU64,
    ready: AtomicBool,
    /// What comes while the retained messages are being cast.
    held: Mutex<Option<Held<M>>>,
    received: AtomicU64,
    retained: AtomicU64,
    refused: AtomicU64,
    discarded: AtomicU64,
}

/// What is held counts as received until it turns out otherwise.
struct Held<M> {
    messages: VecDeque<Message<M>>,
    /// Whether one more of them is just being cast.
    casting: bool,
}

impl<M: Send + Sync + 'static> Target<M> {
    pub(crate) fn new<N: Send + 'static>(
        server: Arc<dyn AnyServer>,
        address: WeakRef<N>,
        tells: bool,
        map: impl Fn(Event<M>) -> Option<N> + Send + Sync + 'static,
    ) -> Self {
        let cast = move |event, gate: &Gate, accepted: &dyn Fn()| match address.upgrade() {
            None => {
                drop_contained(event);
                Some(Offer::Gone)
            }
            Some(server) => cast(&server, event, gate, accepted, &map),
        };
        Self {
            server,
            cast: Box::new(cast),
            gate: Gate::default(),
            tells,
            untold: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            held: Mutex::new(Some(Held {
                messages: VecDeque::new(),
                casting: false,
            })),
            received: AtomicU64::new(0),
            retained: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            discarded: AtomicU64::new(0),
        }
    }
}

fn cast<M, N>(
    server: &ServerRef<N>,
    event: Event<M>,
    gate: &Gate,
    accepted: &dyn Fn(),
    map: &impl Fn(Event<M>) -> Option<N>,
) -> Option<Offer> {
    let message = catch(|| map(event)).ok().flatten()?;
    let Some(inside) = gate.enter() else {
        drop_contained(message);
        return Some(Offer::Gone);
    };
    let cast = catch(|| server.cast(message));
    // A waker that panics does so after the message was accepted.
    let Ok(Err(refused)) = cast else {
        accepted();
        drop(inside);
        return Some(Offer::Accepted);
    };
    drop(inside);
    let offer = match refused {
        CastError::Full(_) => Offer::Refused,
        _ => Offer::Gone,
    };
    drop_contained(refused);
    Some(offer)
}

impl<M> Target<M> {
    /// Offers a message.
    pub(crate) fn push(&self, message: Message<M>) -> Offer {
        let offer = self.push_if_room(message);
        if offer == Offer::Refused {
            self.miss();
        }
        offer
    }

    /// Offers a message that goes to somebody else if there is no room here: then nothing is missing.
    pub(crate) fn push_if_room(&self, message: Message<M>) -> Offer {
        if !self.ready.load(Ordering::Acquire) {
            let mut held = self.held.lock();
            if let Some(waiting) = &mut *held {
                if self.gate.is_shut() {
                    drop(held);
                    drop_contained(message);
                    return Offer::Gone;
                }
                waiting.messages.push_back(message);
                self.received.fetch_add(1, Ordering::Relaxed);
                return Offer::Accepted;
            }
        }
        self.send(message, &|| {
            self.received.fetch_add(1, Ordering::Relaxed);
        })
    }

    fn miss(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if self.tells {
            self.untold.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Casts what was retained, and then what came meanwhile.
    pub(crate) fn begin(&self, retained: Vec<Message<M>>) {
        for message in retained {
            let accepted = || {
                self.retained.fetch_add(1, Ordering::Relaxed);
                self.received.fetch_add(1, Ordering::Relaxed);
            };
            match self.send(message, &accepted) {
                Offer::Refused | Offer::Overflown => self.miss(),
                Offer::Accepted | Offer::Gone => {}
            }
        }
        loop {
            let mut held = self.held.lock();
            let next = held.as_mut().and_then(|waiting| {
                let next = waiting.messages.pop_front();
                waiting.casting = next.is_some();
                next
            });
            let Some(message) = next else {
                *held = None;
                self.ready.store(true, Ordering::Release);
                return;
            };
            drop(held);
            if self.send(message, &|| self.settle(true)) != Offer::Accepted {
                self.settle(false);
            }
        }
    }

    /// Counts what became of the one that was being cast, unless the end has done so already.
    fn settle(&self, accepted: bool) {
        if let Some(waiting) = &mut *self.held.lock()
            && std::mem::take(&mut waiting.casting)
            && !accepted
        {
            self.discard(1);
        }
    }

    /// Counts what was held and is not received. Under the lock of what is held.
    fn discard(&self, count: usize) {
        self.received.fetch_sub(count as u64, Ordering::Relaxed);
        self.discarded.fetch_add(count as u64, Ordering::Relaxed);
    }

    fn send(&self, message: Message<M>, accepted: &dyn Fn()) -> Offer {
        if self.untold.load(Ordering::Relaxed) > 0 {
            let untold = self.untold.swap(0, Ordering::AcqRel);
            if untold > 0 {
                match (self.cast)(Event::Lost(untold), &self.gate, &|| ()) {
                    // A closure that panics at it has been told.
                    None | Some(Offer::Accepted) => {}
                    Some(offer) => {
                        // What refuses this has no room for the message either.
                        self.untold.fetch_add(untold, Ordering::AcqRel);
                        drop_contained(message);
                        return offer;
                    }
                }
            }
        }
        let cast = (self.cast)(Event::Message(message), &self.gate, accepted);
        cast.unwrap_or(Offer::Refused)
    }

    /// Ends the subscription: when this has returned nothing more is accepted or cast. `false` if it had ended before.
    pub(crate) fn end(&self) -> bool {
        let is_first = self.gate.shut();
        let mut thrown = VecDeque::new();
        if let Some(waiting) = &mut *self.held.lock() {
            thrown = std::mem::take(&mut waiting.messages);
            let casting = std::mem::take(&mut waiting.casting);
            self.discard(thrown.len() + usize::from(casting));
        }
        thrown.into_iter().for_each(drop_contained);
        is_first
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally {
            received: self.received.load(Ordering::Relaxed),
            retained: self.retained.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            discarded: self.discarded.load(Ordering::Relaxed),
            ..Tally::default()
        }
    }
}

impl<M> Drop for Target<M> {
    /// Whoever is the last to have it, a publisher perhaps, must not suffer from what the closure holds.
    fn drop(&mut self) {
        let nothing: CastFn<M> = Box::new(|_, _, _| None);
        drop_contained(std::mem::replace(&mut self.cast, nothing));
    }
}

impl<M> fmt::Debug for Target<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

crate::sync::thread_local! {
    /// How many gates this thread is inside of.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// Whether something may still be cast, and who is just doing it.
#[derive(Default)]
pub(crate) struct Gate(AtomicUsize);

const SHUT: usize = 1 << (usize::BITS - 1);

impl Gate {
    fn enter(&self) -> Option<Inside<'_>> {
        let inside = Inside(self);
        if self.0.fetch_add(1, Ordering::SeqCst) & SHUT != 0 {
            self.0.fetch_sub(1, Ordering::SeqCst);
            std::mem::forget(inside);
            return None;
        }
        INSIDE.set(INSIDE.get() + 1);
        give_way();
        Some(inside)
    }

    fn is_shut(&self) -> bool {
        self.0.load(Ordering::SeqCst) & SHUT != 0
    }

    /// Lets nobody in any more, and waits for those inside: no longer than a cast takes. `false` if it was shut before.
    fn shut(&self) -> bool {
        let before = self.0.fetch_or(SHUT, Ordering::SeqCst);
        // A waker runs inside. One that ends subscriptions must not wait for itself.
        while INSIDE.get() == 0 && self.0.load(Ordering::SeqCst) != SHUT {
            yield_now();
        }
        before & SHUT == 0
    }
}

/// Is inside until it is dropped.
struct Inside<'a>(&'a Gate);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
