//! A server that does what it is told in its handler, and writes down what it is told of others.

use std::sync::Mutex;

use shuttle::future::JoinHandle;

use crate::context::Context;
use crate::ending::next_number;
use crate::exit_reason::ExitReason;
use crate::exits::{Down, Exit};
use crate::gen_server::GenServer;
use crate::process::process;
use crate::reply::ReplyTo;
use crate::server_ref::ServerRef;
use crate::slot::Slot;
use crate::sync::Arc;
use schedules::{assert_unlocked, spawn};

/// Something to do in a handler.
type Work = Box<dyn FnOnce(&mut Context<Do>, &Notes) -> Result<(), ExitReason> + Send>;

pub(super) enum Do {
    Work(Work),
    /// To be answered when all that was sent before is done.
    Ping(ReplyTo<()>),
    /// Ends the process.
    Fail,
}

impl Do {
    pub(super) fn work(
        work: impl FnOnce(&mut Context<Self>, &Notes) -> Result<(), ExitReason> + Send + 'static,
    ) -> Self {
        Self::Work(Box::new(work))
    }

    pub(super) fn note(text: &'static str) -> Self {
        Self::work(move |_, notes| {
            notes.add(text);
            Ok(())
        })
    }
}

/// What was written down, in order. The lock is the standard library's: writing down is no place where
/// the checker may change threads.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(super) fn add(&self, text: impl Into<String>) {
        assert_unlocked();
        self.0.lock().expect("no panic under it").push(text.into());
    }

    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().expect("no panic under it").clone()
    }

    pub(super) fn count(&self, start: &str) -> usize {
        let all = self.all().into_iter();
        all.filter(|note| note.starts_with(start)).count()
    }
}

pub(super) struct Actor {
    pub(super) notes: Notes,
    pub(super) traps: bool,
}

impl GenServer for Actor {
    type Msg = Do;

    async fn init(&mut self, ctx: &mut Context<Do>) -> Result<(), ExitReason> {
        if self.traps {
            ctx.trap_exit();
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Do, ctx: &mut Context<Do>) -> Result<(), ExitReason> {
        match msg {
            Do::Work(work) => work(ctx, &self.notes),
            Do::Ping(reply) => {
                reply.send(());
                Ok(())
            }
            Do::Fail => Err(ExitReason::boxed("asked to")),
        }
    }

    async fn handle_exit(&mut self, exit: Exit, _: &mut Context<Do>) -> Result<(), ExitReason> {
        self.notes.add(format!("EXIT {}", exit.reason));
        Ok(())
    }

    async fn handle_down(&mut self, down: Down, _: &mut Context<Do>) -> Result<(), ExitReason> {
        self.notes.add(format!("DOWN {}", down.reason));
        Ok(())
    }
}

/// Starts an actor as `start` does, and runs its process as a thread of the checker.
pub(super) fn actor(traps: bool) -> (ServerRef<Do>, Notes, JoinHandle<()>) {
    let notes = Notes::default();
    let slot = Arc::new(Slot::new(usize::MAX, None));
    let number = next_number();
    slot.begin(number, None);
    let server = Actor {
        notes: notes.clone(),
        traps,
    };
    let running = spawn(process(Arc::clone(&slot), number, server));
    (ServerRef::first(slot), notes, running)
}
