//! Receiving: by tasks, threads and streams.

use std::task::Context;
use std::thread;

use futures_util::task::noop_waker_ref;
use futures_util::{FutureExt, StreamExt};
use patterns_pubsub::{Ended, Event, Message, Overflow, PubSub, PubSubConfig};
use testing::settle;

use crate::support::{Got, assert_adds_up, drain, numbers, received, short, with};

#[test]
fn a_message_comes_with_its_topic() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("orders.*").unwrap();
    assert_eq!(pubsub.publish("orders.created", 7), Ok(1));
    let message = subscription
        .try_recv()
        .and_then(Event::into_message)
        .unwrap();
    assert_eq!((message.topic(), *message.payload()), ("orders.created", 7));
}

#[test]
fn nobody_gets_what_nobody_subscribed_to() {
    let pubsub = numbers();
    assert_eq!(pubsub.publish("orders", 1), Ok(0));
    let mut other = pubsub.subscribe("payments").unwrap();
    assert_eq!(pubsub.publish("orders", 2), Ok(0));
    assert_eq!(other.try_recv(), None);
}

#[test]
fn two_subscriptions_to_one_topic_are_two() {
    let pubsub = numbers();
    let mut one = pubsub.subscribe("orders").unwrap();
    let mut other = pubsub.subscribe("orders").unwrap();
    assert_eq!(pubsub.publish("orders", 1), Ok(2));
    assert_eq!(
        (received(&mut one), received(&mut other)),
        (vec![1], vec![1])
    );
}

#[test]
fn what_was_published_before_does_not_come() {
    let pubsub = numbers();
    let first = pubsub.subscribe("orders").unwrap();
    pubsub.publish("orders", 1).unwrap();
    let mut late = pubsub.subscribe("orders").unwrap();
    pubsub.publish("orders", 2).unwrap();
    assert_eq!(received(&mut late), [2]);
    assert_eq!(first.len(), 2);
}

#[tokio::test]
async fn who_waits_is_woken() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("orders").unwrap();
    let waits = tokio::spawn(async move { subscription.recv().await.map(short) });
    settle().await;
    pubsub.publish("orders", 7).unwrap();
    assert_eq!(waits.await.unwrap(), Some(Got::Number(7)));
}

#[tokio::test]
async fn who_polls_last_is_woken() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("orders").unwrap();
    // Once by this task, then by another.
    assert!(
        subscription
            .poll_recv(&mut Context::from_waker(noop_waker_ref()))
            .is_pending()
    );
    let waits = tokio::spawn(async move { subscription.recv().await.map(short) });
    settle().await;
    pubsub.publish("orders", 7).unwrap();
    assert_eq!(waits.await.unwrap(), Some(Got::Number(7)));
}

#[test]
fn a_plain_thread_waits_too() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("orders").unwrap();
    let waits = thread::spawn(move || {
        let mut sum = 0;
        while let Some(Event::Message(number)) = subscription.recv_blocking() {
            sum += *number;
        }
        sum
    });
    for number in 1..=100 {
        pubsub.publish("orders", number).unwrap();
    }
    drop(pubsub);
    assert_eq!(waits.join().unwrap(), 5_050);
}

#[tokio::test]
async fn it_is_a_stream() {
    let pubsub = numbers();
    let subscription = pubsub.subscribe("orders").unwrap();
    for number in 1..=3 {
        pubsub.publish("orders", number).unwrap();
    }
    drop(pubsub);
    let all: Vec<Got> = subscription.map(short).collect().await;
    assert_eq!(all, [1, 2, 3].map(Got::Number));
}

#[tokio::test]
async fn messages_alone_can_be_received() {
    let pubsub = numbers();
    let options = with(2, Overflow::DropOldest);
    let mut subscription = pubsub.subscribe_with("orders", options).unwrap();
    for number in 1..=5 {
        pubsub.publish("orders", number).unwrap();
    }
    assert_eq!(
        subscription.recv_message().await.map(|number| *number),
        Some(4)
    );
    assert_eq!(subscription.lost(), 3);
    drop(pubsub);
    assert_eq!(
        subscription.recv_message().await.map(|number| *number),
        Some(5)
    );
    assert_eq!(subscription.recv_message().await, None);
}

#[test]
fn nothing_is_delivered_after_unsubscribe_returned() {
    let pubsub = numbers();
    let mut stays = pubsub.subscribe("orders").unwrap();
    let goes = pubsub.subscribe("orders").unwrap();
    let wild = pubsub.subscribe("*").unwrap();
    assert_eq!(pubsub.publish("orders", 1), Ok(3));
    goes.unsubscribe();
    assert_eq!(pubsub.publish("orders", 2), Ok(2));
    drop(wild);
    assert_eq!(pubsub.publish("orders", 3), Ok(1));
    assert_eq!(received(&mut stays), [1, 2, 3]);
}

#[test]
fn another_ones_subscription_can_be_ended() {
    let policies = [
        ("orders", Overflow::DropOldest),
        ("*", Overflow::DropOldest),
        ("orders", Overflow::DropNewest),
        ("*", Overflow::Disconnect),
    ];
    for (pattern, overflow) in policies {
        let pubsub = numbers();
        let options = with(9, overflow);
        let mut subscription = pubsub.subscribe_with(pattern, options.clone()).unwrap();
        let other = pubsub.subscribe_with(pattern, options).unwrap();
        pubsub.publish("orders", 1).unwrap();
        let info = subscription.info();
        assert!(pubsub.unsubscribe(&info));
        assert!(!pubsub.unsubscribe(&info));
        assert_eq!(pubsub.publish("orders", 2), Ok(1));
        assert_eq!(subscription.ended(), Some(Ended::Removed));
        // What it had accepted is its own.
        assert_eq!(
            subscription.recv().now_or_never().unwrap().map(short),
            Some(Got::Number(1))
        );
        assert_eq!(subscription.recv().now_or_never(), Some(None));
        assert_eq!((other.len(), other.ended()), (2, None));
    }
}

#[test]
fn a_payload_need_not_be_clone() {
    struct Big(#[expect(dead_code, reason = "it is big")] [u64; 64]);
    let pubsub: PubSub<Big> = PubSub::new(PubSubConfig::default()).unwrap();
    let mut one = pubsub.subscribe("big").unwrap();
    let mut other = pubsub.subscribe("big").unwrap();
    pubsub.publish("big", Big([0; 64])).unwrap();
    let first = one.try_recv().and_then(Event::into_message).unwrap();
    let second = other.try_recv().and_then(Event::into_message).unwrap();
    let shared = first.try_into_payload();
    assert!(shared.is_err(), "the other one has it too");
    drop(shared);
    assert!(second.try_into_payload().is_ok());
}

#[test]
fn a_payload_is_cloned_only_if_it_is_shared() {
    let pubsub: PubSub<Vec<u8>> = PubSub::new(PubSubConfig::default()).unwrap();
    let mut one = pubsub.subscribe("bytes").unwrap();
    pubsub.publish("bytes", vec![1, 2, 3]).unwrap();
    let message = one.try_recv().and_then(Event::into_message).unwrap();
    let other: Message<Vec<u8>> = message.clone();
    let (at, copy) = (other.as_ptr(), message.into_payload());
    assert_ne!(copy.as_ptr(), at);
    let last = other.into_payload();
    assert_eq!(last.as_ptr(), at);
}

#[test]
fn the_state_of_a_subscription_can_be_seen() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("orders.*").unwrap();
    assert!(subscription.is_empty());
    pubsub.publish("orders.eu", 1).unwrap();
    assert_eq!(
        (subscription.len(), subscription.pattern()),
        (1, "orders.*")
    );
    assert_eq!(drain(&mut subscription), [Got::Number(1)]);
    assert_eq!(subscription.ended(), None);
    assert_eq!(
        format!("{subscription:?}"),
        r#"Subscription { id: 1, pattern: "orders.*", .. }"#
    );
}

#[tokio::test]
async fn a_stream_that_waits_says_so() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("orders").unwrap();
    assert!(subscription.next().now_or_never().is_none());
    pubsub.publish("orders", 1).unwrap();
    assert!(subscription.next().now_or_never().is_some());
}

#[test]
fn who_comes_or_goes_between_two_messages_is_seen_at_once() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
        for pattern in ["orders", "*"] {
            let pubsub = numbers();
            let first = pubsub
                .subscribe_with("orders", with(9, Overflow::Disconnect))
                .unwrap();
            assert_eq!(pubsub.publish("orders", 1), Ok(1));
            let second = pubsub
                .subscribe_with(pattern, with(9, overflow.clone()))
                .unwrap();
            assert_eq!(pubsub.publish("orders", 2), Ok(2));
            assert_eq!((first.len(), second.len()), (2, 1));
            drop(second);
            assert_eq!(pubsub.publish("orders", 3), Ok(1));
            drop(first);
            assert_eq!(pubsub.publish("orders", 4), Ok(0));
        }
    }
}

/// It has taken along what it was owed: what the others get later is neither missing for it nor taken from them.
#[test]
fn one_that_was_taken_out_has_no_part_in_what_comes_later() {
    let pubsub = numbers();
    let mut out = pubsub
        .subscribe_with("numbers", with(2, Overflow::DropOldest))
        .unwrap();
    let mut stays = pubsub
        .subscribe_with("numbers", with(100, Overflow::DropOldest))
        .unwrap();
    pubsub.publish("numbers", 0).unwrap();
    assert!(pubsub.unsubscribe(&out.info()));
    for number in 1..10 {
        assert_eq!(pubsub.publish("numbers", number), Ok(1));
    }
    assert_eq!(drain(&mut out), [Got::Number(0)]);
    assert_eq!((out.lost(), out.ended()), (0, Some(Ended::Removed)));
    assert_eq!(received(&mut stays), Vec::from_iter(0..10));
    assert_adds_up(&pubsub.stats());
}
