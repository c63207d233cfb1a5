//! The end of a pub/sub.

use futures_util::FutureExt;
use otp_core::inbox;
use patterns_pubsub::{
    Ended, Event, Overflow, PubSub, PubSubConfig, PublishError, StopError, SubscribeError,
};
use testing::settle;

use crate::support::{Got, assert_adds_up, drain, numbers, short, with};

async fn started() -> PubSub<u64> {
    PubSub::start(PubSubConfig::default()).await.unwrap()
}

#[tokio::test]
async fn what_was_accepted_before_the_stop_can_be_received() {
    let pubsub = started().await;
    let mut subscription = pubsub.subscribe("numbers").unwrap();
    pubsub.publish("numbers", 1).unwrap();
    pubsub.stop().await.unwrap();
    assert_eq!(subscription.ended(), Some(Ended::Closed));
    assert_eq!(subscription.recv().await.map(short), Some(Got::Number(1)));
    assert_eq!(subscription.recv().await, None);
    assert_eq!(subscription.recv().await, None);
    drop(subscription);
    assert_adds_up(&pubsub.stats());
}

#[tokio::test]
async fn a_stopped_one_refuses_everything() {
    let pubsub = started().await;
    let mut publisher = pubsub.publisher("numbers").unwrap();
    let kept = pubsub.subscribe("numbers").unwrap();
    assert_eq!(publisher.publish(0), Ok(1));
    pubsub.stop().await.unwrap();
    assert!(matches!(pubsub.stop().await, Err(StopError::NoProc)));
    assert_eq!(pubsub.publish("numbers", 1), Err(PublishError::Closed(1)));
    assert_eq!(publisher.publish(2), Err(PublishError::Closed(2)));
    assert_eq!(
        pubsub.publish_retained("numbers", 3),
        Err(PublishError::Closed(3))
    );
    assert_eq!(
        pubsub
            .publish_from(&kept, "numbers", 4)
            .map_err(PublishError::into_payload),
        Err(4)
    );
    assert_eq!(
        pubsub.subscribe("numbers").err(),
        Some(SubscribeError::Closed)
    );
    assert_eq!(pubsub.subscribe("*").err(), Some(SubscribeError::Closed));
    let (server, _inbox) = inbox::<Event<u64>>();
    for pattern in ["numbers", "*"] {
        let refused =
            pubsub.subscribe_server_with(pattern, &server, Default::default(), |event| event);
        assert_eq!(refused, Err(SubscribeError::Closed));
    }
    assert!(pubsub.is_closed() && pubsub.info().closed);
    assert_eq!((pubsub.info().subscribers, pubsub.topics().len()), (0, 0));
    assert_eq!(format!("{pubsub:?}"), "PubSub { closed: true, .. }");
}

#[tokio::test]
async fn who_waits_is_told_of_the_stop() {
    let pubsub = started().await;
    let mut subscription = pubsub.subscribe("numbers").unwrap();
    let waits = tokio::spawn(async move { subscription.recv().await });
    settle().await;
    pubsub.stop().await.unwrap();
    assert_eq!(waits.await.unwrap(), None);
}

#[test]
fn subscriptions_end_with_the_last_handle() {
    let pubsub = numbers();
    let other = pubsub.clone();
    let publisher = pubsub.publisher("numbers").unwrap();
    let mut subscription = pubsub.subscribe("numbers").unwrap();
    drop(pubsub);
    drop(other);
    assert_eq!(
        subscription.recv().now_or_never(),
        None,
        "the publisher is a handle"
    );
    drop(publisher);
    assert_eq!(subscription.recv().now_or_never(), Some(None));
    assert_eq!(subscription.ended(), Some(Ended::Closed));
}

#[tokio::test]
async fn servers_get_nothing_after_the_stop() {
    let pubsub = started().await;
    let (server, mut inbox) = inbox::<u64>();
    pubsub
        .subscribe_server("numbers", &server, |number| *number)
        .unwrap();
    pubsub.publish("numbers", 1).unwrap();
    pubsub.stop().await.unwrap();
    assert!(pubsub.publish("numbers", 2).is_err());
    assert_eq!((inbox.try_recv(), inbox.try_recv()), (Some(1), None));
}

#[tokio::test]
async fn what_was_retained_is_dropped_with_the_stop() {
    let pubsub = started().await;
    pubsub.publish_retained("numbers", 1).unwrap();
    pubsub.stop().await.unwrap();
    assert_eq!(
        (pubsub.retained("numbers"), pubsub.info().retained),
        (None, 0)
    );
}

#[test]
fn it_works_on_when_its_runtime_is_gone() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let pubsub = runtime.block_on(started());
    let mut subscription = pubsub.subscribe("numbers").unwrap();
    drop(runtime);
    assert_eq!(pubsub.publish("numbers", 1), Ok(1));
    let late = pubsub.subscribe("*").unwrap();
    assert_eq!(pubsub.publish("numbers", 2), Ok(2));
    assert_eq!((drain(&mut subscription).len(), late.len()), (2, 1));
}

#[tokio::test]
async fn the_process_ends_with_the_last_handle() {
    let (child, pubsub) = PubSub::<u64>::child("pubsub", PubSubConfig::default()).unwrap();
    let process = child.server_ref();
    let tree = otp_core::Supervisor::new(otp_core::Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    assert!(process.is_alive());
    drop(pubsub);
    settle().await;
    tree.stop().await.unwrap();
    assert!(!process.is_alive());
}

#[tokio::test]
async fn a_stop_says_whether_it_has_ended_the_process() {
    let pubsub = started().await;
    let other = pubsub.clone();
    let process = pubsub.pid().unwrap();
    assert_eq!(other.pid(), Some(process));
    other.stop().await.unwrap();
    assert_eq!(pubsub.pid(), None);
    assert!(matches!(pubsub.stop().await, Err(StopError::NoProc)));
    assert!(pubsub.is_closed());

    let without = numbers();
    assert_eq!(without.pid(), None);
    for _ in 0..2 {
        without.stop().await.unwrap();
        assert!(without.is_closed());
    }
}

#[tokio::test]
async fn a_pub_sub_whose_process_has_crashed_is_closed_all_the_same() {
    let pubsub = started().await;
    pubsub.pid().unwrap().kill();
    settle().await;
    assert_eq!(pubsub.publish("numbers", 1), Ok(0), "it goes on without it");
    assert!(matches!(pubsub.stop().await, Err(StopError::NoProc)));
    assert_eq!(pubsub.publish("numbers", 2), Err(PublishError::Closed(2)));
}

/// Whatever the queue is, and what is left in it.
#[test]
fn a_subscription_is_finished_when_nothing_is_left_to_be_received() {
    for overflow in [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::keep_latest(|number| **number % 2),
        Overflow::Disconnect,
        Overflow::Unbounded,
    ] {
        let pubsub = numbers();
        let mut subscription = pubsub
            .subscribe_with("numbers", with(2, overflow.clone()))
            .unwrap();
        assert!(!subscription.is_finished(), "{overflow:?}");
        for number in 0..5 {
            pubsub.publish("numbers", number).unwrap();
        }
        drop(pubsub);
        while !subscription.is_finished() {
            assert!(subscription.try_recv().is_some(), "{overflow:?}");
        }
        assert_eq!(
            subscription.recv().now_or_never(),
            Some(None),
            "{overflow:?}"
        );
        assert!(subscription.is_finished());
    }
}
