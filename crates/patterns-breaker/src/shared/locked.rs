//! What is done under the lock of a breaker, and what follows from it once the lock is let go.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Duration;

use otp_core::clock::NEVER;
use otp_core::contained::wake_all;
use otp_core::feed::Feed;

use crate::counters::Counts;
use crate::machine::{Change, End, Machine};
use crate::shared::{Shared, Ticket};
use crate::sync::{Arc, Ordering};
use crate::word::{Tag, Word};
use crate::{Outcome, Transition};

/// What the lock guards.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) machine: Machine,
    /// Where the totals stood when they were reset.
    pub(super) baseline: Counts,
    /// Who is told of changes by way of a queue.
    feeds: Vec<Arc<Feed<Transition>>>,
    /// Who is told of what comes after what is just being done.
    pub(super) coming: Vec<Arc<Feed<Transition>>>,
    /// What the listener was not told yet.
    untold: VecDeque<Transition>,
    /// Whether somebody is telling the listener.
    telling: bool,
}

/// Whom to tell of what was done, once the lock is let go.
#[must_use]
#[derive(Default)]
struct Aftermath {
    wakers: Vec<Waker>,
    tell: bool,
}

impl Inside {
    pub(super) const fn new(machine: Machine) -> Self {
        Self {
            machine,
            baseline: Counts::NONE,
            feeds: Vec::new(),
            coming: Vec::new(),
            untold: VecDeque::new(),
            telling: false,
        }
    }

    /// No change will come any more. Returns whom to wake.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        let feeds = self.feeds.drain(..);
        feeds.filter_map(|feed| feed.close()).collect()
    }
}

impl Shared {
    /// Does something under the lock, which is let go before anybody is told of it.
    pub(super) fn locked<R>(&self, work: impl FnOnce(&mut Inside, u64) -> R) -> R {
        let mut inside = self.inside.lock();
        // Read under the lock, so that time does not go back from one to the next.
        let now = self.clock.now();
        self.freeze(&mut inside.machine);
        let done = work(&mut inside, now);
        let aftermath = self.settle(&mut inside);
        drop(inside);
        self.tell(aftermath);
        done
    }

    /// Takes the end of a call in that matters to the machine.
    #[cold]
    pub(super) fn record(&self, ticket: Ticket, end: End) {
        self.locked(|inside, now| {
            let elapsed = self.elapsed(ticket, now);
            inside.machine.record(ticket.generation, end, elapsed, now);
        });
    }

    /// Takes an outcome into the window, while closed. It reads the clock only if the window needs it, or if the breaker opens.
    pub(super) fn judge(&self, ticket: Ticket, outcome: Outcome) {
        let mut inside = self.inside.lock();
        let machine = &mut inside.machine;
        if machine.generation() != ticket.generation {
            return;
        }
        let now = if self.times_ends {
            machine.advance(self.clock.now())
        } else {
            0
        };
        let elapsed = self.elapsed(ticket, now);
        let Some(cause) = machine.judge(outcome, elapsed, now) else {
            self.publish(machine);
            return;
        };
        let now = machine.advance(self.clock.now());
        machine.open(cause, now);
        let aftermath = self.settle(&mut inside);
        drop(inside);
        self.tell(aftermath);
    }

    /// How long a call has taken, or 0 if that does not matter.
    fn elapsed(&self, ticket: Ticket, now: u64) -> u64 {
        if self.times_calls {
            now.saturating_sub(ticket.begun)
        } else {
            0
        }
    }

    /// From here until the word is published again, who counts failures waits for the lock.
    fn freeze(&self, machine: &mut Machine) {
        if self.word().tag() == Tag::Counting {
            let frozen = Word::new(Tag::Locked, machine.generation(), 0);
            // Nothing is read through the word that is taken, and nothing published by this one.
            let was = self.word.swap(frozen.bits(), Ordering::Relaxed);
            machine.set_failures(Word::from_bits(was).failures());
        }
    }

    /// Makes the word say what the machine is at.
    pub(super) fn publish(&self, machine: &Machine) {
        let word = machine.word();
        if self.word() != word {
            if let Some(until) = machine.until() {
                self.until.store(until, Ordering::Release);
            }
            // Who reads this word reads the `until` of it, or one that is later.
            self.word.store(word.bits(), Ordering::Release);
        }
    }

    /// Publishes what was done, and puts down who is to be told of it.
    fn settle(&self, inside: &mut Inside) -> Aftermath {
        self.publish(&inside.machine);
        let mut aftermath = Aftermath::default();
        let coming = std::mem::take(&mut inside.coming);
        if !coming.is_empty() {
            // One whose receiver is gone holds no waker, so nothing but ours is dropped here.
            inside.feeds.retain(|feed| Arc::strong_count(feed) > 1);
        }
        for change in inside.machine.take_changes() {
            let transition = self.transition(change);
            let wakers = inside
                .feeds
                .iter()
                .filter_map(|feed| feed.push(transition).waker);
            aftermath.wakers.extend(wakers);
            if self.hooks.has_listener() {
                inside.untold.push_back(transition);
            }
        }
        inside.feeds.extend(coming);
        if !inside.untold.is_empty() && !inside.telling {
            inside.telling = true;
            aftermath.tell = true;
        }
        aftermath
    }

    fn transition(&self, change: Change) -> Transition {
        let until = change.until.filter(|until| *until != NEVER);
        Transition {
            from: change.from,
            to: change.to,
            cause: change.cause,
            at: self.clock.instant(change.at),
            open_for: until.map(|until| Duration::from_nanos(until - change.at)),
        }
    }

    /// Tells all who are to be told. Who makes a change while another thread tells the listener leaves it to that one.
    fn tell(&self, aftermath: Aftermath) {
        wake_all(aftermath.wakers);
        if !aftermath.tell {
            return;
        }
        loop {
            let mut inside = self.inside.lock();
            let Some(transition) = inside.untold.pop_front() else {
                inside.telling = false;
                return;
            };
            drop(inside);
            self.hooks.tell(&transition);
        }
    }
}
