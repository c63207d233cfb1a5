//! ractor: a supervising actor that is told of the end and, by hand, starts the next one.

use ractor::rpc::CallResult;
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio::sync::{oneshot, watch};

use super::current::Current;
use super::{CRASH, Supervised, incarnation};
use crate::harness::counter::Counter;

/// ractor leaves it to the supervisor to start again, and each incarnation has an address of its own.
pub(crate) struct Ractor {
    supervisor: ActorRef<()>,
    current: Current<ActorRef<Msg>>,
}

struct Worker;

pub(crate) enum Msg {
    Crash,
    Total(RpcReplyPort<u64>),
}

impl Actor for Worker {
    type Msg = Msg;
    type State = Counter;
    type Arguments = ();

    async fn pre_start(
        &self,
        _myself: ActorRef<Msg>,
        _arguments: (),
    ) -> Result<Counter, ActorProcessingErr> {
        Ok(incarnation())
    }

    async fn handle(
        &self,
        _myself: ActorRef<Msg>,
        message: Msg,
        counter: &mut Counter,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            Msg::Crash => panic!("{CRASH}"),
            Msg::Total(reply) => reply.send(counter.total())?,
        }
        Ok(())
    }
}

struct Parent;

impl Parent {
    async fn worker(myself: &ActorRef<()>) -> Result<ActorRef<Msg>, ActorProcessingErr> {
        let (worker, _) = Actor::spawn_linked(None, Worker, (), myself.get_cell()).await?;
        Ok(worker)
    }
}

impl Actor for Parent {
    type Msg = ();
    type State = watch::Sender<ActorRef<Msg>>;
    type Arguments = oneshot::Sender<Current<ActorRef<Msg>>>;

    async fn pre_start(
        &self,
        myself: ActorRef<()>,
        started: Self::Arguments,
    ) -> Result<Self::State, ActorProcessingErr> {
        let (known, current) = Current::new(Self::worker(&myself).await?);
        let _ = started.send(current);
        Ok(known)
    }

    async fn handle_supervisor_evt(
        &self,
        myself: ActorRef<()>,
        event: SupervisionEvent,
        known: &mut Self::State,
    ) -> Result<(), ActorProcessingErr> {
        if let SupervisionEvent::ActorTerminated(..) | SupervisionEvent::ActorFailed(..) = event {
            let _ = known.send(Self::worker(&myself).await?);
        }
        Ok(())
    }
}

impl Supervised for Ractor {
    const NAME: &'static str = "ractor";

    async fn start() -> Self {
        let (started, current) = oneshot::channel();
        let (supervisor, _) = Actor::spawn(None, Parent, started)
            .await
            .expect("the supervisor starts");
        Self {
            supervisor,
            current: current.await.expect("the actor starts"),
        }
    }

    fn kill(&self) {
        self.current.address().kill();
    }

    fn panic(&self) {
        let sent = self.current.address().cast(Msg::Crash);
        sent.expect("the actor runs");
    }

    async fn call(&mut self) -> Option<u64> {
        let call = |address: ActorRef<Msg>| async move {
            match address.call(Msg::Total, None).await {
                Ok(CallResult::Success(total)) => Some(total),
                _ => None,
            }
        };
        self.current.call(call).await
    }

    async fn stop(self) {
        let stopped = self.supervisor.stop_and_wait(None, None).await;
        stopped.expect("the supervisor stops");
    }
}
