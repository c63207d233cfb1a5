//! Dynamic supervisors, in both ways: one child after the other, and all at once.

mod addresses;
mod at_once;
mod cancel;
mod children;
mod events;
mod limits;
mod nested;
mod restarts;
mod stopping;
mod then;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::{Child, ChildState, DynamicSupervisor, DynamicSupervisorRef, ServerRef};

use crate::support::{Done, Log, Msg, Probe, secs};

/// A supervisor of each of the two kinds, that bears whatever comes.
fn both() -> [DynamicSupervisor; 2] {
    let patient = || DynamicSupervisor::new().intensity(usize::MAX, secs(1));
    [patient(), patient().at_once()]
}

/// A child that does what it is told.
fn plain(id: &'static str) -> Child<Msg> {
    crate::supervisor::probe(id, &Log::default())
}

/// A child whose `init` is told how often it was made before.
fn counted(
    id: &'static str,
    init: impl Fn(usize) -> Done + Send + Sync + 'static,
) -> (Child<Msg>, Arc<AtomicUsize>) {
    let made = Arc::new(AtomicUsize::new(0));
    let (counts, init) = (Arc::clone(&made), Arc::new(init));
    let child = Child::server(id, move || {
        let (before, init) = (counts.fetch_add(1, Ordering::SeqCst), Arc::clone(&init));
        Probe::new(&Log::default()).on_init(move |_, _| Box::pin(async move { init(before) }))
    });
    (child, made)
}

/// A child whose `init` never ends.
fn hangs(id: &'static str, log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        Probe::new(&log).on_init(|_, _| Box::pin(std::future::pending()))
    })
}

/// A child whose `terminate` never ends.
fn stays(id: &'static str, log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        Probe::new(&log).on_terminate(|_, _| Box::pin(std::future::pending()))
    })
}

/// What the children are doing, by their ids.
async fn states(supervisor: &DynamicSupervisorRef) -> Vec<(String, ChildState)> {
    let children = supervisor.which_children().await.unwrap().into_iter();
    let mut states: Vec<_> = children
        .map(|child| (child.id.to_string(), child.state))
        .collect();
    states.sort_by(|one, other| one.0.cmp(&other.0));
    states
}

/// The specifications and the active ones.
async fn numbers(supervisor: &DynamicSupervisorRef) -> (usize, usize) {
    let counts = supervisor.count_children().await.unwrap();
    (counts.specs, counts.active)
}

/// Nobody is behind an address any more, and nobody ever will be.
fn assert_closed(server: &ServerRef<Msg>) {
    assert!(!server.is_alive());
    assert!(server.cast(Msg::Note("refused")).is_err());
}
