//! What becomes of messages for which a subscription has no room.

use std::sync::Arc;

use patterns_pubsub::{Ended, Overflow, PubSub, PubSubConfig, Subscription};

use crate::support::Got::{Disconnected, Lost, Number};
use crate::support::{assert_adds_up, drain, numbers, with};

fn filled(
    capacity: usize,
    overflow: Overflow<u64>,
    count: u64,
) -> (PubSub<u64>, Subscription<u64>, usize) {
    let pubsub = numbers();
    let subscription = pubsub
        .subscribe_with("numbers", with(capacity, overflow))
        .unwrap();
    let accepted = (1..=count)
        .map(|number| pubsub.publish("numbers", number).unwrap())
        .sum();
    (pubsub, subscription, accepted)
}

#[test]
fn drop_oldest_keeps_the_newest_and_tells_where_the_gap_is() {
    let (pubsub, mut subscription, accepted) = filled(3, Overflow::DropOldest, 7);
    assert_eq!(
        (accepted, subscription.len(), subscription.lost()),
        (7, 3, 4)
    );
    assert_eq!(
        drain(&mut subscription),
        [Lost(4), Number(5), Number(6), Number(7)]
    );
    assert_adds_up(&pubsub.stats());
}

#[test]
fn drop_newest_keeps_the_oldest_and_tells_where_the_gap_is() {
    let (pubsub, mut subscription, accepted) = filled(3, Overflow::DropNewest, 7);
    assert_eq!(
        (accepted, subscription.len(), subscription.lost()),
        (3, 3, 4)
    );
    assert_eq!(
        subscription.try_recv().map(crate::support::short),
        Some(Number(1))
    );
    assert_eq!(pubsub.publish("numbers", 8), Ok(1));
    assert_eq!(
        drain(&mut subscription),
        [Number(2), Number(3), Lost(4), Number(8)]
    );
    assert_adds_up(&pubsub.stats());
}

#[test]
fn keep_latest_keeps_one_of_each_key_in_order() {
    let latest = Overflow::<u64>::keep_latest(|number| **number % 10);
    let (pubsub, mut subscription, accepted) = filled(3, latest, 0);
    assert_eq!(accepted, 0);
    for number in [1, 2, 11, 21, 3] {
        assert_eq!(pubsub.publish("numbers", number), Ok(1));
    }
    assert_eq!(subscription.len(), 3);
    assert_eq!(
        drain(&mut subscription),
        [Lost(1), Number(2), Lost(1), Number(21), Number(3)]
    );
    for number in [1, 2, 3, 4] {
        assert_eq!(pubsub.publish("numbers", number), Ok(1));
    }
    assert_eq!(
        drain(&mut subscription),
        [Lost(1), Number(2), Number(3), Number(4)]
    );
    assert_adds_up(&pubsub.stats());
}

#[test]
fn disconnect_hands_out_what_waits_and_ends() {
    let (pubsub, mut subscription, accepted) = filled(3, Overflow::Disconnect, 5);
    assert_eq!((accepted, subscription.ended()), (3, Some(Ended::Overflow)));
    assert_eq!(pubsub.subscriber_count("numbers"), 0);
    assert_eq!(
        drain(&mut subscription),
        [Number(1), Number(2), Number(3), Lost(1), Disconnected]
    );
    assert_eq!(subscription.try_recv(), None);
    assert_adds_up(&pubsub.stats());
}

#[test]
fn unbounded_has_room_for_all() {
    let (pubsub, mut subscription, accepted) = filled(1, Overflow::Unbounded, 5_000);
    assert_eq!(
        (accepted, subscription.len(), subscription.lost()),
        (5_000, 5_000, 0)
    );
    assert_eq!(drain(&mut subscription).len(), 5_000);
    assert_adds_up(&pubsub.stats());
}

#[test]
fn an_own_policy_for_each_subscriber_of_a_topic() {
    let pubsub = numbers();
    let mut oldest = pubsub
        .subscribe_with("numbers", with(1, Overflow::DropOldest))
        .unwrap();
    let mut newest = pubsub
        .subscribe_with("numbers", with(1, Overflow::DropNewest))
        .unwrap();
    let mut all = pubsub
        .subscribe_with("numbers", with(1, Overflow::Unbounded))
        .unwrap();
    assert_eq!(pubsub.publish("numbers", 1), Ok(3));
    assert_eq!(pubsub.publish("numbers", 2), Ok(2));
    assert_eq!(drain(&mut oldest), [Lost(1), Number(2)]);
    assert_eq!(drain(&mut newest), [Number(1), Lost(1)]);
    assert_eq!(drain(&mut all), [Number(1), Number(2)]);
}

#[test]
fn two_that_drop_the_oldest_have_room_for_what_they_asked() {
    let pubsub = numbers();
    let mut few = pubsub
        .subscribe_with("numbers", with(2, Overflow::DropOldest))
        .unwrap();
    let mut many = pubsub
        .subscribe_with("numbers", with(6, Overflow::DropOldest))
        .unwrap();
    for number in 1..=10 {
        pubsub.publish("numbers", number).unwrap();
    }
    assert_eq!(drain(&mut few), [Lost(8), Number(9), Number(10)]);
    drop(few);
    assert_eq!(
        drain(&mut many),
        [
            Lost(4),
            Number(5),
            Number(6),
            Number(7),
            Number(8),
            Number(9),
            Number(10)
        ]
    );
}

#[test]
fn what_has_to_go_is_dropped_at_once() {
    for overflow in [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::keep_latest(|_| 1_u64),
    ] {
        let pubsub: PubSub<Arc<()>> = PubSub::new(PubSubConfig::default()).unwrap();
        let mut subscription = pubsub.subscribe_with("things", with(1, overflow)).unwrap();
        let thing = Arc::new(());
        for _ in 0..5 {
            pubsub.publish("things", Arc::clone(&thing)).unwrap();
        }
        assert_eq!(Arc::strong_count(&thing), 2);
        while let Some(event) = subscription.try_recv() {
            drop(event);
        }
        assert_eq!(
            Arc::strong_count(&thing),
            1,
            "what all have received is nobody's"
        );
    }
}

#[test]
fn what_waits_in_a_subscription_is_dropped_with_it() {
    for overflow in [Overflow::DropOldest, Overflow::Disconnect] {
        let pubsub: PubSub<Arc<()>> = PubSub::new(PubSubConfig::default()).unwrap();
        let subscription = pubsub.subscribe_with("things", with(10, overflow)).unwrap();
        let thing = Arc::new(());
        pubsub.publish("things", Arc::clone(&thing)).unwrap();
        pubsub.publish("things", Arc::clone(&thing)).unwrap();
        drop(subscription);
        assert_eq!(Arc::strong_count(&thing), 1);
        let stats = pubsub.stats();
        assert_eq!((stats.delivered, stats.discarded, stats.waiting), (2, 2, 0));
        assert_adds_up(&stats);
    }
}
