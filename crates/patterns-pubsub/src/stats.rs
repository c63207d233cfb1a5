//! What a pub/sub counts.

/// What a [`PubSub`](crate::PubSub) has counted from its start on, over all subscribers, those that are gone too.
///
/// They add up: `delivered + retained + refused = received + lost + waiting + discarded`. Each subscriber's counts are read at one moment, those of
/// different ones one after the other. So while others publish they may be some messages apart, and one that is just going may be left out, or counted twice;
/// without that they are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PubSubStats {
    /// How many subscribers there are.
    pub subscribers: usize,
    /// How many subscribers there have been.
    pub subscribed: u64,
    /// How many messages subscribers have accepted: the sum of what the calls of `publish` returned.
    pub delivered: u64,
    /// How many retained messages were given to those who subscribed after them, which no call of `publish` has returned.
    pub retained: u64,
    /// How many messages subscribers had no room for. They are among `lost`.
    pub refused: u64,
    /// How many messages subscribers have taken out of their queues; for servers, how many are in their mailboxes or were there.
    pub received: u64,
    /// How many messages are missing for subscribers that were too slow: refused ones, and those that had to make room. Subscribers
    /// were told, or will be when they get to that place.
    pub lost: u64,
    /// How many messages wait.
    pub waiting: usize,
    /// How many messages were thrown away with subscriptions that were dropped while those waited.
    pub discarded: u64,
}

/// The counts of one subscriber.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    pub(crate) received: u64,
    /// How many of those that were accepted had been retained.
    pub(crate) retained: u64,
    pub(crate) displaced: u64,
    pub(crate) refused: u64,
    pub(crate) discarded: u64,
    pub(crate) queued: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.retained += other.retained;
        self.displaced += other.displaced;
        self.refused += other.refused;
        self.discarded += other.discarded;
        self.queued += other.queued;
    }

    /// How many are missing.
    pub(crate) const fn lost(&self) -> u64 {
        self.displaced + self.refused
    }

    /// How many were accepted from those who published: each was received or displaced, or waits, or was thrown away.
    pub(crate) const fn delivered(&self) -> u64 {
        let accepted = self.received + self.displaced + self.queued + self.discarded;
        accepted.saturating_sub(self.retained)
    }
}
