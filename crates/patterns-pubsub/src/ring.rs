//! One queue for all subscriptions to a pattern that drop the oldest, or nothing: each has a place in it up to which it has read.
//!
//! So that what is published is put in once, however many subscribe.
//!
//! Invariants:
//! 1. A slot's `readers` are the live readers that have not passed it and were not skipped; a slot that has none leaves as soon as it is
//!    the oldest.
//! 2. A reader that is live is owed the last `capacity` slots from its `next` on, without those of its own `skips`. What is before
//!    them is missing, and counted when it next looks, or when anybody asks.
//! 3. There are no more slots than the largest capacity of a live reader.
//! 4. A reader that has ended has taken along what it was owed, and holds no slot.
//! 5. A reader leaves its waker in the critical section in which it finds nothing; whoever adds something takes it. It is parked if and only
//!    if it has left one.
//! 6. Nothing is woken and no message dropped for the last time under the lock.

mod reader;

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use otp_core::contained::{drop_contained, wake};

use crate::Message;
use crate::stats::Tally;
use crate::subscriber::Subscriber;
use crate::subscription::Ended;
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};
use reader::Reader;

pub(crate) struct Ring<M> {
    state: Mutex<State<M>>,
    /// Counts slots, for who looks whether anything is new. Written under the lock. An end is no news: who has seen everything finds it when
    /// it would wait.
    news: AtomicU64,
}

struct State<M> {
    slots: VecDeque<Slot<M>>,
    /// The number of the oldest slot, or of the next one.
    first: u64,
    readers: Vec<Option<Reader<M>>>,
    free: Vec<usize>,
    /// How many readers there are of each capacity, without those that have ended.
    capacities: BTreeMap<u64, usize>,
    /// The largest of them.
    most: u64,
    live: usize,
    /// Readers that have left a waker.
    parked: Vec<usize>,
}

struct Slot<M> {
    message: Message<M>,
    readers: usize,
}

/// What a reader finds.
pub(crate) enum Found<M> {
    /// The next message, and others that were put into its hand.
    Message(Message<M>),
    /// So many are missing here.
    Lost(u64),
    /// Nothing now.
    Nothing,
    /// Nothing any more.
    End,
}

impl<M> Ring<M> {
    pub(crate) fn new() -> Self {
        let state = State {
            slots: VecDeque::new(),
            first: 0,
            readers: Vec::new(),
            free: Vec::new(),
            capacities: BTreeMap::new(),
            most: 0,
            live: 0,
            parked: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            // No reader has seen that much before it has looked.
            news: AtomicU64::new(1),
        }
    }

    /// Lets a subscriber in, which begins with what comes next; returns its place.
    pub(crate) fn join(&self, subscriber: &Arc<Subscriber<M>>, capacity: u64) -> usize {
        let mut state = self.state.lock();
        let reader = Reader::new(Arc::clone(subscriber), capacity, state.tail());
        *state.capacities.entry(capacity).or_default() += 1;
        state.most = state.most.max(capacity);
        state.live += 1;
        if let Some(place) = state.free.pop() {
            state.readers[place] = Some(reader);
            place
        } else {
            state.readers.push(Some(reader));
            state.readers.len() - 1
        }
    }

    /// Puts a message in for all readers but one; returns how many they are.
    #[inline]
    pub(crate) fn push(&self, message: Message<M>, skipped: Option<usize>) -> usize {
        let mut state = self.state.lock();
        let skipped = skipped.filter(|place| state.is_live(*place));
        let readers = state.live - usize::from(skipped.is_some());
        if readers == 0 {
            drop(state);
            drop_contained(message);
            return 0;
        }
        let mut left_over = skipped.map_or_else(Vec::new, |place| state.skip(place));
        state.slots.push_back(Slot { message, readers });
        self.tell();
        left_over.extend(state.trim());
        let wakers = state.unpark_all();
        drop(state);
        for waker in wakers {
            wake(Some(waker));
        }
        left_over.into_iter().for_each(drop_contained);
        readers
    }

    /// Says that there is something new. Under the lock, so that no count is lost without a locked addition.
    #[inline]
    fn tell(&self) {
        let news = self.news.load(Ordering::Relaxed);
        self.news.store(news + 1, Ordering::Release);
    }

    /// Hands a reader what is next, and more into its hand, which is empty. `seen` is how far it has seen everything there is, which
    /// is noted here, and saves the lock when nothing is new.
    #[inline]
    pub(crate) fn take(
        &self,
        place: usize,
        seen: &mut u64,
        hand: &mut VecDeque<Message<M>>,
    ) -> Found<M> {
        if self.news.load(Ordering::Acquire) == *seen {
            return Found::Nothing;
        }
        let mut left_over = Vec::new();
        let mut state = self.state.lock();
        let found = state.take(place, hand, &mut left_over);
        if matches!(found, Found::Nothing) {
            // Under the lock under which it is written.
            *seen = self.news.load(Ordering::Relaxed);
        }
        drop(state);
        left_over.into_iter().for_each(drop_contained);
        found
    }

    /// The same; leaves the waker if there is nothing.
    pub(crate) fn take_or_park(
        &self,
        place: usize,
        hand: &mut VecDeque<Message<M>>,
        waker: Waker,
    ) -> Found<M> {
        let mut left_over = Vec::new();
        let mut state = self.state.lock();
        let found = state.take(place, hand, &mut left_over);
        let before = match found {
            Found::Nothing => state.park(place, waker),
            _ => Some(waker),
        };
        drop(state);
        drop_contained(before);
        left_over.into_iter().for_each(drop_contained);
        found
    }

    /// Ends a reader; what it was owed can still be taken. `false` if it had ended already.
    pub(crate) fn end(&self, place: usize, id: u64, end: Ended) -> bool {
        let mut state = self.state.lock();
        if !state.is_of(place, id) || !state.is_live(place) {
            return false;
        }
        let (waker, left_over) = state.end(place, end);
        drop(state);
        wake(waker);
        left_over.into_iter().for_each(drop_contained);
        true
    }

    /// Takes a reader out for good, with what it was owed; returns its counts. What is in its hand is for the caller to throw away.
    pub(crate) fn discard(&self, place: usize, id: u64) -> Tally {
        let mut state = self.state.lock();
        if !state.is_of(place, id) {
            return Tally::default();
        }
        let (waker, mut left_over) = state.end(place, Ended::Removed);
        let mut tally = state.tally(place);
        tally.discarded += std::mem::take(&mut tally.queued);
        let reader = state.readers.get_mut(place).and_then(Option::take);
        state.free.push(place);
        if state.free.len() == state.readers.len() {
            // What has held many holds no memory when it holds none.
            (state.readers, state.free) = (Vec::new(), Vec::new());
        }
        drop(state);
        drop_contained(waker);
        if let Some(reader) = reader {
            left_over.extend(reader.rest);
        }
        left_over.into_iter().for_each(drop_contained);
        tally
    }

    /// Tells a reader that it was given so many retained messages, and how many of those it had to leave.
    pub(crate) fn give(&self, place: usize, given: usize, left: usize) {
        if let Some(Some(reader)) = self.state.lock().readers.get_mut(place) {
            reader.give(given as u64, left as u64);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.state.lock().live
    }

    pub(crate) fn ended(&self, place: usize, id: u64) -> Option<Ended> {
        let state = self.state.lock();
        let reader = state.reader(place).filter(|_| state.is_of(place, id));
        reader.and_then(|reader| reader.ended)
    }

    /// Tells whether a reader has ended and taken everything it was owed.
    pub(crate) fn is_finished(&self, place: usize, id: u64) -> bool {
        let state = self.state.lock();
        let reader = state.reader(place).filter(|_| state.is_of(place, id));
        reader.is_none_or(Reader::is_finished)
    }

    pub(crate) fn tally(&self, place: usize, id: u64) -> Tally {
        let state = self.state.lock();
        if state.is_of(place, id) {
            state.tally(place)
        } else {
            // Its counts are with those of the ones that are gone.
            Tally::default()
        }
    }

    /// Those who are live.
    pub(crate) fn for_each(&self, mut found: impl FnMut(&Arc<Subscriber<M>>)) {
        let state = self.state.lock();
        let readers = state.readers.iter().flatten();
        readers
            .filter(|reader| reader.ended.is_none())
            .for_each(|reader| found(&reader.subscriber));
    }
}

impl<M> State<M> {
    /// The number of the slot that comes next.
    fn tail(&self) -> u64 {
        self.first + self.slots.len() as u64
    }

    fn reader(&self, place: usize) -> Option<&Reader<M>> {
        self.readers.get(place).and_then(Option::as_ref)
    }

    /// Tells whether a place is that of this subscriber still.
    fn is_of(&self, place: usize, id: u64) -> bool {
        self.reader(place)
            .is_some_and(|reader| reader.subscriber.id() == id)
    }

    fn is_live(&self, place: usize) -> bool {
        self.reader(place)
            .is_some_and(|reader| reader.ended.is_none())
    }

    /// Keeps as many slots as anybody is owed.
    #[inline]
    fn trim(&mut self) -> Option<Message<M>> {
        if self.slots.len() as u64 <= self.most {
            return None;
        }
        self.first += 1;
        self.slots.pop_front().map(|slot| slot.message)
    }

    #[inline]
    fn unpark_all(&mut self) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if !self.parked.is_empty() {
            wakers.reserve_exact(self.parked.len());
            for place in self.parked.drain(..) {
                if let Some(reader) = &mut self.readers[place] {
                    reader.parked_at = None;
                    wakers.extend(reader.waker.take());
                }
            }
        }
        wakers
    }

    /// Leaves a waker; the one before is to be dropped after the lock.
    fn park(&mut self, place: usize, waker: Waker) -> Option<Waker> {
        let Some(Some(reader)) = self.readers.get_mut(place) else {
            return Some(waker);
        };
        if reader.parked_at.is_none() {
            reader.parked_at = Some(self.parked.len());
            self.parked.push(place);
        }
        reader.waker.replace(waker)
    }

    fn unpark(&mut self, place: usize) -> Option<Waker> {
        let reader = self.readers.get_mut(place)?.as_mut()?;
        let waker = reader.waker.take();
        if let Some(at) = reader.parked_at.take() {
            self.parked.swap_remove(at);
            if let Some(moved) = self.parked.get(at)
                && let Some(Some(other)) = self.readers.get_mut(*moved)
            {
                other.parked_at = Some(at);
            }
        }
        waker
    }
}
