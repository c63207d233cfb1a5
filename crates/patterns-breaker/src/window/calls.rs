//! A window over the last so many outcomes: a ring, and the sums of what is in it.

use super::Tally;

const FAILED: u8 = 1;
const SLOW: u8 = 2;

/// The last `size` outcomes. Their memory, a byte each, comes as they do.
#[derive(Debug)]
pub(crate) struct Calls {
    size: usize,
    ring: Vec<u8>,
    /// Where the oldest is, once the ring is full.
    next: usize,
    tally: Tally,
}

impl Calls {
    pub(super) fn new(size: u32) -> Self {
        Self {
            size: size as usize,
            ring: Vec::new(),
            next: 0,
            tally: Tally::default(),
        }
    }

    pub(super) fn push(&mut self, failed: bool, slow: bool) {
        let comes = (u8::from(failed) * FAILED) | (u8::from(slow) * SLOW);
        if self.ring.len() < self.size {
            self.ring.push(comes);
        } else {
            let goes = std::mem::replace(&mut self.ring[self.next], comes);
            self.tally
                .subtract(Tally::one(goes & FAILED != 0, goes & SLOW != 0));
            self.next += 1;
            if self.next == self.size {
                self.next = 0;
            }
        }
        self.tally.add(Tally::one(failed, slow));
    }

    pub(super) const fn tally(&self) -> Tally {
        self.tally
    }

    pub(super) fn clear(&mut self) {
        self.ring.clear();
        self.next = 0;
        self.tally = Tally::default();
    }
}
