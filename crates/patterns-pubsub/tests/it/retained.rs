//! Retained messages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use otp_core::inbox;
use patterns_pubsub::{
    Event, Overflow, PubSub, PubSubConfig, SubscribeOptions, SubscribeServerOptions, Subscription,
};

use crate::support::{Got, assert_adds_up, drain, numbers, received, with};

#[test]
fn who_comes_later_gets_the_last_one_first() {
    let pubsub = numbers();
    assert_eq!(pubsub.publish_retained("lamp.a", 1), Ok(0));
    assert_eq!(pubsub.publish_retained("lamp.a", 2), Ok(0));
    assert_eq!(pubsub.publish("lamp.a", 3), Ok(0));
    let mut exact = pubsub.subscribe("lamp.a").unwrap();
    let mut other = pubsub.subscribe("lamp.b").unwrap();
    pubsub.publish("lamp.a", 4).unwrap();
    assert_eq!(
        (received(&mut exact), received(&mut other)),
        (vec![2, 4], vec![])
    );
    assert_adds_up(&pubsub.stats());
    assert_eq!(pubsub.stats().retained, 1);
}

#[test]
fn a_pattern_gets_one_of_each_topic_in_the_order_of_topics() {
    let pubsub = numbers();
    for (topic, number) in [("lamp.b", 1), ("lamp.a", 2), ("fan.a", 3), ("lamp.a.x", 4)] {
        pubsub.publish_retained(topic, number).unwrap();
    }
    assert_eq!(received(&mut pubsub.subscribe("lamp.*").unwrap()), [2, 1]);
    assert_eq!(
        received(&mut pubsub.subscribe("lamp.>").unwrap()),
        [2, 4, 1]
    );
    assert_eq!(received(&mut pubsub.subscribe(">").unwrap()), [3, 2, 4, 1]);
}

#[test]
fn those_who_are_there_get_it_once() {
    let pubsub = numbers();
    let mut before = pubsub.subscribe("lamp").unwrap();
    assert_eq!(pubsub.publish_retained("lamp", 1), Ok(1));
    assert_eq!(received(&mut before), [1]);
    assert_eq!(pubsub.retained("lamp").map(|message| *message), Some(1));
    assert_eq!(
        pubsub.clear_retained("lamp").map(|message| *message),
        Some(1)
    );
    assert_eq!(pubsub.clear_retained("lamp"), None);
    assert!(pubsub.subscribe("lamp").unwrap().is_empty());
}

#[test]
fn who_does_not_want_them_gets_none() {
    let pubsub = numbers();
    pubsub.publish_retained("lamp", 1).unwrap();
    let options = SubscribeOptions {
        retained: false,
        ..SubscribeOptions::default()
    };
    assert!(pubsub.subscribe_with("lamp", options).unwrap().is_empty());
    let (server, mut inbox) = inbox::<Event<u64>>();
    let options = SubscribeServerOptions {
        retained: false,
        ..Default::default()
    };
    pubsub
        .subscribe_server_with("lamp", &server, options, |event| event)
        .unwrap();
    assert!(inbox.try_recv().is_none());
}

#[test]
fn a_server_gets_them_too() {
    let pubsub = numbers();
    pubsub.publish_retained("lamp.a", 1).unwrap();
    pubsub.publish_retained("lamp.b", 2).unwrap();
    let (server, mut inbox) = inbox::<u64>();
    pubsub
        .subscribe_server("lamp.*", &server, |message| *message)
        .unwrap();
    pubsub.publish("lamp.c", 3).unwrap();
    let got: Vec<u64> = std::iter::from_fn(|| inbox.try_recv()).collect();
    assert_eq!(got, [1, 2, 3]);
    // And not again, when nothing is new.
    pubsub
        .subscribe_server("lamp.*", &server, |message| *message)
        .unwrap();
    assert!(inbox.try_recv().is_none());
    assert_eq!((pubsub.stats().retained, pubsub.stats().delivered), (2, 1));
    assert_adds_up(&pubsub.stats());
}

#[test]
fn the_policy_holds_for_them_too() {
    let pubsub = numbers();
    for number in 0..5 {
        pubsub
            .publish_retained(&format!("lamp.{number}"), number)
            .unwrap();
    }
    let got = |overflow| {
        let mut subscription = pubsub.subscribe_with("lamp.*", with(2, overflow)).unwrap();
        let got = drain(&mut subscription);
        drop(subscription);
        assert_adds_up(&pubsub.stats());
        got
    };
    assert_eq!(
        got(Overflow::DropOldest),
        [Got::Lost(3), Got::Number(3), Got::Number(4)]
    );
    assert_eq!(
        got(Overflow::DropNewest),
        [Got::Number(0), Got::Number(1), Got::Lost(3)]
    );
    assert_eq!(got(Overflow::Unbounded).len(), 5);
    assert_eq!(
        got(Overflow::keep_latest(|_| 1_u64)),
        [Got::Lost(4), Got::Number(4)]
    );
    let ended = got(Overflow::Disconnect);
    assert_eq!(ended[..2], [Got::Number(0), Got::Number(1)]);
    assert_eq!(ended.last(), Some(&Got::Disconnected));
}

#[test]
fn a_subscriber_that_comes_while_it_is_published_gets_it_once_and_nothing_older_after() {
    let pubsub: PubSub<u64> = PubSub::new(PubSubConfig::default()).unwrap();
    let done = AtomicBool::new(false);
    let check = |subscription: &mut Subscription<u64>| {
        let got = received(subscription);
        assert!(got.windows(2).all(|pair| pair[1] == pair[0] + 1), "{got:?}");
        got.len()
    };
    thread::scope(|scope| {
        let publishes = scope.spawn(|| {
            for number in 0..20_000 {
                pubsub.publish_retained("lamp.a", number).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        });
        for round in 0.. {
            let overflow = match round % 3 {
                0 => Overflow::Unbounded,
                1 => Overflow::DropOldest,
                _ => Overflow::<u64>::keep_latest(|number| **number),
            };
            let pattern = ["lamp.a", "lamp.*"][round % 2];
            let had_one = pubsub.retained("lamp.a").is_some();
            let mut subscription = pubsub
                .subscribe_with(pattern, with(50_000, overflow))
                .unwrap();
            thread::yield_now();
            assert!(check(&mut subscription) > 0 || !had_one);
            let (server, mut inbox) = inbox::<u64>();
            pubsub
                .subscribe_server(pattern, &server, |message| *message)
                .unwrap();
            thread::yield_now();
            pubsub.unsubscribe_server(pattern, &server);
            let got: Vec<u64> = std::iter::from_fn(|| inbox.try_recv()).collect();
            assert!(got.windows(2).all(|pair| pair[1] == pair[0] + 1), "{got:?}");
            assert!(!got.is_empty() || !had_one);
            if done.load(Ordering::SeqCst) {
                break;
            }
        }
        publishes.join().unwrap();
    });
    assert_adds_up(&pubsub.stats());
}
