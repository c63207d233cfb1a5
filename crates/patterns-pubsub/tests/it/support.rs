//! What several modules need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::{Context, ExitReason, GenServer, ReplyTo};
use patterns_pubsub::{
    Event, Message, Overflow, PubSub, PubSubConfig, PubSubStats, SubscribeOptions, Subscription,
};

/// A pub/sub of numbers, without a process.
pub(crate) fn numbers() -> PubSub<u64> {
    PubSub::new(PubSubConfig::default()).unwrap()
}

pub(crate) fn with<M>(capacity: usize, overflow: Overflow<M>) -> SubscribeOptions<M> {
    SubscribeOptions {
        capacity,
        overflow,
        ..SubscribeOptions::default()
    }
}

/// What is received, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Got {
    Number(u64),
    Lost(u64),
    Disconnected,
}

pub(crate) fn short(event: Event<u64>) -> Got {
    match event {
        Event::Message(message) => Got::Number(*message),
        Event::Lost(lost) => Got::Lost(lost),
        Event::Disconnected => Got::Disconnected,
        other => panic!("an unknown event: {other:?}"),
    }
}

/// All that can be received now.
pub(crate) fn drain(subscription: &mut Subscription<u64>) -> Vec<Got> {
    std::iter::from_fn(|| subscription.try_recv())
        .map(short)
        .collect()
}

/// The numbers among it.
pub(crate) fn received(subscription: &mut Subscription<u64>) -> Vec<u64> {
    drain(subscription)
        .into_iter()
        .filter_map(|got| match got {
            Got::Number(number) => Some(number),
            _ => None,
        })
        .collect()
}

/// The law of conservation.
#[track_caller]
pub(crate) fn assert_adds_up(stats: &PubSubStats) {
    assert_eq!(
        stats.delivered + stats.retained + stats.refused,
        stats.received + stats.lost + stats.waiting as u64 + stats.discarded,
        "{stats:?}"
    );
}

/// A server that keeps what it is sent.
pub(crate) struct Keeper {
    pub(crate) seen: Vec<(String, u64)>,
    pub(crate) lost: u64,
    starts: Arc<AtomicUsize>,
}

pub(crate) enum Msg {
    Event(Event<u64>),
    Message(Message<u64>),
    Seen(ReplyTo<(Vec<(String, u64)>, u64)>),
    Crash,
    Stop,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        Self::counted(&Arc::default())
    }

    /// Counts how often it is made.
    pub(crate) fn counted(starts: &Arc<AtomicUsize>) -> Self {
        starts.fetch_add(1, Ordering::SeqCst);
        Self {
            seen: Vec::new(),
            lost: 0,
            starts: Arc::clone(starts),
        }
    }

    pub(crate) fn starts(&self) -> usize {
        self.starts.load(Ordering::SeqCst)
    }

    fn keep(&mut self, message: &Message<u64>) {
        self.seen.push((message.topic().to_owned(), **message));
    }
}

impl GenServer for Keeper {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Event(Event::Message(message)) | Msg::Message(message) => self.keep(&message),
            Msg::Event(Event::Lost(lost)) => self.lost += lost,
            Msg::Event(other) => panic!("an unknown event: {other:?}"),
            Msg::Seen(reply) => reply.send((self.seen.clone(), self.lost)),
            Msg::Crash => panic!("as told, after {}", self.starts()),
            Msg::Stop => return Err(ExitReason::Normal),
        }
        Ok(())
    }
}
