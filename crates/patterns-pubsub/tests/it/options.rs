//! Every option does what it says.

use otp_core::Supervisor;
use patterns_pubsub::{LatestKey, Overflow, PubSub, PubSubConfig, PublishError, SubscribeOptions};

use crate::support::{Got, drain, numbers, with};

#[tokio::test]
async fn the_process_has_the_name() {
    let config = PubSubConfig {
        name: "orders".to_owned(),
        ..PubSubConfig::default()
    };
    let pubsub: PubSub<u64> = PubSub::start(config).await.unwrap();
    let (child, _other) = PubSub::<u64>::child("child", PubSubConfig::default()).unwrap();
    assert_eq!(child.id().as_ref(), "child");
    let _: Supervisor = Supervisor::new(otp_core::Strategy::OneForOne).child(child);
    pubsub.stop().await.unwrap();
}

#[test]
fn retained_messages_can_be_bounded() {
    let pubsub: PubSub<u64> = PubSub::new(PubSubConfig {
        max_retained: 2,
        ..PubSubConfig::default()
    })
    .unwrap();
    let seen = pubsub.subscribe(">").unwrap();
    assert_eq!(pubsub.publish_retained("a", 1), Ok(1));
    assert_eq!(pubsub.publish_retained("b", 2), Ok(1));
    assert_eq!(
        pubsub.publish_retained("c", 3),
        Err(PublishError::RetainedFull(3))
    );
    assert_eq!(
        pubsub.publish_retained("a", 4),
        Ok(1),
        "a topic that has one has room"
    );
    assert_eq!(seen.len(), 3, "nobody got what was refused");
    pubsub.clear_retained("b");
    assert_eq!(pubsub.publish_retained("c", 5), Ok(1));
    let none: PubSub<u64> = PubSub::new(PubSubConfig {
        max_retained: 0,
        ..PubSubConfig::default()
    })
    .unwrap();
    assert_eq!(
        none.publish_retained("a", 1),
        Err(PublishError::RetainedFull(1))
    );
}

#[test]
fn any_capacity_from_one_on_will_do() {
    let pubsub = numbers();
    for capacity in [1, 2, 1 << 40, usize::MAX] {
        for overflow in [
            Overflow::DropOldest,
            Overflow::DropNewest,
            Overflow::Disconnect,
            Overflow::Unbounded,
            Overflow::<u64>::keep_latest(|number| **number),
        ] {
            let mut subscription = pubsub
                .subscribe_with("numbers", with(capacity, overflow))
                .unwrap();
            pubsub.publish("numbers", 1).unwrap();
            assert_eq!(drain(&mut subscription), [Got::Number(1)]);
        }
    }
}

#[test]
fn the_default_capacity_is_1024() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("numbers").unwrap();
    for number in 0..1_030 {
        pubsub.publish("numbers", number).unwrap();
    }
    assert_eq!((subscription.len(), subscription.lost()), (1_024, 6));
    assert_eq!(
        drain(&mut subscription)[..2],
        [Got::Lost(6), Got::Number(6)]
    );
    assert_eq!(SubscribeOptions::<u64>::default().capacity, 1_024);
}

#[test]
fn keys_are_numbers_or_texts() {
    let shared: std::sync::Arc<str> = "a".into();
    let texts = [LatestKey::from("a"), "a".to_owned().into(), shared.into()];
    assert!(texts.iter().all(|key| *key == texts[0]));
    assert_eq!(LatestKey::from(7_u32), LatestKey::from(7_u64));
    assert_ne!(LatestKey::from(7_u64), LatestKey::from("7"));
}
