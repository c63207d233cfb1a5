//! What kinds of processes a child can be, and how each is launched.

use std::convert::Infallible;
use std::future::Future;

use tokio::runtime::Handle;

use super::any_child::{AnyChild, Below};
use super::dynamic::{DynamicSupervisor, DynamicSupervisorMsg, DynamicSupervisorRef, DynamicTree};
use super::events::Place;
use super::handle::SupervisorRef;
use super::info::ChildKind;
use super::plan::Supervisor;
use super::stop_token::StopToken;
use super::tree::{SupervisorMsg, Tree};
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::mailbox::Told;
use crate::process::{Factory, process_made_by};
use crate::server_ref::ServerRef;
use crate::signals::SHUTDOWN;
use crate::slot::Slot;
use crate::spawn::task_process;
use crate::sync::{Arc, Mutex};

/// What kind of process a child is.
pub(super) trait Launcher<M>: Send + Sync {
    /// Runs incarnation `number` of the slot, at its place in the tree.
    fn launch(&self, runtime: &Handle, slot: Arc<Slot<M>>, number: u64, place: Place);
    /// Asks it to end in order.
    fn shut_down(&self, slot: &Slot<M>, number: u64);
    fn kind(&self) -> ChildKind {
        ChildKind::Worker
    }
    /// The children that it always has.
    fn below(&self) -> &[Arc<dyn AnyChild>] {
        &[]
    }
    fn supervisor(&self, _server: &ServerRef<M>) -> Option<Below> {
        None
    }
}

/// Servers, each made by the factory.
pub(super) struct Servers<S>(pub(super) Factory<S>);

impl<S: GenServer> Launcher<S::Msg> for Servers<S> {
    fn launch(&self, runtime: &Handle, slot: Arc<Slot<S::Msg>>, number: u64, _: Place) {
        runtime.spawn(process_made_by(slot, number, Arc::clone(&self.0)));
    }

    fn shut_down(&self, slot: &Slot<S::Msg>, number: u64) {
        // One that has ended meanwhile has done what is asked.
        let _ = slot.signal(number, SHUTDOWN, |_| ());
    }
}

/// Futures, each made by `work`.
pub(super) struct Tasks<W> {
    pub(super) work: Arc<W>,
    /// The token of the one that runs.
    pub(super) running: Mutex<Option<(u64, StopToken)>>,
}

impl<W, F> Launcher<Infallible> for Tasks<W>
where
    W: Fn(StopToken) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), ExitReason>> + Send + 'static,
{
    fn launch(&self, runtime: &Handle, slot: Arc<Slot<Infallible>>, number: u64, _: Place) {
        let (work, token) = (Arc::clone(&self.work), StopToken::default());
        let before = self.running.lock().replace((number, token.clone()));
        drop(before);
        runtime.spawn(task_process(slot, number, move || work(token)));
    }

    fn shut_down(&self, _: &Slot<Infallible>, number: u64) {
        let running = self.running.lock().clone();
        if let Some((_, token)) = running.filter(|(running, _)| *running == number) {
            token.request();
        }
    }
}

/// Supervisors, each with the children that it was given.
pub(super) struct Trees {
    pub(super) supervisor: Supervisor,
    /// What is wrong with it.
    pub(super) fault: Option<&'static str>,
}

impl Launcher<SupervisorMsg> for Trees {
    fn launch(&self, runtime: &Handle, slot: Arc<Slot<SupervisorMsg>>, number: u64, place: Place) {
        let (plan, fault) = (self.supervisor.copy(), self.fault);
        let make: Factory<Tree> = Arc::new(move || Tree::new(plan.copy(), fault, place.clone()));
        runtime.spawn(process_made_by(slot, number, make));
    }

    fn shut_down(&self, slot: &Slot<SupervisorMsg>, number: u64) {
        // In its turn: what the supervisor was asked before is done before.
        let _ = slot.tell(number, Told::Stop(ExitReason::Shutdown));
    }

    fn kind(&self) -> ChildKind {
        ChildKind::Supervisor
    }

    fn below(&self) -> &[Arc<dyn AnyChild>] {
        &self.supervisor.children
    }

    fn supervisor(&self, server: &ServerRef<SupervisorMsg>) -> Option<Below> {
        Some(Below::Supervisor(SupervisorRef::new(server.clone())))
    }
}

/// Dynamic supervisors, each without children at first.
pub(super) struct DynamicTrees(pub(super) DynamicSupervisor);

impl Launcher<DynamicSupervisorMsg> for DynamicTrees {
    fn launch(
        &self,
        runtime: &Handle,
        slot: Arc<Slot<DynamicSupervisorMsg>>,
        number: u64,
        place: Place,
    ) {
        let plan = self.0.clone();
        let make: Factory<DynamicTree> = Arc::new(move || DynamicTree::new(&plan, place.clone()));
        runtime.spawn(process_made_by(slot, number, make));
    }

    fn shut_down(&self, slot: &Slot<DynamicSupervisorMsg>, number: u64) {
        // In its turn: what the supervisor was asked before is done before.
        let _ = slot.tell(number, Told::Stop(ExitReason::Shutdown));
    }

    fn kind(&self) -> ChildKind {
        ChildKind::Supervisor
    }

    fn supervisor(&self, server: &ServerRef<DynamicSupervisorMsg>) -> Option<Below> {
        Some(Below::Dynamic(DynamicSupervisorRef::new(server.clone())))
    }
}
