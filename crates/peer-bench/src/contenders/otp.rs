//! otp-core: a `GenServer` with an enum message and replies inside it.

use std::future::Future;
use std::time::Duration;

use otp_core::{Context, ExitReason, GenServer, ReplyTo, ServerOptions, ServerRef};

use tokio::sync::oneshot;

use super::floor_bounded::ROOM;
use super::{Contender, OTP};
use crate::harness::counter::Counter;

/// A server with default options, `init` awaited, calls with their default time limit of 5 s; ended by dropping the last handle.
pub(crate) struct Otp;

/// The same, called without a time limit.
pub(crate) struct OtpWithoutTimeout;

/// The same over a bounded mailbox, where casting waits for room.
pub(crate) struct OtpBounded;

/// The same, ended by `stop`, one server after the other.
pub(crate) struct OtpStop;

struct Server(Counter);

pub(crate) enum Msg {
    Add(u64),
    Total(ReplyTo<u64>),
}

impl GenServer for Server {
    type Msg = Msg;

    async fn handle(&mut self, message: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match message {
            Msg::Add(n) => self.0.add(n),
            Msg::Total(reply) => reply.send(self.0.total()),
        }
        Ok(())
    }
}

impl Contender for Otp {
    const NAME: &'static str = OTP;
    type Address = ServerRef<Msg>;

    async fn start() -> Self::Address {
        otp_core::start(Server(Counter::new()))
            .await
            .expect("the server starts")
    }

    async fn call(address: &Self::Address) -> u64 {
        address.call(Msg::Total).await.expect("the server answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        assert!(address.cast(Msg::Add(n)).is_ok(), "the server runs");
    }

    async fn inside(body: impl Future<Output = Duration> + Send + 'static) -> Duration {
        let (done, taken) = oneshot::channel();
        let process = otp_core::spawn(async move {
            // Nobody left to be told means that the bench has been given up.
            let _ = done.send(body.await);
            Ok(())
        });
        process.expect("there is a runtime");
        taken.await.expect("the body does not panic")
    }
}

impl Contender for OtpWithoutTimeout {
    const NAME: &'static str = "otp-core, `Duration::MAX`";
    type Address = ServerRef<Msg>;

    async fn start() -> Self::Address {
        Otp::start().await
    }

    async fn call(address: &Self::Address) -> u64 {
        address
            .call_timeout(Msg::Total, Duration::MAX)
            .await
            .expect("the server answers")
    }

    async fn cast(address: &Self::Address, n: u64) {
        Otp::cast(address, n).await;
    }
}

impl Contender for OtpBounded {
    const NAME: &'static str = OTP;
    type Address = ServerRef<Msg>;

    async fn start() -> Self::Address {
        let options = ServerOptions::default().bounded(ROOM);
        otp_core::start_with(Server(Counter::new()), options)
            .await
            .expect("the server starts")
    }

    async fn call(address: &Self::Address) -> u64 {
        Otp::call(address).await
    }

    async fn cast(address: &Self::Address, n: u64) {
        let sent = address.cast_wait(Msg::Add(n)).await;
        assert!(sent.is_ok(), "the server runs");
    }
}

impl Contender for OtpStop {
    const NAME: &'static str = "otp-core, `stop().await` in turn";
    type Address = ServerRef<Msg>;

    async fn start() -> Self::Address {
        Otp::start().await
    }

    async fn call(address: &Self::Address) -> u64 {
        Otp::call(address).await
    }

    async fn cast(address: &Self::Address, n: u64) {
        Otp::cast(address, n).await;
    }

    async fn stop_all(addresses: Vec<Self::Address>) {
        for address in &addresses {
            let _ = address.stop().await;
        }
    }
}
