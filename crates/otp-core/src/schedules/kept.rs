//! A slot that is handed over from one incarnation to the next, as a supervisor does it.
//!
//! The supervisor itself needs the runtime's handle and its timers. What stands here for it does the same
//! steps with the same parts: it hears of ends in an inbox, begins the next incarnation, stops one, and
//! lets go of the slot.

mod hand_over;
mod stopping;

use std::future::poll_fn;
use std::sync::Mutex;

use shuttle::future::JoinHandle;

use super::actor::Notes;
use crate::context::Context;
use crate::ending::next_number;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::inbox::{Inbox, inbox};
use crate::keeper::Parent;
use crate::pid::Pid;
use crate::process::{Factory, process_made_by};
use crate::reply::ReplyTo;
use crate::server_ref::ServerRef;
use crate::signals::SHUTDOWN;
use crate::slot::Slot;
use crate::supervisor::NotStarted;
use crate::sync::Arc;
use schedules::{join, spawn};

use super::server::{Dropped, Log, Mark, Note};

/// What the child understands.
pub(super) enum Msg {
    Note(Note),
    Ask(u32, ReplyTo<u32>),
    Keep(ReplyTo<u32>),
    Pause,
    Fail,
}

impl Msg {
    /// A note that is written down in `dropped` if nobody handles it.
    pub(super) fn logged(sender: u32, number: u32, dropped: &Log) -> Self {
        Self::Note(Note {
            sender,
            number,
            dropped: Some(dropped.clone()),
        })
    }
}

/// The child: one incarnation of it.
pub(super) struct Server {
    log: Log,
    kept: Vec<ReplyTo<u32>>,
    _mark: Mark,
}

impl GenServer for Server {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Note(mut note) => {
                note.dropped = None;
                self.log.add(note.sender, note.number);
            }
            Msg::Ask(number, reply) => reply.send(number * 2),
            Msg::Keep(reply) => self.kept.push(reply),
            Msg::Pause => shuttle::future::yield_now().await,
            Msg::Fail => return Err(ExitReason::boxed("asked to")),
        }
        Ok(())
    }
}

/// What a child reports: which process has ended.
pub(super) struct Report(Pid);

struct Above {
    notes: Notes,
    reports: ServerRef<Report>,
}

impl Parent for Above {
    fn child_started(&self, pid: &Pid) {
        self.notes.add(format!("up {pid}"));
    }

    fn child_ended(&self, pid: &Pid, _: &ExitReason) {
        self.notes.add(format!("down {pid}"));
        let _ = self.reports.cast(Report(pid.clone()));
    }
}

/// What stands for a supervisor with one child.
pub(super) struct Keeper {
    slot: Arc<Slot<Msg>>,
    /// The specification's handle.
    kept: Option<ServerRef<Msg>>,
    /// What it was told of starts and ends.
    notes: Notes,
    /// What the child's incarnations handled.
    log: Log,
    reports: (ServerRef<Report>, Inbox<Report>),
    /// The states that were made; all but the last are dropped.
    states: Arc<Mutex<Vec<Dropped>>>,
    processes: Vec<JoinHandle<()>>,
    running: Option<Pid>,
}

impl Keeper {
    pub(super) fn new(capacity: usize) -> (Self, ServerRef<Msg>) {
        let slot = Arc::new(Slot::new(capacity, None));
        slot.keep();
        let kept = ServerRef::first(Arc::clone(&slot));
        let address = kept.clone();
        let keeper = Self {
            slot,
            kept: Some(kept),
            notes: Notes::default(),
            log: Log::default(),
            reports: inbox(),
            states: Arc::default(),
            processes: Vec::new(),
            running: None,
        };
        (keeper, address)
    }

    /// Starts the next incarnation, as `starting.rs` does.
    pub(super) async fn start(&mut self) -> Result<(), NotStarted> {
        let slot = &self.slot;
        poll_fn(|cx| slot.poll_over(cx)).await;
        assert_eq!(slot.number(), 0, "two at a time");
        let number = next_number();
        let above: Arc<dyn Parent> = Arc::new(Above {
            notes: self.notes.clone(),
            reports: self.reports.0.clone(),
        });
        let (log, states) = (self.log.clone(), Arc::clone(&self.states));
        let make: Factory<Server> = Arc::new(move || {
            let mut states = states.lock().expect("no panic under it");
            let gone = states.iter().all(Dropped::is_true);
            assert!(gone, "made before the state of the last one was dropped");
            let dropped = Dropped::default();
            states.push(dropped.clone());
            Server {
                log: log.clone(),
                kept: Vec::new(),
                _mark: Mark::new(dropped),
            }
        });
        let mut above = Some(above);
        let processes = &mut self.processes;
        poll_fn(|cx| {
            if let Some(above) = above.take() {
                slot.begin(number, Some(cx.waker().clone()));
                slot.adopt(number, above);
                processes.push(spawn(process_made_by(
                    Arc::clone(slot),
                    number,
                    Arc::clone(&make),
                )));
                return std::task::Poll::Pending;
            }
            slot.poll_start(number, cx)
        })
        .await?;
        self.running = Some(Pid::new(number, &self.slot));
        Ok(())
    }

    /// Waits for the end of the incarnation that runs, and starts the next one.
    pub(super) async fn restart(&mut self) {
        while let Some(Report(pid)) = self.reports.1.recv().await {
            if self.running.as_ref() != Some(&pid) {
                continue;
            }
            poll_fn(|cx| self.slot.poll_over(cx)).await;
            self.running = None;
            while let Err(NotStarted::Failed(_)) = self.start().await {}
            return;
        }
    }

    /// Stops the incarnation that runs, as `stopping.rs` does.
    pub(super) async fn stop(&mut self) {
        if let Some(pid) = self.running.take() {
            let end = pid.monitor();
            let _ = self.slot.signal(pid.number(), SHUTDOWN, |_| ());
            end.await;
            poll_fn(|cx| self.slot.poll_over(cx)).await;
            assert!(!pid.is_alive());
        }
    }

    pub(super) fn stop_waiting(&self) {
        self.slot.stop_waiting();
    }

    /// The specification is dropped.
    pub(super) fn release(&mut self) {
        self.slot.release();
        self.kept = None;
    }

    /// What is true of every child that is over.
    pub(super) fn finish(mut self) -> Notes {
        self.release();
        let processes = std::mem::take(&mut self.processes);
        for process in processes {
            join(process);
        }
        let states = self.states.lock().expect("no panic under it");
        assert!(states.iter().all(Dropped::is_true));
        drop(states);
        let inner = self.slot.inner.lock();
        assert!(inner.ended().is_some(), "it is not closed");
        assert!(inner.queue.is_empty() && inner.calls.is_none());
        drop(inner);
        // Each start that was told is followed by one end.
        let notes = self.notes.all();
        for pair in notes.chunks(2) {
            let [up, down] = pair else {
                panic!("{notes:?}")
            };
            assert_eq!(up.replace("up", "down"), *down, "{notes:?}");
        }
        self.notes.clone()
    }
}

/// How an incarnation ends of which the supervisor knows nothing before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Error,
    Kill,
    Crash,
}

impl Fate {
    pub(super) const ALL: [(&'static str, Self); 3] = [
        ("an error", Self::Error),
        ("a kill", Self::Kill),
        ("a crash", Self::Crash),
    ];

    pub(super) fn check_each(name: &str, scenario: fn(Self)) {
        for (text, fate) in Self::ALL {
            super::check(&format!("{name} and {text}"), move || scenario(fate));
        }
    }

    /// Brings it to incarnation `pid`; tells how many messages that took.
    pub(super) fn bring(self, server: &ServerRef<Msg>, pid: &Pid) -> u64 {
        match self {
            Self::Error => return u64::from(server.cast(Msg::Fail).is_ok()),
            Self::Kill => pid.kill(),
            Self::Crash => pid.crash("crash"),
        }
        0
    }
}
