//! A server that subscribes: messages are cast to it.
//!
//! Invariants:
//! 1. Nothing is cast once [`Gate::shut`] has returned. Whoever casts enters the gate before and leaves it after; whoever shuts it
//!    waits for those inside, unless it is inside itself.
//! 2. What was retained is cast before anything that is published after the subscription was made: until then that is held.

use std::cell::Cell;
use std::fmt;

use otp_core::{CastError, ServerRef, WeakRef};

use crate::contained::{catch, catch_drop};
use crate::mailbox::Offer;
use crate::servers::AnyServer;
use crate::stats::Tally;
use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering, give_way, yield_now};
use crate::{Event, Message};

/// What is cast for an event; the program's closure and the server's address are in it.
type CastFn<M> = Box<dyn Fn(Event<M>, &Gate) -> Offer + Send + Sync>;

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
    held: Mutex<Option<Vec<Message<M>>>>,
    received: AtomicU64,
    retained: AtomicU64,
    refused: AtomicU64,
    discarded: AtomicU64,
}

impl<M: Send + Sync + 'static> Target<M> {
    pub(crate) fn new<N: Send + 'static>(
        server: Arc<dyn AnyServer>,
        address: WeakRef<N>,
        tells: bool,
        map: impl Fn(Event<M>) -> Option<N> + Send + Sync + 'static,
    ) -> Self {
        let cast = move |event, gate: &Gate| match address.upgrade() {
            None => Offer::Gone,
            Some(server) => cast(&server, event, gate, &map),
        };
        Self {
            server,
            cast: Box::new(cast),
            gate: Gate::default(),
            tells,
            untold: AtomicU64::new(0),
            ready: AtomicBool::new(false),
            held: Mutex::new(Some(Vec::new())),
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
    map: &impl Fn(Event<M>) -> Option<N>,
) -> Offer {
    let Some(message) = catch(|| map(event)).flatten() else {
        return Offer::Refused;
    };
    let Some(inside) = gate.enter() else {
        catch_drop(message);
        return Offer::Gone;
    };
    let cast = catch(|| server.cast(message));
    drop(inside);
    match cast {
        // A waker that panics does so after the message was accepted.
        None | Some(Ok(())) => Offer::Accepted,
        Some(Err(refused)) => {
            let offer = match refused {
                CastError::Full(_) => Offer::Refused,
                _ => Offer::Gone,
            };
            catch_drop(refused);
            offer
        }
    }
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
        let offer = if !self.ready.load(Ordering::Acquire)
            && let Some(held) = &mut *self.held.lock()
        {
            held.push(message);
            Offer::Accepted
        } else {
            self.send(message)
        };
        if offer == Offer::Accepted {
            self.received.fetch_add(1, Ordering::Relaxed);
        }
        offer
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
            match self.send(message) {
                Offer::Accepted => {
                    self.retained.fetch_add(1, Ordering::Relaxed);
                    self.received.fetch_add(1, Ordering::Relaxed);
                }
                Offer::Refused | Offer::Overflown => self.miss(),
                Offer::Gone => {}
            }
        }
        loop {
            let mut held = self.held.lock();
            let came = held.as_mut().map(std::mem::take).unwrap_or_default();
            if came.is_empty() {
                *held = None;
                self.ready.store(true, Ordering::Release);
                return;
            }
            drop(held);
            for message in came {
                // It counts as received already.
                if self.send(message) != Offer::Accepted {
                    self.received.fetch_sub(1, Ordering::Relaxed);
                    self.discarded.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    }

    fn send(&self, message: Message<M>) -> Offer {
        if self.untold.load(Ordering::Relaxed) > 0 {
            let untold = self.untold.swap(0, Ordering::AcqRel);
            if untold > 0 && (self.cast)(Event::Lagged(untold), &self.gate) != Offer::Accepted {
                // There is no room for the message either.
                self.untold.fetch_add(untold, Ordering::AcqRel);
                catch_drop(message);
                return Offer::Refused;
            }
        }
        (self.cast)(Event::Message(message), &self.gate)
    }

    /// Ends the subscription: when this has returned nothing more is cast. `false` if it had ended before.
    pub(crate) fn end(&self) -> bool {
        self.gate.shut()
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
