//! The floor: an actor written by hand over tokio's channels, as it is written instead of taking a dependency.

use tokio::sync::{mpsc, oneshot};

use super::{Contender, FLOOR};
use crate::harness::counter::Counter;

/// A task over an unbounded channel; no time limit, no supervision, no handling of panics.
pub(crate) struct Floor;

#[derive(Debug)]
pub(crate) enum Msg {
    Add(u64),
    Total(oneshot::Sender<u64>),
}

impl Contender for Floor {
    const NAME: &'static str = FLOOR;
    type Address = mpsc::UnboundedSender<Msg>;

    async fn start() -> Self::Address {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut counter = Counter::new();
        tokio::spawn(async move {
            while let Some(message) = receiver.recv().await {
                match message {
                    Msg::Add(n) => counter.add(n),
                    Msg::Total(reply) => {
                        let _ = reply.send(counter.total());
                    }
                }
            }
        });
        sender
    }

    async fn call(address: &Self::Address) -> u64 {
        let (reply, answer) = oneshot::channel();
        address.send(Msg::Total(reply)).expect("the actor runs");
        answer.await.expect("the actor answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        address.send(Msg::Add(n)).expect("the actor runs");
    }
}
