//! ractor: an enum message, replies by `RpcReplyPort`.

use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort};

use super::Contender;
use crate::harness::counter::Counter;

/// A ractor actor, its `pre_start` awaited.
pub(crate) struct Ractor;

struct Behaviour;

pub(crate) enum Msg {
    Add(u64),
    Total(RpcReplyPort<u64>),
}

impl Actor for Behaviour {
    type Msg = Msg;
    type State = Counter;
    type Arguments = ();

    async fn pre_start(
        &self,
        _myself: ActorRef<Msg>,
        _arguments: (),
    ) -> Result<Counter, ActorProcessingErr> {
        Ok(Counter::new())
    }

    async fn handle(
        &self,
        _myself: ActorRef<Msg>,
        message: Msg,
        counter: &mut Counter,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Add(n) => counter.add(n),
            Msg::Total(reply) => reply.send(counter.total())?,
        }
        Ok(())
    }
}

impl Contender for Ractor {
    const NAME: &'static str = "ractor";
    type Address = ActorRef<Msg>;

    async fn start() -> Self::Address {
        Actor::spawn(None, Behaviour, ())
            .await
            .expect("the actor starts")
            .0
    }

    async fn call(address: &Self::Address) -> u64 {
        match address.call(Msg::Total, None).await {
            Ok(CallResult::Success(total)) => total,
            _ => panic!("the actor answers"),
        }
    }

    async fn cast(address: &Self::Address, n: u64) {
        address.cast(Msg::Add(n)).expect("the actor runs");
    }

    async fn stop_all(addresses: Vec<Self::Address>) {
        for address in &addresses {
            address.stop(None);
        }
    }
}
