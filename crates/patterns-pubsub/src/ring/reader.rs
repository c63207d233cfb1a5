//! One reader of a ring: what it is owed, what it has missed, what it has taken.

use std::collections::VecDeque;
use std::task::Waker;

use super::{Found, State};
use crate::Message;
use crate::stats::Tally;
use crate::subscriber::Subscriber;
use crate::subscription::Ended;
use crate::sync::Arc;

/// As many messages as a reader takes at one go at most.
const AT_ONCE: u64 = 32;

pub(super) struct Reader<M> {
    pub(super) subscriber: Arc<Subscriber<M>>,
    pub(super) capacity: u64,
    /// As many as it takes at one go: a small part of its capacity, for what is in its hand is out of everybody's reach.
    at_once: u64,
    /// The number of the slot that it looks at next.
    next: u64,
    /// The slots from there on that are not for it.
    skips: VecDeque<u64>,
    /// What is missing and was not told yet.
    untold: u64,
    lost: u64,
    /// What it has taken in all, of which it has received some.
    taken: u64,
    /// How many retained messages it was given.
    retained: u64,
    pub(super) ended: Option<Ended>,
    /// What one that has ended was owed.
    pub(super) rest: VecDeque<Message<M>>,
    pub(super) waker: Option<Waker>,
    pub(super) parked_at: Option<usize>,
}

impl<M> Reader<M> {
    pub(super) fn new(subscriber: Arc<Subscriber<M>>, capacity: u64, next: u64) -> Self {
        Self {
            subscriber,
            capacity,
            at_once: (capacity / AT_ONCE).clamp(1, AT_ONCE),
            next,
            skips: VecDeque::new(),
            untold: 0,
            lost: 0,
            taken: 0,
            retained: 0,
            ended: None,
            rest: VecDeque::new(),
            waker: None,
            parked_at: None,
        }
    }

    /// Notes what it was given of retained messages, and what of them there was no room for.
    pub(super) fn give(&mut self, given: u64, left: u64) {
        self.taken += given;
        self.retained += given + left;
        self.lost += left;
    }

    /// Where what it is owed begins.
    fn begin(&self, tail: u64) -> u64 {
        self.next.max(tail.saturating_sub(self.capacity))
    }

    /// How many it is owed, and how many are missing before that.
    fn owed(&self, tail: u64) -> (u64, u64) {
        if self.ended.is_some() {
            return (self.rest.len() as u64, 0);
        }
        let begin = self.begin(tail);
        let before = self.skips.iter().take_while(|skip| **skip < begin).count() as u64;
        let after = self.skips.len() as u64 - before;
        (tail - begin - after, begin - self.next - before)
    }

    /// Tells whether it has ended and taken everything it was owed.
    pub(super) fn is_finished(&self) -> bool {
        self.ended.is_some() && self.untold == 0 && self.rest.is_empty()
    }

    /// Tells whether there is more to it than to take what comes next.
    #[inline]
    fn is_unusual(&self, tail: u64) -> bool {
        self.untold > 0
            || self.ended.is_some()
            || !self.skips.is_empty()
            || tail - self.next > self.capacity
    }

    /// Passes the next slot; tells whether it is one for it.
    #[inline]
    fn pass(&mut self) -> bool {
        let skipped = self.skips.front() == Some(&self.next);
        if skipped {
            self.skips.pop_front();
        }
        self.next += 1;
        !skipped
    }

    fn miss(&mut self, count: u64) {
        self.untold += count;
        self.lost += count;
    }
}

impl<M> State<M> {
    /// Has a reader pass what it is not owed any more, and counts that as missing.
    #[inline]
    fn advance(&mut self, place: usize) {
        let tail = self.tail();
        let Some(Some(reader)) = self.readers.get_mut(place) else {
            return;
        };
        if reader.ended.is_some() {
            // What has come since is none of its: it holds no slot that it could pass.
            return;
        }
        let begin = reader.begin(tail);
        while reader.next < begin {
            if reader.skips.is_empty() && reader.next < self.first {
                // What has left needs no look at each.
                let to = begin.min(self.first);
                reader.miss(to - reader.next);
                reader.next = to;
                continue;
            }
            let number = reader.next;
            if reader.pass() {
                reader.miss(1);
                if let Some(slot) = self.slots.get_mut(at(self.first, number)) {
                    slot.readers -= 1;
                }
            }
        }
    }

    /// Has a reader not get the slot that comes next. Returns what nobody is owed any more.
    pub(super) fn skip(&mut self, place: usize) -> Vec<Message<M>> {
        // What it has missed goes first, so that there are never more skips than it has room.
        self.advance(place);
        let tail = self.tail();
        if let Some(Some(reader)) = self.readers.get_mut(place) {
            reader.skips.push_back(tail);
        }
        let mut left_over = Vec::new();
        self.drop_read(&mut left_over);
        left_over
    }

    /// Takes what is next. What nobody is owed any more is put into `left_over`, to be dropped after the lock.
    #[inline]
    pub(super) fn take(
        &mut self,
        place: usize,
        hand: &mut VecDeque<Message<M>>,
        left_over: &mut Vec<Message<M>>,
    ) -> Found<M> {
        let tail = self.tail();
        let Some(Some(reader)) = self.readers.get_mut(place) else {
            return Found::End;
        };
        if reader.is_unusual(tail) {
            return self.take_slowly(place, left_over);
        }
        let end = tail.min(reader.next + reader.at_once);
        if reader.next == end {
            return Found::Nothing;
        }
        let mut place = at(self.first, reader.next);
        reader.taken += end - reader.next;
        let count = end - reader.next;
        reader.next = end;
        let mut found = Found::Nothing;
        for _ in 0..count {
            // It is owed every slot from there on, so none of them is without a reader. The last reader of the oldest takes the message
            // itself.
            let is_last = place == 0 && self.slots.front().is_some_and(|slot| slot.readers == 1);
            let message = if is_last {
                self.first += 1;
                self.slots.pop_front().map(|slot| slot.message)
            } else {
                let slot = self.slots.get_mut(place);
                place += 1;
                slot.map(|slot| {
                    slot.readers -= 1;
                    slot.message.clone()
                })
            };
            if let Some(message) = message {
                match found {
                    Found::Nothing => found = Found::Message(message),
                    _ => hand.push_back(message),
                }
            }
        }
        found
    }

    /// The same for one that has something missing, something to skip, or an end.
    #[cold]
    fn take_slowly(&mut self, place: usize, left_over: &mut Vec<Message<M>>) -> Found<M> {
        self.advance(place);
        let tail = self.tail();
        let Some(Some(reader)) = self.readers.get_mut(place) else {
            return Found::End;
        };
        let mut found = Found::Nothing;
        let untold = std::mem::take(&mut reader.untold);
        if untold > 0 {
            found = Found::Lost(untold);
        } else if reader.ended.is_some() {
            found = match reader.rest.pop_front() {
                Some(message) => Found::Message(message),
                None => Found::End,
            };
        } else {
            while reader.next < tail {
                let number = reader.next;
                if reader.pass()
                    && let Some(slot) = self.slots.get_mut(at(self.first, number))
                {
                    slot.readers -= 1;
                    found = Found::Message(slot.message.clone());
                    break;
                }
            }
        }
        reader.taken += u64::from(matches!(found, Found::Message(_)));
        self.drop_read(left_over);
        found
    }

    /// Ends a reader: it takes along what it is owed. Returns its waker, and what nobody is owed any more.
    pub(super) fn end(&mut self, place: usize, end: Ended) -> (Option<Waker>, Vec<Message<M>>) {
        if !self.is_live(place) {
            return (None, Vec::new());
        }
        self.advance(place);
        let tail = self.tail();
        if let Some(Some(reader)) = self.readers.get_mut(place) {
            while reader.next < tail {
                let number = reader.next;
                if reader.pass()
                    && let Some(slot) = self.slots.get_mut(at(self.first, number))
                {
                    slot.readers -= 1;
                    reader.rest.push_back(slot.message.clone());
                }
            }
            reader.ended = Some(end);
            self.live -= 1;
            if let Some(count) = self.capacities.get_mut(&reader.capacity) {
                *count -= 1;
                if *count == 0 {
                    self.capacities.remove(&reader.capacity);
                }
            }
            self.most = self
                .capacities
                .last_key_value()
                .map_or(0, |(most, _)| *most);
        }
        let mut left_over = Vec::new();
        self.drop_read(&mut left_over);
        while let Some(message) = self.trim() {
            left_over.push(message);
        }
        if self.slots.is_empty() {
            self.slots = VecDeque::new();
        }
        (self.unpark(place), left_over)
    }

    pub(super) fn tally(&self, place: usize) -> Tally {
        let Some(reader) = self.reader(place) else {
            return Tally::default();
        };
        let (owed, missing) = reader.owed(self.tail());
        let received = reader.subscriber.received();
        Tally {
            received,
            retained: reader.retained,
            displaced: reader.lost + missing,
            queued: reader.taken - received + owed,
            ..Tally::default()
        }
    }

    /// Takes out the oldest slots that nobody is owed any more.
    #[inline]
    fn drop_read(&mut self, left_over: &mut Vec<Message<M>>) {
        while self.slots.front().is_some_and(|slot| slot.readers == 0) {
            self.first += 1;
            left_over.extend(self.slots.pop_front().map(|slot| slot.message));
        }
    }
}

/// Where a slot is; beyond all of them if it has left.
fn at(first: u64, number: u64) -> usize {
    number
        .checked_sub(first)
        .and_then(|at| usize::try_from(at).ok())
        .unwrap_or(usize::MAX)
}
