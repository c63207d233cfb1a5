//! What the fast paths of a breaker look at: one number of 64 bits.

/// What a breaker is at, in one number: two bits for what to do, 42 for the generation, and 20 for the failures in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

/// What is to be done with a call or an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    /// Closed, and the failures in a row are all that counts: they are in the word, and nobody takes the lock.
    Counting,
    /// Closed with a window: calls go through, outcomes are recorded under the lock.
    Windowed,
    /// Open or isolated: calls are rejected while it is not yet time.
    Open,
    /// Everything else: ask the machine, under the lock.
    Locked,
}

const TAG: u32 = 62;
const GENERATION: u32 = 20;
const FAILURES: u64 = (1 << GENERATION) - 1;
/// As many generations as there are before they begin anew.
const GENERATIONS: u64 = 1 << (TAG - GENERATION);

/// The highest threshold that can be counted to.
pub(crate) const MOST_FAILURES: u32 = 1_000_000;

impl Word {
    pub(crate) const fn new(tag: Tag, generation: u64, failures: u32) -> Self {
        let tag = (tag as u64) << TAG;
        let generation = (generation % GENERATIONS) << GENERATION;
        // A window may leave the row of failures without a bound. More than these are as many as these.
        let failures = failures as u64;
        let failures = if failures < FAILURES {
            failures
        } else {
            FAILURES
        };
        Self(tag | generation | failures)
    }

    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) const fn tag(self) -> Tag {
        match self.0 >> TAG {
            0 => Tag::Counting,
            1 => Tag::Windowed,
            2 => Tag::Open,
            _ => Tag::Locked,
        }
    }

    /// Whether calls go through without a question.
    #[inline]
    pub(crate) const fn is_closed(self) -> bool {
        self.0 >> (TAG + 1) == 0
    }

    #[inline]
    pub(crate) const fn generation(self) -> u64 {
        (self.0 >> GENERATION) & (GENERATIONS - 1)
    }

    #[inline]
    pub(crate) const fn failures(self) -> u32 {
        // It is 20 bits.
        (self.0 & FAILURES) as u32
    }

    /// The same with so many failures.
    #[inline]
    pub(crate) const fn with_failures(self, failures: u32) -> Self {
        Self((self.0 & !FAILURES) | (failures as u64 & FAILURES))
    }
}

/// The generation after this one.
///
/// They begin anew after 4,398,046,511,104 of them. A call of long ago would be taken for one of now if it were under way while
/// exactly so many changes of state were made, each of which takes the lock: at one each 100 ns, without a pause, five days.
pub(crate) const fn next_generation(generation: u64) -> u64 {
    (generation + 1) % GENERATIONS
}
