//! otp-core without a supervisor: `start`, and `stop` in turn.

use otp_core::ServerRef;

use super::Dynamic;
use crate::contenders::supervised::otp::{Msg, worker};

/// The name of it in every table.
pub(crate) const ALONE: &str = "otp-core, `start` alone";

pub(crate) struct Alone;

impl Dynamic for Alone {
    const NAME: &'static str = ALONE;
    type Worker = ServerRef<Msg>;

    async fn new() -> Self {
        Self
    }

    async fn start_child(&self) -> ServerRef<Msg> {
        let server = otp_core::start(worker()).await;
        server.expect("the server starts")
    }

    async fn terminate_child(&self, worker: ServerRef<Msg>) {
        worker.stop().await.expect("the server runs");
    }

    async fn stop(&self, workers: Vec<ServerRef<Msg>>) {
        for worker in workers {
            worker.stop().await.expect("the server runs");
        }
    }
}
