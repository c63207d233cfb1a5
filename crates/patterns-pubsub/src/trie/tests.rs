//! The tree beside a naive matcher.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Trie;
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

fn found(trie: &Trie<usize>, topic: &str) -> Vec<usize> {
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
        let mut trie = Trie::new();
        // The place of each item, as whoever holds items must keep it.
        let mut places = vec![usize::MAX; texts.len()];
        for (item, text) in texts.iter().enumerate() {
            trie.add(text, item, |item, place| places[*item] = place);
        }
        let mut there: Vec<usize> = (0..texts.len()).collect();
        for index in gone {
            if there.is_empty() {
                break;
            }
            let item = there.swap_remove(index.index(there.len()));
            let place = places[item];
            let taken = trie.remove(&texts[item], place, &mut |item, place| places[*item] = place);
            prop_assert_eq!(taken, Some(item));
        }
        there.sort_unstable();
        for topic in topics {
            let wanted: Vec<usize> =
                there.iter().copied().filter(|item| naive(&patterns[*item], &topic)).collect();
            prop_assert_eq!(found(&trie, &topic.join(".")), wanted);
        }
        for item in 0..texts.len() {
            prop_assert_eq!(trie.at(&texts[item]).contains(&item), there.contains(&item));
        }
        for item in there {
            let place = places[item];
            trie.remove(&texts[item], place, &mut |item, place| places[*item] = place);
        }
        prop_assert_eq!((trie.nodes(), trie.is_empty()), (0, true));
    }
}

#[test]
fn what_is_not_there_is_not_taken_out() {
    let mut trie = Trie::new();
    trie.add("a.*", 1, |_, _| {});
    for pattern in ["a", "*", "a.>", "a.*.b", "b.*", ">"] {
        assert_eq!(trie.remove(pattern, 0, &mut |_, _| {}), None);
        assert!(trie.at(pattern).is_empty());
    }
    assert_eq!(trie.remove("a.*", 1, &mut |_, _| {}), None);
    assert_eq!(trie.nodes(), 2);
    assert_eq!(trie.remove("a.*", 0, &mut |_, _| {}), Some(1));
    assert_eq!(trie.nodes(), 0);
}
