//! The tree beside a naive matcher.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Items, Trie};
use crate::pattern::{is_pattern, is_topic, is_wild, matches};

/// A matcher that knows nothing of trees: patterns as lists of levels, by recursion.
fn naive(pattern: &[&str], topic: &[&str]) -> bool {
    match (pattern, topic) {
        ([], []) => true,
        ([">"], [_, ..]) => true,
        ([first, pattern @ ..], [level, topic @ ..]) => {
            (*first == "*" || first == level) && naive(pattern, topic)
        }
        _ => false,
    }
}

fn level() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("a"), Just("b"), Just("c")]
}

fn pattern() -> impl Strategy<Value = Vec<&'static str>> {
    let levels = vec(prop_oneof![3 => level(), 2 => Just("*")], 0..4);
    let last = prop_oneof![level(), Just("*"), Just(">")];
    (levels, last).prop_map(|(mut levels, last)| {
        levels.push(last);
        levels
    })
}

impl Items for Vec<usize> {
    fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

fn remove(trie: &mut Trie<Vec<usize>>, pattern: &str, item: usize) -> Option<usize> {
    trie.change(pattern, |items| {
        let place = items.iter().position(|other| *other == item)?;
        Some(items.swap_remove(place))
    })
    .flatten()
}

fn found(trie: &Trie<Vec<usize>>, topic: &str) -> Vec<usize> {
    let mut found = Vec::new();
    trie.matching(topic, |some| found.extend_from_slice(some));
    found.sort_unstable();
    found
}

proptest! {
    #[test]
    fn one_pattern_matches_as_the_naive_matcher_says(pattern in pattern(), topic in vec(level(), 1..6)) {
        let wanted = naive(&pattern, &topic);
        let (pattern, topic) = (pattern.join("."), topic.join("."));
        prop_assert!(is_pattern(&pattern) && is_topic(&topic));
        prop_assert_eq!(is_wild(&pattern), !is_topic(&pattern));
        prop_assert_eq!(matches(&pattern, &topic), wanted);
    }

    #[test]
    fn the_tree_finds_what_the_naive_matcher_finds(
        patterns in vec(pattern(), 0..40),
        gone in vec(any::<prop::sample::Index>(), 0..40),
        topics in vec(vec(level(), 1..6), 1..10),
    ) {
        let texts: Vec<String> = patterns.iter().map(|levels| levels.join(".")).collect();
        let mut trie = Trie::<Vec<usize>>::new();
        for (item, text) in texts.iter().enumerate() {
            trie.entry(text).push(item);
        }
        let mut there: Vec<usize> = (0..texts.len()).collect();
        for index in gone {
            if there.is_empty() {
                break;
            }
            let item = there.swap_remove(index.index(there.len()));
            prop_assert_eq!(remove(&mut trie, &texts[item], item), Some(item));
        }
        there.sort_unstable();
        for topic in topics {
            let wanted: Vec<usize> =
                there.iter().copied().filter(|item| naive(&patterns[*item], &topic)).collect();
            prop_assert_eq!(found(&trie, &topic.join(".")), wanted);
        }
        for (item, text) in texts.iter().enumerate() {
            let is_there = trie.at(text).is_some_and(|items| items.contains(&item));
            prop_assert_eq!(is_there, there.contains(&item));
        }
        let mut all = Vec::new();
        trie.for_each(|items| all.extend_from_slice(items));
        all.sort_unstable();
        prop_assert_eq!(&all, &there);
        prop_assert_eq!(trie.is_empty(), there.is_empty());
        for item in there {
            remove(&mut trie, &texts[item], item);
        }
        prop_assert_eq!((trie.nodes(), trie.is_empty()), (0, true));
    }
}

#[test]
fn what_is_not_there_is_not_changed() {
    let mut trie = Trie::<Vec<usize>>::new();
    trie.entry("a.*").push(1);
    for pattern in ["a", "*", "a.>", "a.*.b", "b.*", ">"] {
        assert_eq!(remove(&mut trie, pattern, 1), None);
        assert!(trie.at(pattern).is_none_or(Vec::is_empty));
    }
    assert_eq!(remove(&mut trie, "a.*", 2), None);
    assert_eq!(trie.nodes(), 2);
    assert_eq!(remove(&mut trie, "a.*", 1), Some(1));
    assert_eq!(trie.nodes(), 0);
}
