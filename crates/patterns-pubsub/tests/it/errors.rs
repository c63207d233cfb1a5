//! Every text that a person reads, and what comes back with it.

use std::error::Error;

use insta::assert_snapshot;
use patterns_pubsub::{
    BadOption, Overflow, PubSub, PubSubConfig, PublishError, StartError, SubscribeError,
    SubscribeOptions, SubscribeServerOptions,
};

use crate::support::{numbers, with};

#[test]
fn a_wrong_topic_says_what_topics_look_like() {
    let pubsub = numbers();
    let error = pubsub.publish("orders.*", 7).unwrap_err();
    assert_snapshot!(error, @"topic `orders.*` must be 1 to 64 levels separated by dots, none empty and none with `*` or `>` in it, 1,024 bytes at most");
    assert_snapshot!(format!("{error:?}"), @r#"BadTopic { topic: "orders.*", allowed: "1 to 64 levels separated by dots, none empty and none with `*` or `>` in it, 1,024 bytes at most", .. }"#);
    assert_eq!(error.into_payload(), 7);
    let error = pubsub.publisher("").unwrap_err();
    assert_snapshot!(error, @"topic `` must be 1 to 64 levels separated by dots, none empty and none with `*` or `>` in it, 1,024 bytes at most");
}

#[test]
fn a_wrong_pattern_says_what_patterns_look_like() {
    let error = numbers().subscribe("orders.>.eu").unwrap_err();
    assert_snapshot!(error, @"pattern `orders.>.eu` must be 1 to 64 levels separated by dots, none empty, where `*` is any one level and a last `>` is one or more, 1,024 bytes at most");
}

#[test]
fn a_long_text_is_shortened() {
    let error = numbers().publish(&"long.".repeat(1_000), 7).unwrap_err();
    assert_snapshot!(error, @"topic `long.long.long.long.long.long.long.long.long.long.long.long.long…` must be 1 to 64 levels separated by dots, none empty and none with `*` or `>` in it, 1,024 bytes at most");
}

#[test]
fn a_wrong_option_is_named() {
    let pubsub = numbers();
    let error = pubsub
        .subscribe_with("orders", with(0, Overflow::DropOldest))
        .unwrap_err();
    assert_snapshot!(error, @"option `capacity` must be 1 or more");
    let error = pubsub.collect("orders", 0).unwrap_err();
    assert!(matches!(
        error,
        SubscribeError::BadOption(BadOption {
            option: "capacity",
            ..
        })
    ));
    let options = SubscribeOptions {
        group: Some(String::new()),
        ..SubscribeOptions::default()
    };
    let error = pubsub.subscribe_with("orders", options).unwrap_err();
    assert_snapshot!(error, @"option `group` must be a name that is not empty, or `None` for no group");
    let (server, _inbox) = otp_core::inbox();
    let options = SubscribeServerOptions {
        group: Some(String::new()),
        ..Default::default()
    };
    let error = pubsub
        .subscribe_server_with("orders", &server, options, |event| event)
        .unwrap_err();
    assert!(matches!(
        error,
        SubscribeError::BadOption(BadOption {
            option: "group",
            ..
        })
    ));
}

#[tokio::test]
async fn a_wrong_option_at_the_start_is_named() {
    for shards in [0, 1_025, usize::MAX] {
        let config = PubSubConfig {
            shards,
            ..PubSubConfig::default()
        };
        let error = PubSub::<u64>::start(config.clone()).await.unwrap_err();
        assert_eq!(error.to_string(), "option `shards` must be from 1 to 1,024");
        assert!(PubSub::<u64>::new(config.clone()).is_err());
        assert!(PubSub::<u64>::child("pubsub", config).is_err());
        assert!(error.source().is_none());
    }
}

#[test]
fn without_a_runtime_there_is_no_process() {
    let start = Box::pin(PubSub::<u64>::start(PubSubConfig::default()));
    let error = futures_util::FutureExt::now_or_never(start)
        .unwrap()
        .unwrap_err();
    assert!(matches!(error, StartError::NoRuntime));
    assert_snapshot!(error, @"there is no tokio runtime here");
}

#[test]
fn other_errors_say_what_is_the_matter() {
    assert_snapshot!(PublishError::Closed(1), @"the pub/sub is closed");
    assert_snapshot!(format!("{:?}", PublishError::Closed(1)), @"Closed(..)");
    assert_snapshot!(PublishError::RetainedFull(1), @"no further topic can have a retained message");
    assert_snapshot!(format!("{:?}", PublishError::RetainedFull(1)), @"RetainedFull(..)");
    assert_snapshot!(SubscribeError::Closed, @"the pub/sub is closed");
    assert_snapshot!(SubscribeError::ServerEnded, @"the server has ended");
}

#[test]
fn options_can_be_printed() {
    let options: SubscribeOptions<u64> = SubscribeOptions {
        overflow: Overflow::keep_latest(|_| 1_u64),
        ..Default::default()
    };
    assert_snapshot!(format!("{:?}", options.clone()), @"SubscribeOptions { capacity: 1024, overflow: KeepLatest(..), group: None, retained: true }");
}
