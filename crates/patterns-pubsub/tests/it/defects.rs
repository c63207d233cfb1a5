//! What was wrong with the pub/sub of the original, each with its test.

use otp_core::{Child, Strategy, Supervisor};
use patterns_pubsub::{PubSub, PubSubConfig};
use testing::settle;

use crate::support::{Keeper, Msg, numbers, received};

async fn started() -> PubSub<u64> {
    PubSub::start(PubSubConfig::default()).await.unwrap()
}

/// There it is a no-op that returns `:ok`, though the guide recommends it.
#[tokio::test]
async fn unsubscribing_another_process_ends_its_subscription() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub
        .subscribe_server("orders", &keeper, Msg::Message)
        .unwrap();
    pubsub.publish("orders", 1).unwrap();
    assert!(pubsub.unsubscribe_server("orders", &keeper));
    assert!(
        !pubsub.unsubscribe_server("orders", &keeper),
        "and says when there is none"
    );
    assert_eq!(pubsub.publish("orders", 2), Ok(0));
    assert_eq!(
        keeper.call(Msg::Seen).await.unwrap().0,
        [("orders".to_owned(), 1)]
    );
}

/// There subscribers are counted by a lookup before the dispatch, which may meet others.
#[tokio::test]
async fn the_number_returned_is_of_those_who_accepted() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub
        .subscribe_server("orders", &keeper, Msg::Message)
        .unwrap();
    let mut subscription = pubsub.subscribe("orders").unwrap();
    assert_eq!(pubsub.publish("orders", 1), Ok(2));
    keeper.stop().await.unwrap();
    // It may be listed for a moment more, but it has accepted nothing.
    assert_eq!(pubsub.publish("orders", 2), Ok(1));
    assert_eq!(received(&mut subscription), [1, 2]);
}

/// There the collecting subscriber grows without bound.
#[test]
fn the_collecting_subscriber_is_bounded() {
    let pubsub = numbers();
    let collector = pubsub.collect("orders", 10).unwrap();
    for number in 0..100_000 {
        pubsub.publish("orders", number).unwrap();
    }
    assert_eq!((collector.len(), collector.lost()), (10, 99_990));
}

/// There a stray message kills the collecting subscriber. Here it has no mailbox that anybody could send a stray message to, and a server
/// gets only what its own closure makes.
#[tokio::test]
async fn a_subscriber_gets_only_what_it_understands() {
    let pubsub = started().await;
    let collector = pubsub.collect("orders", 10).unwrap();
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub
        .subscribe_server("orders", &keeper, Msg::Message)
        .unwrap();
    pubsub.publish("payments", 1).unwrap();
    pubsub.publish("orders", 2).unwrap();
    assert_eq!(collector.flush().len(), 1);
    assert_eq!(keeper.call(Msg::Seen).await.unwrap().0.len(), 1);
}

/// There the default child specification calls a function that does not exist.
#[tokio::test]
async fn a_subscriber_can_be_a_supervisors_child() {
    let (child, pubsub) = PubSub::child("pubsub", PubSubConfig::default()).unwrap();
    let keeper = Child::server("keeper", Keeper::new);
    let keeper_ref = keeper.server_ref();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .child(keeper)
        .start()
        .await
        .unwrap();
    pubsub
        .subscribe_server("orders", &keeper_ref, Msg::Message)
        .unwrap();
    assert_eq!(pubsub.publish("orders", 1), Ok(1));
    assert_eq!(keeper_ref.call(Msg::Seen).await.unwrap().0.len(), 1);
    tree.stop().await.unwrap();
}

/// There each started registry leaves an atom and a global entry behind.
#[tokio::test]
async fn nothing_global_is_left_behind() {
    let pubsub = started().await;
    let subscription = pubsub.subscribe("orders").unwrap();
    pubsub.stop().await.unwrap();
    drop(subscription);
    let info = pubsub.info();
    assert_eq!((info.subscribers, info.entries, info.nodes), (0, 0, 0));
}

/// There topics are matched by equality alone.
#[test]
fn topics_have_wildcards() {
    let pubsub = numbers();
    let mut wild = pubsub.subscribe("orders.*").unwrap();
    pubsub.publish("orders.eu", 1).unwrap();
    assert_eq!(received(&mut wild), [1]);
}

/// There killing a subscriber leaves its topic listed until the registry has noticed.
#[tokio::test]
async fn a_killed_subscriber_vanishes() {
    let pubsub = started().await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub
        .subscribe_server("orders", &keeper, Msg::Message)
        .unwrap();
    pubsub
        .subscribe_server("orders.*", &keeper, Msg::Message)
        .unwrap();
    settle().await;
    keeper.pid().unwrap().kill();
    settle().await;
    assert_eq!((pubsub.topics().len(), pubsub.info().subscribers), (0, 0));
}
