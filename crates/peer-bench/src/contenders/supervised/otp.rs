//! otp-core: the child of a supervisor, called through the one address that it has for ever.

use std::sync::Arc;
use std::time::Duration;

use otp_core::{
    Child, Context, ExitReason, GenServer, ReplyTo, ServerRef, Strategy, Supervisor, SupervisorRef,
};

use super::{CRASH, Supervised, incarnation};
use crate::contenders::OTP;
use crate::harness::counter::Counter;

/// A supervisor with one child; calls with their default time limit of 5 s.
pub(crate) struct Otp {
    tree: SupervisorRef,
    worker: Address,
}

/// The address of a child, or of a server without a supervisor.
pub(crate) type Address = ServerRef<Msg>;

pub(crate) struct Worker(Counter);

pub(crate) enum Msg {
    Crash,
    Total(ReplyTo<u64>),
}

impl GenServer for Worker {
    type Msg = Msg;

    async fn handle(&mut self, message: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match message {
            Msg::Crash => panic!("{CRASH}"),
            Msg::Total(reply) => reply.send(self.0.total()),
        }
        Ok(())
    }
}

/// The server without a supervisor.
pub(crate) fn worker() -> Worker {
    Worker(incarnation())
}

/// The server as a child.
pub(crate) fn child(id: impl Into<Arc<str>>) -> Child<Msg> {
    Child::server(id, worker)
}

/// A supervisor that never gives up, as yet without children.
pub(crate) fn supervisor() -> Supervisor {
    Supervisor::new(Strategy::OneForOne).intensity(usize::MAX, Duration::from_secs(5))
}

/// Kills whoever runs the server at this moment.
pub(crate) fn kill(server: &Address) {
    server.pid().expect("the server runs").kill();
}

pub(crate) async fn call(server: &Address) -> u64 {
    server.call(Msg::Total).await.expect("the server answers")
}

impl Supervised for Otp {
    const NAME: &'static str = OTP;

    async fn start() -> Self {
        let child = child("worker");
        let worker = child.server_ref();
        let tree = supervisor().child(child).start().await;
        Self {
            tree: tree.expect("the supervisor starts"),
            worker,
        }
    }

    fn kill(&self) {
        kill(&self.worker);
    }

    fn panic(&self) {
        assert!(self.worker.cast(Msg::Crash).is_ok(), "the server runs");
    }

    async fn call(&mut self) -> Option<u64> {
        Some(call(&self.worker).await)
    }

    async fn stop(self) {
        self.tree.stop().await.expect("the supervisor stops");
    }
}
