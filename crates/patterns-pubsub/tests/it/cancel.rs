//! Every future of the pub/sub, dropped at each of its `.await`s.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use futures_util::{FutureExt, StreamExt};
use patterns_pubsub::{PubSub, PubSubConfig};

use crate::support::{Got, drain, numbers, received, settle, short};

/// Polls a future so often, with everything else having its turn in between; tells whether it was done by then.
async fn polled<T>(work: impl Future<Output = T>, times: usize) -> bool {
    let mut work = pin!(work);
    for _ in 0..times {
        let mut cx = Context::from_waker(Waker::noop());
        if work.as_mut().poll(&mut cx).is_ready() {
            return true;
        }
        settle().await;
    }
    false
}

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
    for times in 0..20 {
        if polled(PubSub::<u64>::start(PubSubConfig::default()), times).await {
            return;
        }
        settle().await;
    }
    panic!("it never started");
}

#[tokio::test]
async fn a_stop_that_is_given_up_goes_on() {
    for times in 1..20 {
        let pubsub: PubSub<u64> = PubSub::start(PubSubConfig::default()).await.unwrap();
        let mut subscription = pubsub.subscribe("numbers").unwrap();
        pubsub.publish("numbers", 1).unwrap();
        let done = polled(pubsub.stop(), times).await;
        settle().await;
        assert!(pubsub.is_closed());
        assert!(pubsub.publish("numbers", 2).is_err());
        assert_eq!(drain(&mut subscription), [Got::Number(1)]);
        if done {
            return;
        }
    }
    panic!("it never stopped");
}
