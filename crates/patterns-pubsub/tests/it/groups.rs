//! Queue groups: one of the group gets it.

use otp_core::{ServerOptions, inbox};
use patterns_pubsub::{
    Event, Overflow, PubSub, SubscribeOptions, SubscribeServerOptions, Subscription,
};

use crate::support::{Got, Keeper, Msg, assert_adds_up, drain, numbers, received};

fn member(
    pubsub: &PubSub<u64>,
    pattern: &str,
    capacity: usize,
    overflow: Overflow<u64>,
) -> Subscription<u64> {
    let options = SubscribeOptions {
        capacity,
        overflow,
        group: Some("workers".to_owned()),
        ..SubscribeOptions::default()
    };
    pubsub.subscribe_with(pattern, options).unwrap()
}

#[test]
fn each_in_turn_gets_one() {
    let pubsub = numbers();
    let mut members = [(); 3].map(|()| member(&pubsub, "jobs", 10, Overflow::DropOldest));
    for number in 0..6 {
        assert_eq!(pubsub.publish("jobs", number), Ok(1));
    }
    let got = members.each_mut().map(received);
    for numbers in &got {
        assert_eq!(numbers.len(), 2);
    }
    let mut all = got.concat();
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2, 3, 4, 5]);
}

#[test]
fn turns_are_kept_for_topics_that_only_a_pattern_matches() {
    let pubsub = numbers();
    let members = [(); 2].map(|()| member(&pubsub, "jobs.*", 10, Overflow::DropOldest));
    for number in 0..6 {
        pubsub.publish(&format!("jobs.{number}"), number).unwrap();
    }
    assert_eq!(members.each_ref().map(Subscription::len), [3, 3]);
}

#[test]
fn members_with_different_patterns_are_one_group() {
    let pubsub = numbers();
    let members = ["jobs.eu", "jobs.*", "jobs.>"]
        .map(|pattern| member(&pubsub, pattern, 10, Overflow::DropOldest));
    let all = pubsub.subscribe("jobs.eu").unwrap();
    for number in 0..6 {
        assert_eq!(pubsub.publish("jobs.eu", number), Ok(2));
    }
    assert_eq!(members.each_ref().map(Subscription::len), [2, 2, 2]);
    assert_eq!(all.len(), 6, "who is in no group gets everything");
}

#[test]
fn two_groups_get_one_each() {
    let pubsub = numbers();
    let one = member(&pubsub, "jobs", 10, Overflow::DropOldest);
    let options = SubscribeOptions {
        group: Some("audit".to_owned()),
        ..SubscribeOptions::default()
    };
    let other = pubsub.subscribe_with("jobs", options).unwrap();
    assert_eq!(pubsub.publish("jobs", 1), Ok(2));
    assert_eq!((one.len(), other.len()), (1, 1));
    assert_eq!(
        pubsub.subscribers("jobs")[1].group.as_deref(),
        Some("audit")
    );
}

#[test]
fn one_that_is_full_is_passed_over_while_another_has_room() {
    for overflow in [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::Disconnect,
    ] {
        let pubsub = numbers();
        let mut small = member(&pubsub, "jobs", 1, overflow);
        let mut large = member(&pubsub, "jobs", 5, Overflow::DropNewest);
        for number in 0..6 {
            assert_eq!(pubsub.publish("jobs", number), Ok(1));
        }
        assert_eq!((small.lost(), large.lost()), (0, 0));
        assert_eq!(received(&mut small).len() + received(&mut large).len(), 6);
    }
}

#[test]
fn when_all_are_full_one_loses_one() {
    let pubsub = numbers();
    let mut members = [(); 2].map(|()| member(&pubsub, "jobs", 1, Overflow::DropNewest));
    let accepted: Vec<_> = (0..6)
        .map(|number| pubsub.publish("jobs", number).unwrap())
        .collect();
    assert_eq!(accepted, [1, 1, 0, 0, 0, 0]);
    assert_eq!(
        members
            .each_ref()
            .map(Subscription::lost)
            .iter()
            .sum::<u64>(),
        4
    );
    assert_adds_up(&pubsub.stats());
    assert!(
        members
            .each_mut()
            .map(drain)
            .concat()
            .contains(&Got::Lost(2))
    );
}

#[test]
fn who_has_gone_gets_no_turn() {
    let pubsub = numbers();
    let stays = member(&pubsub, "jobs", 10, Overflow::DropOldest);
    drop(member(&pubsub, "jobs", 10, Overflow::DropOldest));
    for number in 0..4 {
        assert_eq!(pubsub.publish("jobs", number), Ok(1));
    }
    assert_eq!(stays.len(), 4);
    drop(stays);
    assert_eq!(pubsub.publish("jobs", 9), Ok(0));
}

#[test]
fn the_sender_gets_no_turn() {
    let pubsub = numbers();
    let members = [(); 2].map(|()| member(&pubsub, "jobs", 10, Overflow::DropOldest));
    for number in 0..4 {
        assert_eq!(pubsub.publish_from(&members[0], "jobs", number), Ok(1));
    }
    assert_eq!(members.each_ref().map(Subscription::len), [0, 4]);
}

#[tokio::test]
async fn servers_are_members_too_and_a_full_one_is_passed_over() {
    let pubsub = numbers();
    let bounded = otp_core::start_with(Keeper::new(), ServerOptions::default().bounded(1))
        .await
        .unwrap();
    let suspended = bounded.suspend().await.unwrap();
    let (free, mut inbox) = inbox::<Event<u64>>();
    let options = SubscribeServerOptions {
        group: Some("workers".to_owned()),
        ..Default::default()
    };
    pubsub
        .subscribe_server_with("jobs", &bounded, options.clone(), Msg::Event)
        .unwrap();
    pubsub
        .subscribe_server_with("jobs", &free, options, |event| event)
        .unwrap();
    for number in 0..6 {
        assert_eq!(pubsub.publish("jobs", number), Ok(1));
    }
    let took = std::iter::from_fn(|| inbox.try_recv()).count();
    assert_eq!(took, 5);
    drop(suspended);
    let (seen, lost) = bounded.call(Msg::Seen).await.unwrap();
    assert_eq!((seen.len(), lost), (1, 0));
    assert_eq!(pubsub.stats().lost, 0);
    assert_adds_up(&pubsub.stats());
}
