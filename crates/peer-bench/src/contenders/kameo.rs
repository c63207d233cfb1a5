//! kameo: a type for each message, boxed on its way.

use std::convert::Infallible;

use kameo::Actor;
use kameo::actor::{ActorRef, Spawn};
use kameo::mailbox;
use kameo::message::{Context, Message};

use super::Contender;
use super::floor_bounded::ROOM;
use crate::harness::counter::Counter;

/// A kameo actor over an unbounded mailbox, its `on_start` awaited.
pub(crate) struct Kameo;

/// The same over a bounded mailbox, where telling waits for room.
pub(crate) struct KameoBounded;

pub(crate) struct Behaviour(Counter);

struct Add(u64);

struct Total;

impl Actor for Behaviour {
    type Args = ();
    type Error = Infallible;

    async fn on_start(_arguments: (), _actor_ref: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(Self(Counter::new()))
    }
}

impl Message<Add> for Behaviour {
    type Reply = ();

    async fn handle(&mut self, Add(n): Add, _context: &mut Context<Self, ()>) {
        self.0.add(n);
    }
}

impl Message<Total> for Behaviour {
    type Reply = u64;

    async fn handle(&mut self, _message: Total, _context: &mut Context<Self, u64>) -> u64 {
        self.0.total()
    }
}

impl Contender for Kameo {
    const NAME: &'static str = "kameo";
    type Address = ActorRef<Behaviour>;

    async fn start() -> Self::Address {
        let address = Behaviour::spawn_with_mailbox((), mailbox::unbounded());
        address.wait_for_startup().await;
        address
    }

    async fn call(address: &Self::Address) -> u64 {
        address.ask(Total).send().await.expect("the actor answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        address.tell(Add(n)).try_send().expect("the actor runs");
    }
}

impl Contender for KameoBounded {
    const NAME: &'static str = "kameo";
    type Address = ActorRef<Behaviour>;

    async fn start() -> Self::Address {
        let address = Behaviour::spawn_with_mailbox((), mailbox::bounded(ROOM));
        address.wait_for_startup().await;
        address
    }

    async fn call(address: &Self::Address) -> u64 {
        Kameo::call(address).await
    }

    async fn cast(address: &Self::Address, n: u64) {
        address.tell(Add(n)).send().await.expect("the actor runs");
    }
}
