//! What several modules need: implementations that do as they are told, and a world that sees what becomes of them.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use otp_core::Pid;
use patterns_behaviour::{
    Backoff, BoxFuture, DeadLetter, Dispatcher, DispatcherConfig, Hooks, StartError, Ticket,
};
use testing::{ms, settle};

/// What an attempt does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    Succeed,
    Fail,
    Panic,
    Hang,
    /// Takes so many milliseconds and succeeds.
    Take(u64),
    /// Has its process killed.
    Die,
    /// Succeeds, and its future panics when it is dropped.
    PanicInDrop,
}

/// What is delivered: it says itself what happens to it, attempt by attempt, and in the end it succeeds.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) id: usize,
    pub(crate) deeds: Mutex<VecDeque<Deed>>,
    census: Option<Census>,
}

impl Parcel {
    pub(crate) fn new(id: usize, deeds: &[Deed]) -> Self {
        Self {
            id,
            deeds: Mutex::new(deeds.iter().copied().collect()),
            census: None,
        }
    }

    pub(crate) fn counted(id: usize, deeds: &[Deed], census: &Census) -> Self {
        census.0.fetch_add(1, Ordering::SeqCst);
        let mut parcel = Self::new(id, deeds);
        parcel.census = Some(census.clone());
        parcel
    }
}

impl Clone for Parcel {
    fn clone(&self) -> Self {
        let deeds: Vec<_> = self.deeds.lock().unwrap().iter().copied().collect();
        match &self.census {
            Some(census) => Self::counted(self.id, &deeds, census),
            None => Self::new(self.id, &deeds),
        }
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        if let Some(Census(alive)) = &self.census {
            alive.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// How many there are.
#[derive(Debug, Clone, Default)]
pub(crate) struct Census(pub(crate) Arc<AtomicUsize>);

impl Census {
    pub(crate) fn alive(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// The trait of a user.
pub(crate) trait Port: Send + Sync {
    fn put<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Result<usize, String>>;
}

/// Does what the parcel says, and writes down which ones it was given.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    pub(crate) begun: Mutex<Vec<usize>>,
    pub(crate) done: Mutex<Vec<usize>>,
    at_once: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
    pub(crate) pid: Mutex<Option<Pid>>,
}

/// Says whether a delivery is under way, also if that is broken off.
struct Presence<'a>(&'a AtomicUsize);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A future that panics when it is dropped.
struct PanicsInDrop<'a>(BoxFuture<'a, Result<usize, String>>);

impl Future for PanicsInDrop<'_> {
    type Output = Result<usize, String>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl Drop for PanicsInDrop<'_> {
    fn drop(&mut self) {
        panic!("as told");
    }
}

impl Port for Scripted {
    fn put<'a>(&'a self, parcel: &'a Parcel) -> BoxFuture<'a, Result<usize, String>> {
        let deed = parcel.deeds.lock().unwrap().pop_front();
        let done: BoxFuture<'a, _> = Box::pin(async move {
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            let _presence = Presence(&self.at_once);
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            self.begun.lock().unwrap().push(parcel.id);
            *self.pid.lock().unwrap() = Pid::current();
            match deed.unwrap_or(Deed::Succeed) {
                Deed::Succeed | Deed::PanicInDrop => {}
                Deed::Fail => return Err(format!("no {}", parcel.id)),
                Deed::Panic => panic!("as told"),
                Deed::Hang => pending().await,
                Deed::Take(millis) => tokio::time::sleep(ms(millis)).await,
                Deed::Die => {
                    Pid::current().unwrap().kill();
                    pending::<()>().await;
                }
            }
            self.done.lock().unwrap().push(parcel.id);
            Ok(parcel.id)
        });
        match deed {
            Some(Deed::PanicInDrop) => Box::pin(PanicsInDrop(done)),
            _ => done,
        }
    }
}

pub(crate) type Ports = Dispatcher<dyn Port, Parcel, usize, String>;
pub(crate) type Letter = DeadLetter<Parcel, String>;
pub(crate) type PortTicket = Ticket<Parcel, usize, String>;

/// A config whose rests are 10 ms.
pub(crate) fn config() -> DispatcherConfig {
    DispatcherConfig {
        backoff: Backoff::constant(ms(10)),
        ..DispatcherConfig::default()
    }
}

pub(crate) async fn ports(config: DispatcherConfig) -> Ports {
    ports_with(config, Hooks::new()).await
}

pub(crate) async fn ports_with(
    config: DispatcherConfig,
    hooks: Hooks<Parcel, usize, String>,
) -> Ports {
    try_ports(config, hooks).await.unwrap()
}

pub(crate) async fn try_ports(
    config: DispatcherConfig,
    hooks: Hooks<Parcel, usize, String>,
) -> Result<Ports, StartError> {
    Dispatcher::start_with(config, hooks, |port: &Arc<dyn Port>, parcel: &Parcel| {
        port.put(parcel)
    })
    .await
}

/// A dispatcher with one implementation, of the name `a`.
pub(crate) async fn one_port(config: DispatcherConfig) -> (Ports, Arc<Scripted>) {
    let ports = ports(config).await;
    let port = Arc::new(Scripted::default());
    ports.add("a", Arc::clone(&port) as Arc<dyn Port>).unwrap();
    (ports, port)
}

/// Hooks that count reports: those delivered, and the dead letters.
pub(crate) fn counting() -> (
    Hooks<Parcel, usize, String>,
    Arc<AtomicUsize>,
    Arc<AtomicUsize>,
) {
    let (delivered, dead) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (one, two) = (Arc::clone(&delivered), Arc::clone(&dead));
    let hooks = Hooks::new()
        .on_delivered(move |_| {
            one.fetch_add(1, Ordering::SeqCst);
        })
        .on_dead_letter(move |_| {
            two.fetch_add(1, Ordering::SeqCst);
        });
    (hooks, delivered, dead)
}

/// Asserts that all that was accepted is somewhere, of each implementation.
pub(crate) fn assert_lawful<D: ?Sized, M, T, E>(dispatcher: &Dispatcher<D, M, T, E>) {
    for route in dispatcher.info().routes {
        let stats = route.stats;
        let somewhere =
            stats.delivered + stats.dead_letters() + stats.waiting as u64 + stats.under_way as u64;
        assert_eq!(stats.accepted, somewhere, "{route:?}");
    }
}

/// Lets time pass on the paused clock, from one timer to the next, and everything run that becomes due.
pub(crate) async fn let_pass(by: Duration) {
    tokio::time::sleep(by).await;
    settle().await;
}
