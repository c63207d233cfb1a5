//! The server of the scenarios: it writes down what it is told.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shuttle::future::{self, JoinHandle};

use crate::context::Context;
use crate::ending::next_number;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::process::process;
use crate::reply::ReplyTo;
use crate::server_ref::ServerRef;
use crate::slot::Slot;
use crate::sync::Arc;
use schedules::{assert_unlocked, spawn};

/// What was told, of senders by their number. The lock is the standard library's: writing down is no
/// place where the checker may change threads.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<(u32, u32)>>>);

impl Log {
    pub(super) fn add(&self, sender: u32, number: u32) {
        assert_unlocked();
        self.0
            .lock()
            .expect("no panic under it")
            .push((sender, number));
    }

    pub(super) fn all(&self) -> Vec<(u32, u32)> {
        self.0.lock().expect("no panic under it").clone()
    }

    /// What came of one sender, in the order in which it came.
    pub(super) fn of(&self, sender: u32) -> Vec<u32> {
        let all = self.all().into_iter();
        all.filter(|entry| entry.0 == sender)
            .map(|entry| entry.1)
            .collect()
    }
}

/// A numbered message, which is written down when it is dropped unhandled.
pub(super) struct Note {
    pub(super) sender: u32,
    pub(super) number: u32,
    pub(super) dropped: Option<Log>,
}

impl Note {
    pub(super) fn new(sender: u32, number: u32) -> Self {
        Self {
            sender,
            number,
            dropped: None,
        }
    }

    /// One that is written down in `dropped` if nobody handles it.
    pub(super) fn logged(sender: u32, number: u32, dropped: &Log) -> Msg {
        let dropped = Some(dropped.clone());
        Msg::Note(Self {
            sender,
            number,
            dropped,
        })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if let Some(log) = self.dropped.take() {
            log.add(self.sender, self.number);
        }
    }
}

pub(super) enum Msg {
    Note(Note),
    /// Answered at once, with the number doubled.
    Ask(u32, ReplyTo<u32>),
    /// Kept unanswered in the state.
    Keep(ReplyTo<u32>),
    /// The process lets others run before it is done with this.
    Pause,
    /// Ends the process.
    Fail,
}

impl From<(u32, u32)> for Msg {
    fn from((sender, number): (u32, u32)) -> Self {
        assert_unlocked();
        Self::Note(Note::new(sender, number))
    }
}

/// How a server begins.
#[derive(Clone, Copy)]
pub(super) enum Init {
    Plain,
    /// With what most never need: then the process comes back from waiting in another way.
    Rare,
    Slow,
    Fails,
}

/// A server that writes down its notes.
pub(super) struct Server {
    pub(super) log: Log,
    pub(super) kept: Vec<ReplyTo<u32>>,
    pub(super) init: Init,
    // After what is kept: when this is dropped, the state is.
    pub(super) _mark: Option<Mark>,
}

impl Server {
    pub(super) fn new(log: &Log) -> Self {
        Self {
            log: log.clone(),
            kept: Vec::new(),
            init: Init::Plain,
            _mark: None,
        }
    }

    /// A server, and what tells whether its state is dropped.
    pub(super) fn marked(log: &Log) -> (Self, Dropped) {
        let dropped = Dropped::default();
        let mark = Some(Mark(dropped.clone()));
        (
            Self {
                _mark: mark,
                ..Self::new(log)
            },
            dropped,
        )
    }
}

#[derive(Clone, Default)]
pub(super) struct Dropped(Arc<AtomicBool>);

impl Dropped {
    pub(super) fn is_true(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

pub(super) struct Mark(Dropped);

impl Mark {
    pub(super) fn new(dropped: Dropped) -> Self {
        Self(dropped)
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl GenServer for Server {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match self.init {
            Init::Plain => {}
            Init::Rare => {
                ctx.continue_with(Msg::from((0, 1)));
                ctx.idle_after(Duration::ZERO, Msg::from((0, 2)));
            }
            Init::Slow => future::yield_now().await,
            Init::Fails => {
                future::yield_now().await;
                return Err(ExitReason::boxed("asked to"));
            }
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Note(mut note) => {
                note.dropped = None;
                self.log.add(note.sender, note.number);
            }
            Msg::Ask(number, reply) => reply.send(number * 2),
            Msg::Keep(reply) => self.kept.push(reply),
            Msg::Pause => future::yield_now().await,
            Msg::Fail => return Err(ExitReason::boxed("asked to")),
        }
        Ok(())
    }
}

/// Begins a server as `start` does; the process is for [`run_process`].
pub(super) fn begin<M: Send + 'static>(capacity: usize) -> (ServerRef<M>, u64) {
    let slot = Arc::new(Slot::new(capacity, None));
    let number = next_number();
    slot.begin(number, None);
    (ServerRef::first(slot), number)
}

/// Runs the process of a server that was begun, as a thread of the checker.
pub(super) fn run_process<S: GenServer>(
    handle: &ServerRef<S::Msg>,
    number: u64,
    server: S,
) -> JoinHandle<()> {
    spawn(process(Arc::clone(&handle.slot), number, server))
}

pub(super) fn start<S: GenServer>(
    server: S,
    capacity: usize,
) -> (ServerRef<S::Msg>, JoinHandle<()>) {
    let (handle, number) = begin(capacity);
    let process = run_process(&handle, number, server);
    (handle, process)
}
