//! What subscribers get, against models as one would write them down on paper.

use std::sync::Arc;

use patterns_pubsub::{Event, Overflow, Subscription};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::Got::{Disconnected, Lost, Number};
use crate::support::{Got, assert_adds_up, drain, numbers, short, with};

/// One subscriber with a policy, as one would write it down on paper.
struct Model {
    kind: usize,
    capacity: usize,
    waiting: Vec<u64>,
    /// All that was offered while it was there, in order, with whether it is missing, up to where it was handed out.
    offered: Vec<(u64, bool)>,
    read: usize,
    ended: bool,
}

impl Model {
    fn offer(&mut self, number: u64) -> bool {
        if self.ended {
            return false;
        }
        let lose = |number: u64, offered: &mut Vec<(u64, bool)>| {
            let place = offered
                .iter()
                .rposition(|(other, _)| *other == number)
                .unwrap();
            offered[place].1 = true;
        };
        self.offered.push((number, false));
        if self.waiting.len() == self.capacity {
            if self.kind == 0 {
                let oldest = self.waiting.remove(0);
                lose(oldest, &mut self.offered);
            } else {
                lose(number, &mut self.offered);
                self.ended = self.kind == 2;
                return false;
            }
        }
        self.waiting.push(number);
        true
    }

    fn receive(&mut self) -> Option<Got> {
        let lost = self.offered[self.read..]
            .iter()
            .take_while(|(_, missing)| *missing)
            .count();
        if lost > 0 {
            self.read += lost;
            return Some(Lost(lost as u64));
        }
        let (number, _) = *self.offered.get(self.read)?;
        self.read += 1;
        self.waiting.remove(0);
        Some(Number(number))
    }
}

fn policy(kind: usize) -> Overflow<u64> {
    match kind {
        0 => Overflow::DropOldest,
        1 => Overflow::DropNewest,
        _ => Overflow::Disconnect,
    }
}

#[derive(Debug, Clone, Copy)]
enum Deed {
    Publish,
    Receive(usize),
    TakeOut(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        8 => Just(Deed::Publish),
        8 => (0_usize..6).prop_map(Deed::Receive),
        1 => (0_usize..6).prop_map(Deed::TakeOut),
    ]
}

proptest! {
    #[test]
    fn several_subscribers_are_served_as_by_the_book(
        subscribers in vec((0_usize..3, 1_usize..5, any::<bool>()), 1..6),
        deeds in vec(deed(), 0..120),
    ) {
        let pubsub = numbers();
        let mut pairs: Vec<_> = subscribers
            .into_iter()
            .map(|(kind, capacity, wild)| {
                let pattern = if wild { "numbers.*" } else { "numbers.one" };
                let model = Model {
                    kind, capacity, waiting: Vec::new(), offered: Vec::new(), read: 0, ended: false,
                };
                (pubsub.subscribe_with(pattern, with(capacity, policy(kind))).unwrap(), model)
            })
            .collect();
        let mut told = 0;
        for (number, deed) in deeds.into_iter().enumerate() {
            match deed {
                Deed::Publish => {
                    let number = number as u64;
                    let wanted = pairs.iter_mut().filter_map(|(_, model)| model.offer(number).then_some(())).count();
                    told += wanted as u64;
                    prop_assert_eq!(pubsub.publish("numbers.one", number), Ok(wanted));
                }
                Deed::TakeOut(who) => {
                    let place = who % pairs.len();
                    let (subscription, model) = &mut pairs[place];
                    let is_first = !std::mem::replace(&mut model.ended, true);
                    prop_assert_eq!(pubsub.unsubscribe(&subscription.info()), is_first);
                }
                Deed::Receive(who) => {
                    let place = who % pairs.len();
                    let (subscription, model) = &mut pairs[place];
                    let got = subscription.try_recv().filter(|event| *event != Event::Disconnected);
                    prop_assert_eq!(got.map(short), model.receive());
                    prop_assert_eq!(subscription.len(), model.waiting.len());
                }
            }
        }
        let stats = pubsub.stats();
        prop_assert_eq!(stats.delivered, told);
        assert_adds_up(&stats);
        for (mut subscription, mut model) in pairs {
            let got = drain(&mut subscription).into_iter().filter(|got| *got != Disconnected);
            let wanted: Vec<Got> = std::iter::from_fn(|| model.receive()).collect();
            prop_assert_eq!(got.collect::<Vec<_>>(), wanted);
        }
        let stats = pubsub.stats();
        prop_assert_eq!((stats.waiting, stats.discarded, stats.subscribers), (0, 0, 0));
        prop_assert_eq!(stats.delivered, told);
        assert_adds_up(&stats);
    }
}

/// Matches by regular expression, as it were: each level stands for itself, for one, or for some.
fn naive(pattern: &str, topic: &str) -> bool {
    let (pattern, topic): (Vec<_>, Vec<_>) =
        (pattern.split('.').collect(), topic.split('.').collect());
    let rest = pattern.last() == Some(&">");
    let fixed = pattern.len() - usize::from(rest);
    let fits = if rest {
        topic.len() > fixed
    } else {
        topic.len() == fixed
    };
    fits && pattern[..fixed]
        .iter()
        .zip(&topic)
        .all(|(wanted, level)| *wanted == "*" || wanted == level)
}

fn levels(level: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(prop::sample::select(level), 1..5).prop_map(|levels| levels.join("."))
}

proptest! {
    #[test]
    fn subscribers_get_what_a_naive_matcher_says(
        patterns in vec((levels(&["a", "b", "*"]), any::<bool>()), 1..30),
        topics in vec(levels(&["a", "b", "c"]), 1..10),
        keep in vec(any::<bool>(), 30),
    ) {
        let pubsub = numbers();
        let all: Vec<_> = patterns
            .into_iter()
            .map(|(pattern, rest)| if rest { format!("{pattern}.>") } else { pattern })
            .map(|pattern| pubsub.subscribe(&pattern).unwrap())
            .collect();
        let kept: Vec<_> = all.into_iter().zip(&keep).filter(|(_, keep)| **keep).map(|(kept, _)| kept).collect();
        for (number, topic) in topics.iter().enumerate() {
            let before: Vec<usize> = kept.iter().map(Subscription::len).collect();
            let mut wanted = 0;
            let accepted = pubsub.publish(topic, number as u64).unwrap();
            for (subscription, before) in kept.iter().zip(before) {
                let is_match = naive(subscription.pattern(), topic);
                wanted += usize::from(is_match);
                prop_assert_eq!(subscription.len() - before, usize::from(is_match));
            }
            prop_assert_eq!(accepted, wanted);
            prop_assert_eq!(pubsub.subscribers(topic).len(), wanted);
        }
        let mut patterns: Vec<Arc<str>> = kept.iter().map(|subscription| subscription.pattern().into()).collect();
        patterns.sort_unstable();
        patterns.dedup();
        prop_assert_eq!(pubsub.topics(), patterns);
    }
}
