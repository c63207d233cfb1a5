//! The floor over tokio's bounded channel, whose `send` waits for room.

use tokio::sync::{mpsc, oneshot};

use super::Contender;
use super::floor::Msg;
use crate::harness::counter::Counter;

/// The room of every bounded mailbox that is measured.
pub(crate) const ROOM: usize = 1024;

/// The name of tokio's bounded channel in the table.
pub(crate) const FLOOR_BOUNDED: &str = "floor (tokio bounded mpsc)";

/// As [`Floor`](super::floor::Floor), over a bounded channel.
pub(crate) struct FloorBounded;

impl Contender for FloorBounded {
    const NAME: &'static str = FLOOR_BOUNDED;
    type Address = mpsc::Sender<Msg>;

    async fn start() -> Self::Address {
        let (sender, mut receiver) = mpsc::channel(ROOM);
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
        address
            .send(Msg::Total(reply))
            .await
            .expect("the actor runs");
        answer.await.expect("the actor answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        address.send(Msg::Add(n)).await.expect("the actor runs");
    }
}
