//! The floor: a spawned task with a channel, known to nobody but the one who started it.

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Dynamic;
use crate::contenders::FLOOR;
use crate::harness::counter::Counter;

pub(crate) struct Floor;

/// The address of a worker, and what tells when it has ended.
pub(crate) struct Worker {
    sender: mpsc::UnboundedSender<u64>,
    task: JoinHandle<()>,
}

impl Worker {
    async fn end(self) {
        drop(self.sender);
        self.task.await.expect("a worker does not panic");
    }
}

impl Dynamic for Floor {
    const NAME: &'static str = FLOOR;
    type Worker = Worker;

    async fn new() -> Self {
        Self
    }

    async fn start_child(&self) -> Worker {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let mut counter = Counter::new();
        let task = tokio::spawn(async move {
            while let Some(n) = receiver.recv().await {
                counter.add(n);
            }
        });
        Worker { sender, task }
    }

    async fn terminate_child(&self, worker: Worker) {
        worker.end().await;
    }

    async fn stop(&self, workers: Vec<Worker>) {
        // All are told before any is waited for.
        let tasks: Vec<_> = workers.into_iter().map(|worker| worker.task).collect();
        for task in tasks {
            task.await.expect("a worker does not panic");
        }
    }
}
