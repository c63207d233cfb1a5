//! The order of one publisher is the order at each subscriber.

use patterns_pubsub::Overflow;

use crate::support::{Got, Keeper, Msg, drain, numbers, with};

#[test]
fn one_publishers_order_is_kept_over_all_topics_of_a_pattern() {
    let pubsub = numbers();
    let mut wild = pubsub
        .subscribe_with("t.*", with(1, Overflow::Unbounded))
        .unwrap();
    let mut oldest = pubsub
        .subscribe_with("t.*", with(1_000, Overflow::DropOldest))
        .unwrap();
    let mut handles = ["t.a", "t.b"].map(|topic| pubsub.publisher(topic).unwrap());
    for number in 0..300 {
        match number % 3 {
            0 => pubsub.publish(&format!("t.{number}"), number).unwrap(),
            1 => handles[0].publish(number).unwrap(),
            _ => handles[1].publish(number).unwrap(),
        };
    }
    let wanted: Vec<Got> = (0..300).map(Got::Number).collect();
    assert_eq!(drain(&mut wild), wanted);
    assert_eq!(drain(&mut oldest), wanted);
}

#[test]
fn subscribing_and_going_in_between_changes_no_order() {
    let pubsub = numbers();
    let mut stays = pubsub
        .subscribe_with("t.a", with(1_000, Overflow::DropOldest))
        .unwrap();
    let mut others = Vec::new();
    for number in 0..200 {
        pubsub.publish("t.a", number).unwrap();
        if number % 3 == 0 {
            others.push(
                pubsub
                    .subscribe(["t.a", "t.*", ">"][others.len() % 3])
                    .unwrap(),
            );
        } else if number % 5 == 0 {
            others.clear();
        }
    }
    assert_eq!(
        drain(&mut stays),
        (0..200).map(Got::Number).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn a_server_gets_them_in_order_too() {
    let pubsub = numbers();
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub
        .subscribe_server("t.>", &keeper, Msg::Message)
        .unwrap();
    for number in 0..1_000 {
        pubsub
            .publish(&format!("t.{}", number % 7), number)
            .unwrap();
    }
    let seen: Vec<u64> = keeper
        .call(Msg::Seen)
        .await
        .unwrap()
        .0
        .into_iter()
        .map(|(_, number)| number)
        .collect();
    assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
}
