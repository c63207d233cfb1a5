//! xtra: a type for each message, handlers per message.

use xtra::{Actor, Address, Context, Handler, Mailbox};

use super::Contender;
use super::floor_bounded::ROOM;
use crate::harness::counter::Counter;

/// An xtra actor over an unbounded mailbox; its start is not awaited, the crate has no way to.
pub(crate) struct Xtra;

/// The same over a bounded mailbox, where sending waits for room.
pub(crate) struct XtraBounded;

pub(crate) struct Behaviour(Counter);

struct Add(u64);

struct Total;

impl Actor for Behaviour {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Add> for Behaviour {
    type Return = ();

    async fn handle(&mut self, Add(n): Add, _context: &mut Context<Self>) {
        self.0.add(n);
    }
}

impl Handler<Total> for Behaviour {
    type Return = u64;

    async fn handle(&mut self, _message: Total, _context: &mut Context<Self>) -> u64 {
        self.0.total()
    }
}

impl Contender for Xtra {
    const NAME: &'static str = "xtra";
    type Address = Address<Behaviour>;

    async fn start() -> Self::Address {
        xtra::spawn_tokio(Behaviour(Counter::new()), Mailbox::unbounded())
    }

    async fn call(address: &Self::Address) -> u64 {
        address.send(Total).await.expect("the actor answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        let _receiver = address.send(Add(n)).detach().await.expect("the actor runs");
    }
}

impl Contender for XtraBounded {
    const NAME: &'static str = "xtra";
    type Address = Address<Behaviour>;

    async fn start() -> Self::Address {
        xtra::spawn_tokio(Behaviour(Counter::new()), Mailbox::bounded(ROOM))
    }

    async fn call(address: &Self::Address) -> u64 {
        Xtra::call(address).await
    }

    async fn cast(address: &Self::Address, n: u64) {
        Xtra::cast(address, n).await;
    }
}
