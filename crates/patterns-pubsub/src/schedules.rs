//! Publishers, subscribers and those who go, in every order that a schedule checker tries: see `cargo xtask schedules`.

mod arrivals;
mod deliveries;

use schedules::shuttle::sync::Arc;
use schedules::{assert_unlocked, block_on};

use crate::{Event, Overflow, PubSub, PubSubConfig, PubSubStats, SubscribeOptions, Subscription};

/// A payload that must not be dropped under a lock, and whose copies are counted.
struct Value(
    u64,
    #[expect(dead_code, reason = "its count is looked at")] Arc<()>,
);

impl Drop for Value {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

fn pubsub<M: Send + Sync + 'static>() -> PubSub<M> {
    let config = PubSubConfig {
        // One shard, so that all meet in it.
        shards: 1,
        ..PubSubConfig::default()
    };
    PubSub::new(config).expect("the options are good")
}

fn options<M>(capacity: usize, overflow: Overflow<M>) -> SubscribeOptions<M> {
    SubscribeOptions {
        capacity,
        overflow,
        ..SubscribeOptions::default()
    }
}

fn policies() -> [Overflow<Value>; 4] {
    [
        Overflow::DropOldest,
        Overflow::DropNewest,
        Overflow::Disconnect,
        Overflow::<Value>::keep_latest(|value| {
            assert_unlocked();
            value.0 % 2
        }),
    ]
}

fn assert_adds_up(stats: &PubSubStats) {
    assert_eq!(
        stats.delivered + stats.retained + stats.refused,
        stats.received + stats.lost + stats.waiting as u64 + stats.discarded,
        "{stats:?}"
    );
}

/// Receives to the end; returns how many came and how many were told to be missing.
fn receive(subscription: &mut Subscription<Value>) -> (u64, u64) {
    let (mut received, mut lost) = (0, 0);
    let mut last = None;
    while let Some(event) = block_on(subscription.recv()) {
        match event {
            Event::Message(message) => {
                assert!(last.is_none_or(|last| last < message.0), "out of order");
                last = Some(message.0);
                received += 1;
            }
            Event::Lost(count) => lost += count,
            Event::Disconnected => {}
        }
    }
    (received, lost)
}
