//! Every future of the pub/sub, dropped at each of its `.await`s.

use futures_util::{FutureExt, StreamExt};
use patterns_pubsub::{PubSub, PubSubConfig};
use testing::{at_each_await, polled, settle};

use crate::support::{Got, drain, numbers, received, short};

#[tokio::test]
async fn a_recv_that_is_given_up_loses_nothing() {
    let pubsub = numbers();
    let mut subscription = pubsub.subscribe("numbers").unwrap();
    for number in 0..20 {
        assert!(!polled(subscription.recv(), 2).await);
        assert!(!polled(subscription.recv_message(), 1).await);
        pubsub.publish("numbers", number).unwrap();
        if number % 3 == 0 {
            assert!(!polled(subscription.recv(), 0).await);
        }
        assert_eq!(
            subscription.recv().now_or_never().flatten().map(short),
            Some(Got::Number(number))
        );
    }
    assert!(!polled(subscription.next(), 1).await);
    pubsub.publish("numbers", 99).unwrap();
    assert_eq!(received(&mut subscription), [99]);
}

#[tokio::test]
async fn a_start_can_be_given_up_at_any_time() {
    at_each_await(async |times| {
        let done = polled(PubSub::<u64>::start(PubSubConfig::default()), times).await;
        settle().await;
        done
    })
    .await;
}

#[tokio::test]
async fn a_stop_that_is_given_up_goes_on() {
    at_each_await(async |times| {
        let pubsub: PubSub<u64> = PubSub::start(PubSubConfig::default()).await.unwrap();
        let mut subscription = pubsub.subscribe("numbers").unwrap();
        pubsub.publish("numbers", 1).unwrap();
        let done = polled(pubsub.stop(), times).await;
        settle().await;
        // One that was never polled has done nothing.
        assert_eq!(pubsub.is_closed(), times > 0);
        assert_eq!(pubsub.pid().is_none(), times > 0);
        assert_eq!(pubsub.publish("numbers", 2).is_err(), times > 0);
        let accepted = 1 + u64::from(times == 0);
        let expected: Vec<_> = (1..=accepted).map(Got::Number).collect();
        assert_eq!(drain(&mut subscription), expected);
        assert_eq!(subscription.is_finished(), times > 0);
        done
    })
    .await;
}
