//! What the tests of Phoenix's pub/sub ask for, as far as it is about one node.

use patterns_pubsub::{Event, PubSub, PubSubConfig};

use crate::support::{Keeper, Msg, numbers, received};

#[test]
fn unsubscribe_of_an_unknown_topic_does_nothing() {
    let pubsub = numbers();
    let (server, _inbox) = otp_core::inbox::<u64>();
    assert!(!pubsub.unsubscribe_server("unknown", &server));
    assert_eq!(pubsub.unsubscribe_server_from_all(&server), 0);
}

#[test]
fn broadcast_reaches_all_of_that_topic_only() {
    let pubsub = numbers();
    let mut all = ["a", "a", "b"].map(|topic| pubsub.subscribe(topic).unwrap());
    assert_eq!(pubsub.publish("a", 1), Ok(2));
    assert_eq!(all.each_mut().map(received), [vec![1], vec![1], vec![]]);
}

#[test]
fn broadcast_from_skips_the_sender() {
    let pubsub = numbers();
    let mut all = ["a", "a", "*"].map(|topic| pubsub.subscribe(topic).unwrap());
    assert_eq!(pubsub.publish_from(&all[0], "a", 1), Ok(2));
    assert_eq!(pubsub.publish_from(&all[2], "a", 2), Ok(2));
    assert_eq!(all.each_mut().map(received), [vec![2], vec![1, 2], vec![1]]);
}

#[test]
fn subscribing_twice_delivers_twice_to_queues() {
    let pubsub = numbers();
    let (one, other) = (
        pubsub.subscribe("a").unwrap(),
        pubsub.subscribe("a").unwrap(),
    );
    assert_eq!(pubsub.publish("a", 1), Ok(2));
    assert_eq!((one.len(), other.len()), (1, 1));
}

#[tokio::test]
async fn a_process_subscribes_once() {
    let pubsub: PubSub<u64> = PubSub::start(PubSubConfig::default()).await.unwrap();
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    assert_eq!(
        pubsub.subscribe_server("a", &keeper, Msg::Message),
        Ok(true)
    );
    assert_eq!(
        pubsub.subscribe_server("a", &keeper, Msg::Message),
        Ok(false)
    );
    assert_eq!(pubsub.publish("a", 1), Ok(1));
    assert_eq!(keeper.call(Msg::Seen).await.unwrap().0.len(), 1);
    assert!(pubsub.unsubscribe_server("a", &keeper));
    assert_eq!(
        pubsub.subscribe_server("a", &keeper, Msg::Message),
        Ok(true),
        "and can come back"
    );
}

/// Its dispatcher module is the closure that makes the server's message.
#[test]
fn custom_dispatch() {
    let pubsub = numbers();
    let (server, mut inbox) = otp_core::inbox::<String>();
    let map = |message: patterns_pubsub::Message<u64>| format!("{}={}", message.topic(), *message);
    pubsub.subscribe_server("a.*", &server, map).unwrap();
    pubsub.publish("a.b", 7).unwrap();
    assert_eq!(inbox.try_recv().as_deref(), Some("a.b=7"));
}

#[test]
fn one_that_was_in_two_topics_stays_in_the_other() {
    let pubsub = numbers();
    let (server, mut inbox) = otp_core::inbox::<Event<u64>>();
    for topic in ["a", "b"] {
        pubsub
            .subscribe_server_with(topic, &server, Default::default(), |event| event)
            .unwrap();
    }
    assert!(pubsub.unsubscribe_server("a", &server));
    assert_eq!(
        (pubsub.publish("a", 1), pubsub.publish("b", 2)),
        (Ok(0), Ok(1))
    );
    assert!(inbox.try_recv().is_some() && inbox.try_recv().is_none());
}
