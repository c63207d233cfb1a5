//! The same by hand with a mailbox that outlives the actor's task, as otp-core's does.

use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle};

use super::floor::{Msg, handle};
use super::{Supervised, incarnation};

/// The receiver is lent to each incarnation in turn, so an address is valid for ever and nothing that waits is lost.
pub(crate) struct FloorKept {
    sender: mpsc::UnboundedSender<Msg>,
    task: Arc<Mutex<AbortHandle>>,
    replaces: JoinHandle<()>,
}

type Receiver = Arc<tokio::sync::Mutex<mpsc::UnboundedReceiver<Msg>>>;

fn spawn(receiver: &Receiver) -> JoinHandle<()> {
    let receiver = Arc::clone(receiver);
    tokio::spawn(async move {
        let counter = incarnation();
        let mut receiver = receiver.lock().await;
        while let Some(message) = receiver.recv().await {
            handle(message, &counter);
        }
    })
}

impl Supervised for FloorKept {
    const NAME: &'static str = "floor, mailbox kept";

    async fn start() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        let receiver = Arc::new(tokio::sync::Mutex::new(receiver));
        let mut running = spawn(&receiver);
        let task = Arc::new(Mutex::new(running.abort_handle()));
        let known = Arc::clone(&task);
        let replaces = tokio::spawn(async move {
            while running.await.is_err() {
                // Under the lock: the new one may answer, and be killed, before this line is done.
                let mut task = known.lock().expect("no panic under the lock");
                running = spawn(&receiver);
                *task = running.abort_handle();
            }
        });
        Self {
            sender,
            task,
            replaces,
        }
    }

    fn kill(&self) {
        self.task.lock().expect("no panic under the lock").abort();
    }

    fn panic(&self) {
        self.sender.send(Msg::Crash).expect("the receiver is kept");
    }

    async fn call(&mut self) -> Option<u64> {
        let (reply, answer) = oneshot::channel();
        let sent = self.sender.send(Msg::Total(reply));
        sent.expect("the receiver is kept");
        answer.await.ok()
    }

    async fn stop(self) {
        self.replaces.abort();
        self.kill();
    }
}
