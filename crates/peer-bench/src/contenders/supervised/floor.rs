//! The floor: a task that waits for the end of the actor's task and spawns the next one.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};

use super::current::Current;
use super::{CRASH, Supervised, incarnation};
use crate::contenders::FLOOR;
use crate::harness::counter::Counter;

/// Each incarnation has a channel of its own, as a task that is spawned anew has: what waits in it is lost with it, and
/// the caller sends again.
pub(crate) struct Floor {
    current: Current<Address>,
    replaces: JoinHandle<()>,
}

/// Of one incarnation.
#[derive(Clone)]
struct Address {
    sender: mpsc::UnboundedSender<Msg>,
    task: Arc<AbortHandle>,
}

#[derive(Debug)]
pub(crate) enum Msg {
    Crash,
    Total(oneshot::Sender<u64>),
}

pub(crate) fn handle(message: Msg, counter: &Counter) {
    match message {
        Msg::Crash => panic!("{CRASH}"),
        Msg::Total(reply) => {
            let _ = reply.send(counter.total());
        }
    }
}

fn spawn() -> (Address, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let counter = incarnation();
        while let Some(message) = receiver.recv().await {
            handle(message, &counter);
        }
    });
    let address = Address {
        sender,
        task: Arc::new(task.abort_handle()),
    };
    (address, task)
}

impl Supervised for Floor {
    const NAME: &'static str = FLOOR;

    async fn start() -> Self {
        let (address, mut task) = spawn();
        let (known, current) = Current::new(address);
        let replaces = tokio::spawn(async move {
            while task.await.is_err() {
                let (address, next) = spawn();
                task = next;
                let _ = known.send(address);
            }
        });
        Self { current, replaces }
    }

    fn kill(&self) {
        self.current.address().task.abort();
    }

    fn panic(&self) {
        let sent = self.current.address().sender.send(Msg::Crash);
        sent.expect("the actor runs");
    }

    async fn call(&mut self) -> Option<u64> {
        let call = |address: Address| async move {
            let (reply, answer) = oneshot::channel();
            address.sender.send(Msg::Total(reply)).ok()?;
            answer.await.ok()
        };
        self.current.call(call).await
    }

    async fn stop(self) {
        self.replaces.abort();
        self.kill();
    }
}
