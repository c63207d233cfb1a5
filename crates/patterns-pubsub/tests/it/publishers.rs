//! Handles for one topic.

use patterns_pubsub::PublishError;

use crate::support::{numbers, received};

#[test]
fn it_sees_every_change_at_once() {
    let pubsub = numbers();
    let mut publisher = pubsub.publisher("a.b").unwrap();
    assert_eq!(publisher.topic(), "a.b");
    assert_eq!(publisher.publish(0), Ok(0));
    let mut exact = pubsub.subscribe("a.b").unwrap();
    assert_eq!(publisher.publish(1), Ok(1));
    let mut wild = pubsub.subscribe("a.*").unwrap();
    assert_eq!(publisher.publish(2), Ok(2));
    let other = pubsub.subscribe("b.*").unwrap();
    assert_eq!(publisher.publish(3), Ok(2));
    assert_eq!(received(&mut exact), [1, 2, 3]);
    drop(exact);
    assert_eq!(publisher.publish(4), Ok(1));
    assert_eq!(received(&mut wild), [2, 3, 4]);
    drop((wild, other));
    assert_eq!(publisher.publish(5), Ok(0));
    let again = pubsub.subscribe("a.b").unwrap();
    assert_eq!((publisher.publish(6), again.len()), (Ok(1), 1));
}

#[test]
fn a_clone_is_one_of_its_own() {
    let pubsub = numbers();
    let mut one = pubsub.publisher("a").unwrap();
    let subscription = pubsub.subscribe("a").unwrap();
    one.publish(1).unwrap();
    let mut other = one.clone();
    drop(one);
    assert_eq!((other.publish(2), subscription.len()), (Ok(1), 2));
    assert_eq!(pubsub.info().entries, 1);
    drop(subscription);
    assert_eq!(pubsub.info().entries, 1);
    assert_eq!(format!("{other:?}"), r#"Publisher { topic: "a", .. }"#);
    drop(other);
    assert_eq!(pubsub.info().entries, 0);
}

#[test]
fn a_pattern_is_no_topic_to_publish_to() {
    let pubsub = numbers();
    for topic in ["", "a.*", ">", "a..b"] {
        assert!(matches!(
            pubsub.publisher(topic),
            Err(PublishError::BadTopic { .. })
        ));
    }
    assert_eq!(pubsub.info().entries, 0);
}
