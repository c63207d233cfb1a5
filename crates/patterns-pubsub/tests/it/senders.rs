//! Publishing to all but the sender.

use patterns_pubsub::{Overflow, PubSub, PubSubConfig};

use crate::support::{Got, Keeper, Msg, assert_adds_up, drain, numbers, received, with};

#[tokio::test]
async fn a_server_that_publishes_is_skipped_whatever_it_subscribed_to() {
    let pubsub: PubSub<u64> = PubSub::start(PubSubConfig::default()).await.unwrap();
    let (one, other) = (
        otp_core::start(Keeper::new()).await.unwrap(),
        otp_core::start(Keeper::new()).await.unwrap(),
    );
    for keeper in [&one, &other] {
        pubsub.subscribe_server("a", keeper, Msg::Message).unwrap();
        pubsub.subscribe_server("*", keeper, Msg::Message).unwrap();
    }
    assert_eq!(pubsub.publish_from_server(&one, "a", 1), Ok(2));
    assert_eq!(one.call(Msg::Seen).await.unwrap().0.len(), 0);
    assert_eq!(other.call(Msg::Seen).await.unwrap().0.len(), 2);
    let stranger = otp_core::start(Keeper::new()).await.unwrap();
    assert_eq!(pubsub.publish_from_server(&stranger, "a", 2), Ok(4));
}

#[test]
fn a_stranger_to_this_pub_sub_skips_nobody() {
    let (pubsub, elsewhere) = (numbers(), numbers());
    let stranger = elsewhere.subscribe("a").unwrap();
    let here = pubsub.subscribe("a").unwrap();
    assert_eq!(stranger.id(), here.id());
    assert_eq!(pubsub.publish_from(&stranger, "a", 1), Ok(1));
    assert_eq!(here.len(), 1);
}

#[test]
fn what_one_sends_itself_is_not_missing() {
    for overflow in [Overflow::DropOldest, Overflow::DropNewest] {
        let pubsub = numbers();
        let mut sender = pubsub.subscribe_with("a", with(3, overflow)).unwrap();
        let mut other = pubsub.subscribe("a").unwrap();
        for number in 0..20 {
            let accepted = if number % 2 == 0 {
                pubsub.publish_from(&sender, "a", number)
            } else {
                pubsub.publish("a", number)
            };
            assert_eq!(accepted, Ok(if number % 2 == 0 { 1 } else { 2 }));
            if number == 3 {
                assert_eq!(drain(&mut sender), [Got::Number(1), Got::Number(3)]);
            }
            if number == 7 {
                assert_eq!((sender.len(), sender.lost()), (2, 0));
                assert_eq!(drain(&mut sender), [Got::Number(5), Got::Number(7)]);
            }
            if number > 7 && number % 4 == 1 {
                drain(&mut sender);
            }
        }
        assert_eq!(received(&mut other).len(), 20);
        drop(sender);
        assert_eq!(pubsub.stats().lost, 0);
        assert_adds_up(&pubsub.stats());
    }
}

#[test]
fn one_that_lags_and_sends_is_told_exactly_what_is_missing() {
    let pubsub = numbers();
    let mut sender = pubsub
        .subscribe_with("a", with(2, Overflow::DropOldest))
        .unwrap();
    let witness = pubsub.subscribe("a").unwrap();
    for number in 0..10 {
        pubsub.publish_from(&sender, "a", 100 + number).unwrap();
        pubsub.publish("a", number).unwrap();
    }
    let lost = sender.lost();
    let got = drain(&mut sender);
    let told: u64 = got
        .iter()
        .map(|got| if let Got::Lost(lost) = got { *lost } else { 0 })
        .sum();
    let numbers = got
        .iter()
        .filter(|got| matches!(got, Got::Number(_)))
        .count() as u64;
    assert_eq!((told, told + numbers), (lost, 10), "{got:?}");
    assert_eq!(got.last(), Some(&Got::Number(9)));
    assert!(
        !got.iter()
            .any(|got| matches!(got, Got::Number(number) if *number >= 100))
    );
    assert_eq!(witness.len(), 20);
    assert_adds_up(&pubsub.stats());
}
