//! The subscriber that collects.

use crate::support::{Got, drain, numbers};

#[test]
fn it_collects_in_order_with_topics_and_flushes() {
    let pubsub = numbers();
    let collector = pubsub.collect("orders.>", 100).unwrap();
    pubsub.publish("orders.created", 1).unwrap();
    pubsub.publish("payments", 2).unwrap();
    pubsub.publish("orders.eu.paid", 3).unwrap();
    let seen = |messages: Vec<patterns_pubsub::Message<u64>>| -> Vec<(String, u64)> {
        messages
            .iter()
            .map(|message| (message.topic().to_owned(), **message))
            .collect()
    };
    let wanted = [
        ("orders.created".to_owned(), 1),
        ("orders.eu.paid".to_owned(), 3),
    ];
    assert_eq!(seen(collector.messages()), wanted);
    assert_eq!(seen(collector.messages()), wanted, "to look is not to take");
    assert_eq!(collector.len(), 2);
    assert_eq!(seen(collector.flush()), wanted);
    assert!(
        collector.is_empty() && collector.messages().is_empty() && collector.flush().is_empty()
    );
}

#[test]
fn it_is_bounded_and_keeps_the_latest() {
    let pubsub = numbers();
    let collector = pubsub.collect("numbers", 3).unwrap();
    for number in 1..=5 {
        pubsub.publish("numbers", number).unwrap();
    }
    let kept: Vec<u64> = collector.messages().iter().map(|number| **number).collect();
    assert_eq!(
        (kept, collector.lost(), collector.len()),
        (vec![3, 4, 5], 2, 3)
    );
    assert_eq!(
        format!("{collector:?}"),
        r#"Collector { pattern: "numbers", len: 3, .. }"#
    );
}

#[test]
fn it_goes_on_as_a_subscription() {
    let pubsub = numbers();
    let collector = pubsub.collect("numbers", 3).unwrap();
    pubsub.publish("numbers", 1).unwrap();
    let mut subscription = collector.into_subscription();
    pubsub.publish("numbers", 2).unwrap();
    assert_eq!(drain(&mut subscription), [Got::Number(1), Got::Number(2)]);
}

#[test]
fn it_ends_with_its_drop() {
    let pubsub = numbers();
    drop(pubsub.collect("numbers", 3).unwrap());
    assert_eq!(pubsub.publish("numbers", 1), Ok(0));
}
