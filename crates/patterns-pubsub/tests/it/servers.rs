//! Servers as subscribers.

use otp_core::{ServerOptions, inbox};
use patterns_pubsub::{Event, Message, PubSub, PubSubConfig, SubscribeError, SubscriberKind};
use testing::{quiet, settle};

use crate::support::{Keeper, Msg, assert_adds_up, numbers};

async fn started() -> PubSub<u64> {
    PubSub::start(PubSubConfig::default()).await.unwrap()
}

#[tokio::test]
async fn a_server_gets_messages_as_casts() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    assert_eq!(
        pubsub.subscribe_server("orders.*", &keeper, Msg::Message),
        Ok(true)
    );
    assert_eq!(pubsub.publish("orders.eu", 1), Ok(1));
    assert_eq!(
        keeper.call(Msg::Seen).await.unwrap().0,
        [("orders.eu".to_owned(), 1)]
    );
}

#[tokio::test]
async fn it_is_once_for_each_server_and_pattern() {
    let pubsub = started().await;
    let (one, other) = (
        otp_core::start(Keeper::new()).await.unwrap(),
        otp_core::start(Keeper::new()).await.unwrap(),
    );
    assert_eq!(pubsub.subscribe_server("a", &one, Msg::Message), Ok(true));
    assert_eq!(
        pubsub.subscribe_server("a", &one.clone(), Msg::Message),
        Ok(false)
    );
    assert_eq!(pubsub.subscribe_server("a", &other, Msg::Message), Ok(true));
    assert_eq!(pubsub.subscribe_server("*", &one, Msg::Message), Ok(true));
    assert_eq!(pubsub.publish("a", 1), Ok(3));
    assert_eq!(pubsub.unsubscribe_server_from_all(&one), 2);
    assert_eq!(pubsub.publish("a", 2), Ok(1));
}

#[tokio::test]
async fn servers_of_one_name_are_different_servers() {
    let pubsub = started().await;
    let name: std::sync::Arc<str> = "keeper".into();
    let children =
        [(); 2].map(|()| otp_core::Child::server(std::sync::Arc::clone(&name), Keeper::new));
    let [one, other] = children.each_ref().map(otp_core::Child::server_ref);
    assert_eq!(pubsub.subscribe_server("a", &one, Msg::Message), Ok(true));
    assert_eq!(pubsub.subscribe_server("a", &other, Msg::Message), Ok(true));
    assert_eq!(pubsub.subscribe_server("a", &one, Msg::Message), Ok(false));
    assert!(pubsub.unsubscribe_server("a", &one));
    assert_eq!(pubsub.subscribers("a").len(), 1);
}

#[tokio::test]
async fn one_that_ends_is_taken_out() {
    let pubsub = started().await;
    for end in [Msg::Stop, Msg::Crash] {
        quiet();
        let keeper = otp_core::start(Keeper::new()).await.unwrap();
        pubsub.subscribe_server("a", &keeper, Msg::Message).unwrap();
        settle().await;
        keeper.cast(end).unwrap();
        settle().await;
        // The handle is still there: it was the watch that told of the end.
        assert_eq!(pubsub.info().subscribers, 0);
        drop(keeper);
    }
    assert_adds_up(&pubsub.stats());
}

#[tokio::test]
async fn a_subscription_keeps_no_server_running() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    let pid = keeper.pid().unwrap();
    pubsub.subscribe_server("a", &keeper, Msg::Message).unwrap();
    drop(keeper);
    settle().await;
    assert!(!pid.is_alive());
    assert_eq!(pubsub.info().subscribers, 0);
    assert_eq!(pubsub.publish("a", 1), Ok(0));
}

#[test]
fn without_a_process_one_that_is_gone_is_taken_out_by_the_next_message() {
    let pubsub = numbers();
    let (server, inbox) = inbox::<u64>();
    pubsub
        .subscribe_server("a", &server, |message| *message)
        .unwrap();
    pubsub
        .subscribe_server("*", &server, |message| *message)
        .unwrap();
    drop((server, inbox));
    assert_eq!(pubsub.info().subscribers, 2);
    assert_eq!(pubsub.publish("a", 1), Ok(0));
    let info = pubsub.info();
    assert_eq!((info.subscribers, info.nodes, info.entries), (0, 0, 0));
    assert_adds_up(&pubsub.stats());
}

#[tokio::test]
async fn one_that_has_ended_cannot_subscribe() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    keeper.stop().await.unwrap();
    assert_eq!(
        pubsub.subscribe_server("a", &keeper, Msg::Message),
        Err(SubscribeError::ServerEnded)
    );
}

#[tokio::test]
async fn a_full_server_misses_messages_and_is_told() {
    let pubsub = started().await;
    let keeper = otp_core::start_with(Keeper::new(), ServerOptions::default().bounded(3))
        .await
        .unwrap();
    pubsub
        .subscribe_server_with("a", &keeper, Default::default(), Msg::Event)
        .unwrap();
    let other = pubsub.subscribe("a").unwrap();
    let suspended = keeper.suspend().await.unwrap();
    let accepted: usize = (0..10)
        .map(|number| pubsub.publish("a", number).unwrap())
        .sum();
    assert_eq!((accepted, other.len()), (13, 10));
    let info = &pubsub.subscribers("a")[0];
    assert_eq!((info.delivered, info.lost), (3, 7));
    drop(suspended);
    assert_eq!(
        keeper.call(Msg::Seen).await.unwrap().1,
        0,
        "it is told at the gap"
    );
    assert_eq!(pubsub.publish("a", 10), Ok(2));
    let (seen, lost) = keeper.call(Msg::Seen).await.unwrap();
    let numbers: Vec<u64> = seen.into_iter().map(|(_, number)| number).collect();
    assert_eq!((numbers, lost), (vec![0, 1, 2, 10], 7));
    assert_adds_up(&pubsub.stats());
}

#[tokio::test]
async fn one_that_does_not_want_to_be_told_just_misses_them() {
    let pubsub = started().await;
    let keeper = otp_core::start_with(Keeper::new(), ServerOptions::default().bounded(1))
        .await
        .unwrap();
    pubsub.subscribe_server("a", &keeper, Msg::Message).unwrap();
    let suspended = keeper.suspend().await.unwrap();
    for number in 0..5 {
        pubsub.publish("a", number).unwrap();
    }
    drop(suspended);
    keeper.call(Msg::Seen).await.unwrap();
    pubsub.publish("a", 5).unwrap();
    let (seen, lost) = keeper.call(Msg::Seen).await.unwrap();
    assert_eq!(
        (seen.len(), lost, pubsub.subscribers("a")[0].lost),
        (2, 0, 4)
    );
    assert_adds_up(&pubsub.stats());
}

#[test]
fn nothing_is_cast_after_unsubscribe_returned() {
    let pubsub = numbers();
    let (server, mut inbox) = inbox::<u64>();
    for pattern in ["a", "*"] {
        pubsub
            .subscribe_server(pattern, &server, |message| *message)
            .unwrap();
        pubsub.publish("a", 1).unwrap();
        assert!(pubsub.unsubscribe_server(pattern, &server));
        pubsub.publish("a", 2).unwrap();
        assert_eq!((inbox.try_recv(), inbox.try_recv()), (Some(1), None));
    }
}

#[test]
fn another_ones_can_be_ended_from_the_list() {
    let pubsub = numbers();
    let (server, mut inbox) = inbox::<u64>();
    pubsub
        .subscribe_server("a.*", &server, |message| *message)
        .unwrap();
    let info = pubsub.subscribers("a.b").remove(0);
    assert!(
        matches!(&info.kind, SubscriberKind::Server { pid: Some(pid), name: None } if *pid == inbox.pid())
    );
    assert!(pubsub.unsubscribe(&info));
    assert!(!pubsub.unsubscribe(&info));
    pubsub.publish("a.b", 1).unwrap();
    assert_eq!(inbox.try_recv(), None);
    assert!(!pubsub.unsubscribe_server("a.*", &server));
}

#[tokio::test]
async fn a_server_that_comes_and_goes_is_watched_once() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    for _ in 0..50 {
        assert_eq!(
            pubsub.subscribe_server("a", &keeper, Msg::Message),
            Ok(true)
        );
        settle().await;
        assert_eq!(keeper.info().monitors, 1);
        assert!(pubsub.unsubscribe_server("a", &keeper));
        settle().await;
        assert_eq!(keeper.info().monitors, 0);
    }
}

#[test]
fn the_closure_may_end_its_own_subscription() {
    let pubsub = numbers();
    let (server, mut inbox) = inbox::<Event<u64>>();
    let (inside, address) = (pubsub.clone(), server.downgrade());
    let map = move |event| {
        if let Some(server) = address.upgrade() {
            inside.unsubscribe_server("a", &server);
        }
        event
    };
    pubsub
        .subscribe_server_with("a", &server, Default::default(), map)
        .unwrap();
    assert_eq!(pubsub.publish("a", 1), Ok(0));
    assert_eq!(inbox.try_recv(), None);
    assert_eq!(pubsub.info().subscribers, 0);
}

#[test]
fn one_that_has_missed_something_and_is_gone_is_taken_out_as_well() {
    quiet();
    let pubsub = numbers();
    let (server, inbox) = inbox::<Event<u64>>();
    let map = |event: Event<u64>| {
        let told = matches!(&event, Event::Message(number) if **number == 1);
        assert!(!told, "as told");
        event
    };
    pubsub
        .subscribe_server_with("a", &server, Default::default(), map)
        .unwrap();
    assert_eq!(pubsub.publish("a", 1), Ok(0));
    drop((server, inbox));
    assert_eq!(pubsub.publish("a", 2), Ok(0));
    assert_eq!(pubsub.info().subscribers, 0);
    assert_adds_up(&pubsub.stats());
}

#[test]
fn what_comes_for_one_that_goes_while_it_gets_what_was_retained_is_thrown_away() {
    let pubsub = numbers();
    pubsub.publish_retained("a", 1).unwrap();
    let (server, mut inbox) = inbox::<u64>();
    let (inside, address) = (pubsub.clone(), server.downgrade());
    let map = move |message: Message<u64>| {
        assert_eq!(inside.publish("a", 2), Ok(1));
        assert!(inside.unsubscribe_server("a", &address.upgrade().unwrap()));
        *message
    };
    assert_eq!(pubsub.subscribe_server("a", &server, map), Ok(true));
    assert_eq!(inbox.try_recv(), None);
    let stats = pubsub.stats();
    assert_eq!(
        (stats.delivered, stats.received, stats.discarded),
        (1, 0, 1)
    );
    assert_adds_up(&stats);
}
