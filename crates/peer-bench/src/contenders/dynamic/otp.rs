//! otp-core: a `DynamicSupervisor`, in both of its modes.

use std::sync::Arc;
use std::time::Duration;

use otp_core::{DynamicSupervisor, DynamicSupervisorRef, ServerRef};

use super::Dynamic;
use crate::contenders::OTP;
use crate::contenders::supervised::otp::{Msg, child};

/// It waits for each start and each end before it begins the next, as in OTP.
pub(crate) struct OneByOne(Supervised);

/// It waits for none.
pub(crate) struct AtOnce(Supervised);

/// A supervisor that never gives up, and the id that all its children have.
struct Supervised {
    tree: DynamicSupervisorRef,
    id: Arc<str>,
}

impl Supervised {
    async fn start(plan: DynamicSupervisor) -> Self {
        let plan = plan.intensity(usize::MAX, Duration::from_secs(5));
        Self {
            tree: plan.start().await.expect("the supervisor starts"),
            id: Arc::from("worker"),
        }
    }

    async fn start_child(&self) -> ServerRef<Msg> {
        let server = self.tree.start_child(child(Arc::clone(&self.id))).await;
        server.expect("the child starts")
    }

    async fn terminate_child(&self, worker: &ServerRef<Msg>) {
        let pid = worker.pid().expect("the child runs");
        let ended = self.tree.terminate_child(&pid).await;
        ended.expect("it is a child");
    }

    async fn stop(&self) {
        self.tree.stop().await.expect("the supervisor stops");
    }
}

impl Dynamic for OneByOne {
    const NAME: &'static str = OTP;
    type Worker = ServerRef<Msg>;

    async fn new() -> Self {
        Self(Supervised::start(DynamicSupervisor::new()).await)
    }

    async fn start_child(&self) -> ServerRef<Msg> {
        self.0.start_child().await
    }

    async fn terminate_child(&self, worker: ServerRef<Msg>) {
        self.0.terminate_child(&worker).await;
    }

    async fn stop(&self, _workers: Vec<ServerRef<Msg>>) {
        self.0.stop().await;
    }
}

impl Dynamic for AtOnce {
    const NAME: &'static str = "otp-core, `at_once`";
    type Worker = ServerRef<Msg>;

    async fn new() -> Self {
        Self(Supervised::start(DynamicSupervisor::new().at_once()).await)
    }

    async fn start_child(&self) -> ServerRef<Msg> {
        self.0.start_child().await
    }

    async fn terminate_child(&self, worker: ServerRef<Msg>) {
        self.0.terminate_child(&worker).await;
    }

    async fn stop(&self, _workers: Vec<ServerRef<Msg>>) {
        self.0.stop().await;
    }
}
