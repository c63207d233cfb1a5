//! Patterns: what they match, and what is none.

use patterns_pubsub::{PublishError, SubscribeError};

use crate::support::numbers;

#[test]
fn a_star_is_one_level_and_an_arrow_the_rest() {
    let pubsub = numbers();
    let cases = [
        ("orders", "orders", true),
        ("orders", "orders.eu", false),
        ("orders.*", "orders", false),
        ("orders.*", "orders.eu", true),
        ("orders.*", "orders.eu.paid", false),
        ("*.eu", "orders.eu", true),
        ("*.eu", "orders.us", false),
        ("orders.*.paid", "orders.eu.paid", true),
        ("orders.*.paid", "orders.eu.lost", false),
        ("orders.>", "orders", false),
        ("orders.>", "orders.eu", true),
        ("orders.>", "orders.eu.paid.twice", true),
        ("orders.>", "payments.eu", false),
        ("*.*.>", "a.b", false),
        ("*.*.>", "a.b.c", true),
        (">", "a", true),
        (">", "a.b.c", true),
        ("*", "a", true),
        ("*", "a.b", false),
        ("Orders", "orders", false),
    ];
    for (pattern, topic, is_match) in cases {
        let subscription = pubsub.subscribe(pattern).unwrap();
        assert_eq!(
            pubsub.publish(topic, 1),
            Ok(usize::from(is_match)),
            "{pattern} and {topic}"
        );
        assert_eq!(pubsub.subscriber_count(topic), usize::from(is_match));
        drop(subscription);
    }
}

#[test]
fn what_is_no_topic_is_refused() {
    let pubsub = numbers();
    let _all = pubsub.subscribe(">").unwrap();
    let long = "a".repeat(1_025);
    let deep = ["a"; 65].join(".");
    for topic in [
        "", ".", "a.", ".a", "a..b", "*", "a.*", ">", "a.>", "a*", "a.b>c", &long, &deep,
    ] {
        let refused = pubsub.publish(topic, 7);
        assert!(
            matches!(refused, Err(PublishError::BadTopic { payload: 7, .. })),
            "{topic}"
        );
        assert!(pubsub.publish_retained(topic, 7).is_err(), "{topic}");
    }
    assert_eq!(pubsub.publish(&long[1..], 1), Ok(1));
    assert_eq!(pubsub.publish(&deep[2..], 1), Ok(1));
    assert_eq!(pubsub.publish("Bücher und Tee.новый", 1), Ok(1));
}

#[test]
fn what_is_no_pattern_is_refused() {
    let pubsub = numbers();
    let long = "a".repeat(1_025);
    let deep = ["*"; 65].join(".");
    for pattern in [
        "", ".", "a.", ".a", "a..b", "a.>.b", ">.a", "a*", "or*.eu", "a.b>", "**", ">>", &long,
        &deep,
    ] {
        let refused = pubsub.subscribe(pattern).err();
        assert!(
            matches!(refused, Some(SubscribeError::BadPattern { .. })),
            "{pattern}"
        );
    }
    assert!(pubsub.subscribe(&deep[2..]).is_ok());
    assert_eq!(pubsub.info().entries + pubsub.info().nodes, 0);
}
