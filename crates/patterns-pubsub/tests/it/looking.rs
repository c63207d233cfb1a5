//! Looking at a pub/sub.

use std::time::Duration;

use otp_core::inbox;
use patterns_pubsub::{PubSub, PubSubConfig, SubscriberKind};

use crate::support::{Keeper, Msg, assert_adds_up, numbers};

#[test]
fn an_empty_one_has_nothing() {
    let pubsub = numbers();
    let info = pubsub.info();
    assert_eq!(
        (
            info.subscribers,
            info.topics.len(),
            info.retained,
            info.nodes
        ),
        (0, 0, 0, 0)
    );
    assert!(!info.closed && !pubsub.is_closed());
    assert_eq!(
        (
            pubsub.subscriber_count("orders"),
            pubsub.subscribers("orders").len()
        ),
        (0, 0)
    );
    assert_eq!(pubsub.stats(), Default::default());
}

#[test]
fn topics_are_sorted_and_live() {
    let pubsub = numbers();
    let kept = ["b", "a.*", "c", "a.b", ">"].map(|pattern| pubsub.subscribe(pattern).unwrap());
    let twice = pubsub.subscribe("b").unwrap();
    let names = |pubsub: &PubSub<u64>| -> Vec<String> {
        pubsub.topics().iter().map(ToString::to_string).collect()
    };
    assert_eq!(names(&pubsub), [">", "a.*", "a.b", "b", "c"]);
    let counts: Vec<usize> = pubsub
        .info()
        .topics
        .iter()
        .map(|(_, count)| *count)
        .collect();
    assert_eq!(counts, [1, 1, 1, 2, 1]);
    drop(kept);
    assert_eq!(names(&pubsub), ["b"]);
    drop(twice);
    assert!(names(&pubsub).is_empty());
}

#[tokio::test(start_paused = true)]
async fn subscribers_are_listed_with_what_they_are_and_since_when() {
    let pubsub = numbers();
    let begun = tokio::time::Instant::now();
    let queue = pubsub.subscribe("orders.*").unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub
        .subscribe_server("orders.eu", &keeper, Msg::Message)
        .unwrap();
    pubsub.publish("orders.eu", 1).unwrap();

    let all = pubsub.subscribers("orders.eu");
    assert_eq!(all.len(), 2);
    assert_eq!(pubsub.subscriber_count("orders.eu"), 2);
    assert_eq!(
        (all[0].id, &*all[0].pattern, all[0].since - begun),
        (queue.id(), "orders.*", Duration::ZERO)
    );
    assert!(matches!(all[0].kind, SubscriberKind::Queue { waiting: 1 }));
    assert_eq!(all[0].pid(), None);
    assert_eq!(
        (&*all[1].pattern, all[1].since - begun),
        ("orders.eu", Duration::from_secs(5))
    );
    assert_eq!(all[1].pid(), keeper.pid().as_ref());
    assert_eq!((all[1].delivered, all[1].lost), (1, 0));

    let exact = pubsub.subscribers_of("orders.*");
    assert_eq!(
        exact.iter().map(|info| info.id).collect::<Vec<_>>(),
        [queue.id()]
    );
    assert_eq!(pubsub.subscribers_of("orders.eu").len(), 1);
    assert_eq!(pubsub.subscribers("orders.us").len(), 1);
    assert!(pubsub.subscribers_of("orders.>").is_empty());
}

#[test]
fn the_counts_agree_with_what_happened() {
    let pubsub = numbers();
    let mut one = pubsub.subscribe("orders").unwrap();
    let (server, _inbox) = inbox::<u64>();
    pubsub
        .subscribe_server("*", &server, |message| *message)
        .unwrap();
    for number in 0..10 {
        pubsub.publish("orders", number).unwrap();
    }
    for _ in 0..4 {
        one.try_recv();
    }
    let stats = pubsub.stats();
    assert_eq!(
        (stats.subscribers, stats.subscribed, stats.delivered),
        (2, 2, 20)
    );
    assert_eq!(
        (stats.received, stats.waiting, stats.discarded, stats.lost),
        (14, 6, 0, 0)
    );
    assert_adds_up(&stats);
    drop(one);
    pubsub.unsubscribe_server("*", &server);
    let stats = pubsub.stats();
    assert_eq!(
        (stats.subscribers, stats.subscribed, stats.delivered),
        (0, 2, 20)
    );
    assert_eq!((stats.received, stats.waiting, stats.discarded), (14, 0, 6));
    assert_adds_up(&stats);
}

#[test]
fn what_was_taken_out_still_counts() {
    let pubsub = numbers();
    let mut taken_out = pubsub.subscribe("orders").unwrap();
    pubsub.publish("orders", 1).unwrap();
    pubsub.publish("orders", 2).unwrap();
    pubsub.unsubscribe(&taken_out.info());
    taken_out.try_recv();
    let stats = pubsub.stats();
    assert_eq!(
        (
            stats.subscribers,
            stats.delivered,
            stats.received,
            stats.waiting
        ),
        (0, 2, 1, 1)
    );
    assert_adds_up(&stats);
    drop(taken_out);
    let stats = pubsub.stats();
    assert_eq!((stats.received, stats.waiting, stats.discarded), (1, 0, 1));
    assert_adds_up(&stats);
}

#[test]
fn a_pub_sub_can_have_any_number_of_parts() {
    for shards in [1, 3, 1_024] {
        let pubsub: PubSub<u64> = PubSub::new(PubSubConfig {
            shards,
            ..PubSubConfig::default()
        })
        .unwrap();
        let all: Vec<_> = (0..500)
            .map(|number| pubsub.subscribe(&format!("t.{number}")).unwrap())
            .collect();
        for number in 0..500 {
            assert_eq!(pubsub.publish(&format!("t.{number}"), number), Ok(1));
        }
        assert!(all.iter().all(|subscription| subscription.len() == 1));
        assert_eq!(pubsub.info().entries, 500);
    }
}
