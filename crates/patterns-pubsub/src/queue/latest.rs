//! A queue in which at most one item waits for each key, the latest.
//!
//! Invariants:
//! 1. The index has the number of exactly those slots that have an item with a key. The slot at the front has
//!    number `first`.
//! 2. An emptied slot stays, as the place of a gap, until the front gets to it or most slots are empty.

use std::collections::VecDeque;
use std::mem;

use hashbrown::HashMap;

use super::{Popped, Pushed};
use crate::LatestKey;

/// So many slots may be empty before anybody cleans up.
const EMPTY: usize = 32;

#[derive(Debug)]
pub(crate) struct Latest<T> {
    slots: VecDeque<Slot<T>>,
    index: HashMap<LatestKey, u64>,
    first: u64,
    live: usize,
    /// How many are missing after the last slot.
    lost: u64,
    capacity: usize,
}

#[derive(Debug)]
struct Slot<T> {
    /// How many are missing right before it, or in its own place.
    lost: u64,
    item: Option<(Option<LatestKey>, T)>,
}

impl<T> Latest<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            slots: VecDeque::new(),
            index: HashMap::new(),
            first: 0,
            live: 0,
            lost: 0,
            capacity,
        }
    }

    pub(super) fn push(&mut self, item: T, key: Option<LatestKey>) -> Pushed<T> {
        let before = key.as_ref().and_then(|key| self.index.remove(key));
        let displaced = match before {
            Some(number) => self.vacate(number),
            None if self.live >= self.capacity => self.vacate_oldest(),
            None => None,
        };
        if self.live >= self.capacity {
            // Only a queue without any room is full after that.
            self.lost += 1;
            return Pushed::Refused(item);
        }
        if let Some(key) = &key {
            let number = self.first + self.slots.len() as u64;
            self.index.insert(key.clone(), number);
        }
        self.slots.push_back(Slot {
            lost: mem::take(&mut self.lost),
            item: Some((key, item)),
        });
        self.live += 1;
        if self.slots.len() > 2 * self.live + EMPTY {
            self.clean_up();
        }
        displaced.map_or(Pushed::Accepted, Pushed::Displaced)
    }

    pub(super) fn pop(&mut self) -> Option<Popped<T>> {
        let lost = self.skip_empty();
        if lost > 0 {
            return Some(Popped::Lost(lost));
        }
        let slot = self.pop_slot()?;
        let (key, item) = slot.item?;
        if let Some(key) = key {
            self.index.remove(&key);
        }
        self.live -= 1;
        Some(Popped::Item(item))
    }

    pub(super) fn lose(&mut self) {
        self.lost += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn is_exhausted(&self) -> bool {
        // An emptied slot stays as the place of a gap.
        self.slots.is_empty() && self.lost == 0
    }

    pub(super) fn has_room(&self) -> bool {
        self.live < self.capacity
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let items = self.slots.iter().filter_map(|slot| slot.item.as_ref());
        items.map(|(_, item)| item)
    }

    pub(super) fn take(&mut self) -> Vec<T> {
        self.index = HashMap::new();
        (self.live, self.lost, self.first) = (0, 0, 0);
        let items = mem::take(&mut self.slots).into_iter();
        items
            .filter_map(|slot| slot.item)
            .map(|(_, item)| item)
            .collect()
    }

    /// Empties a slot whose key is out of the index already.
    fn vacate(&mut self, number: u64) -> Option<T> {
        let place = usize::try_from(number - self.first).ok()?;
        let slot = self.slots.get_mut(place)?;
        let (_, item) = slot.item.take()?;
        slot.lost += 1;
        self.live -= 1;
        Some(item)
    }

    fn vacate_oldest(&mut self) -> Option<T> {
        let place = self.slots.iter().position(|slot| slot.item.is_some())?;
        if let Some((Some(key), _)) = &self.slots[place].item {
            self.index.remove(key);
        }
        let oldest = self.vacate(self.first + place as u64);
        // They are at the front, so that the next one is found at once.
        let lost = self.skip_empty();
        *self.gap() += lost;
        oldest
    }

    /// Takes the empty slots at the front out, and the gap before the first item; returns how many are missing there.
    fn skip_empty(&mut self) -> u64 {
        let mut lost = 0;
        while self.slots.front().is_some_and(|slot| slot.item.is_none()) {
            lost += self.pop_slot().map_or(0, |slot| slot.lost);
        }
        lost + mem::take(self.gap())
    }

    /// The gap before the first slot, or before the next that comes.
    fn gap(&mut self) -> &mut u64 {
        match self.slots.front_mut() {
            Some(slot) => &mut slot.lost,
            None => &mut self.lost,
        }
    }

    fn pop_slot(&mut self) -> Option<Slot<T>> {
        let slot = self.slots.pop_front()?;
        self.first += 1;
        Some(slot)
    }

    /// Joins each empty slot with the next one. The last one has an item: it has just been put in.
    fn clean_up(&mut self) {
        self.first = 0;
        let mut lost = 0;
        let mut slots = VecDeque::with_capacity(self.live * 2);
        for mut slot in mem::take(&mut self.slots) {
            lost += slot.lost;
            let Some((key, _)) = &slot.item else {
                continue;
            };
            if let Some(number) = key.as_ref().and_then(|key| self.index.get_mut(key)) {
                *number = slots.len() as u64;
            }
            slot.lost = mem::take(&mut lost);
            slots.push_back(slot);
        }
        self.slots = slots;
    }
}
