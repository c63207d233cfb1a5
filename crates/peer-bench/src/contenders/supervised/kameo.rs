//! kameo: its own supervision, by which an actor keeps its mailbox; its address can kill the first incarnation only.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};

use super::{CRASH, Supervised, incarnation};
use crate::harness::counter::Counter;

/// A supervising actor, and its child, which tells each time it starts how it can be killed.
pub(crate) struct Kameo {
    supervisor: ActorRef<Parent>,
    worker: ActorRef<Worker>,
    killable: Killable,
}

/// The address that the running incarnation was started with.
type Killable = Arc<Mutex<Option<ActorRef<Worker>>>>;

struct Parent;

impl Actor for Parent {
    type Args = ();
    type Error = Infallible;

    async fn on_start(_arguments: (), _actor_ref: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

struct Worker(Counter);

impl Actor for Worker {
    type Args = Killable;
    type Error = Infallible;

    async fn on_start(killable: Killable, actor_ref: ActorRef<Self>) -> Result<Self, Infallible> {
        *killable.lock().expect("no panic under the lock") = Some(actor_ref);
        Ok(Self(incarnation()))
    }
}

struct Crash;

struct Total;

impl Message<Crash> for Worker {
    type Reply = ();

    async fn handle(&mut self, _message: Crash, _context: &mut Context<Self, ()>) {
        panic!("{CRASH}");
    }
}

impl Message<Total> for Worker {
    type Reply = u64;

    async fn handle(&mut self, _message: Total, _context: &mut Context<Self, u64>) -> u64 {
        self.0.total()
    }
}

impl Supervised for Kameo {
    const NAME: &'static str = "kameo";

    async fn start() -> Self {
        let supervisor = Parent::spawn_with_mailbox((), mailbox::unbounded());
        let killable = Killable::default();
        let worker = Worker::supervise(&supervisor, Arc::clone(&killable))
            .restart_limit(u32::MAX, Duration::from_secs(5))
            .spawn_with_mailbox(mailbox::unbounded())
            .await;
        worker.wait_for_startup().await;
        Self {
            supervisor,
            worker,
            killable,
        }
    }

    fn kill(&self) {
        let killable = self.killable.lock().expect("no panic under the lock");
        killable.as_ref().expect("the actor has started").kill();
    }

    fn panic(&self) {
        let sent = self.worker.tell(Crash).try_send();
        sent.expect("the mailbox is kept");
    }

    async fn call(&mut self) -> Option<u64> {
        self.worker.ask(Total).send().await.ok()
    }

    async fn stop(self) {
        self.supervisor.kill();
        self.supervisor.wait_for_shutdown().await;
    }
}
