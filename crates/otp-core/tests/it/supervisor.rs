//! Supervisors, beyond what the replayed traces of OTP's own tell.

mod addresses;
mod backoff;
mod calls;
mod contract;
mod events;
mod extremes;
mod faults;
mod given_up;
mod listeners;
mod panics;
mod parents;
mod runtimes;
mod stopping;
mod tasks;

use otp_core::{
    Child, ChildInfo, ChildState, ExitReason, Inbox, Recipient, ServerRef, Strategy, Supervisor,
    SupervisorEvent, SupervisorRef, inbox,
};

use crate::support::{Log, Msg, Probe, quiet};

/// A supervisor that bears whatever comes.
pub(crate) fn patient(strategy: Strategy) -> Supervisor {
    Supervisor::new(strategy).intensity(usize::MAX, std::time::Duration::from_secs(1))
}

/// A child that does what it is told, and writes down its ends.
pub(crate) fn probe(id: &'static str, log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || Probe::new(&log))
}

/// A child that writes down when it starts and when it ends, by its id: `up id`, `down id: reason`.
pub(crate) fn named(id: &'static str, log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        let (up, down) = (log.clone(), log.on_drop(format!("dropped {id}")));
        let inside = log.clone();
        Probe::new(&Log::default())
            .on_init(move |_, _| {
                up.note(format!("up {id}"));
                Box::pin(async { Ok(()) })
            })
            .on_terminate(move |_, _| {
                inside.note(format!("down {id}"));
                drop(down);
                Box::pin(async { Ok(()) })
            })
    })
}

pub(crate) fn boom() -> ExitReason {
    ExitReason::boxed("boom")
}

/// Has a child end with an error, and lets its supervisor do what it does then.
pub(crate) async fn crash(server: &ServerRef<Msg>) {
    server.cast(Msg::end(boom())).unwrap();
    quiet().await;
}

pub(crate) async fn state(tree: &SupervisorRef, id: &str) -> ChildState {
    child(tree, id).await.unwrap().state
}

pub(crate) async fn child(tree: &SupervisorRef, id: &str) -> Option<ChildInfo> {
    let mut children = tree.which_children().await.unwrap().into_iter();
    children.find(|child| &*child.id == id)
}

/// Hears the events of a tree, and gives its processes numbers of their own.
pub(crate) struct Events {
    inbox: Inbox<SupervisorEvent>,
    pids: Vec<String>,
}

impl Events {
    pub(crate) fn new() -> (Self, Recipient<SupervisorEvent>) {
        let (address, inbox) = inbox();
        let events = Self {
            inbox,
            pids: Vec::new(),
        };
        (events, address.recipient())
    }

    /// What happened since the last look, a line each.
    pub(crate) fn take(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(event) = self.inbox.try_recv() {
            let line = event.to_string();
            lines.push(match event.pid() {
                Some(pid) => {
                    let pid = pid.to_string();
                    let known = self.pids.iter().position(|known| *known == pid);
                    let number = known.unwrap_or_else(|| {
                        self.pids.push(pid.clone());
                        self.pids.len() - 1
                    });
                    line.replace(&pid, &format!("<{number}>"))
                }
                None => line,
            });
        }
        lines
    }
}
