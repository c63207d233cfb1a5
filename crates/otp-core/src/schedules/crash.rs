//! A crash on request, against whatever else ends the process.

use shuttle::thread;

use super::check;
use crate::context::Context;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::inbox::inbox;
use crate::reply::ReplyTo;
use crate::server_ref::ServerRef;
use crate::spawn::task_process;
use crate::sync::Arc;
use schedules::{block_on, join, spawn};

use super::actor::Notes;
use super::server::{begin, run_process};

enum Do {
    Ask(ReplyTo<u32>),
    Pause,
    Fail,
}

/// Writes down how it is ended.
struct Ends(Notes);

impl GenServer for Ends {
    type Msg = Do;

    async fn handle(&mut self, msg: Do, _: &mut Context<Do>) -> Result<(), ExitReason> {
        match msg {
            Do::Ask(reply) => reply.send(1),
            Do::Pause => shuttle::future::yield_now().await,
            Do::Fail => return Err(ExitReason::boxed("asked to")),
        }
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Do>) {
        self.0.add(format!("terminate {reason}"));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Other {
    Nothing,
    Crash,
    Kill,
    Stop,
    Shutdown,
    Fails,
}

impl Other {
    const ALL: [(&'static str, Self); 6] = [
        ("nothing else", Self::Nothing),
        ("another one", Self::Crash),
        ("a kill", Self::Kill),
        ("a stop", Self::Stop),
        ("a shutdown", Self::Shutdown),
        ("an error", Self::Fails),
    ];

    fn bring(self, server: &ServerRef<Do>) {
        let Some(pid) = server.pid() else { return };
        match self {
            Self::Nothing => {}
            Self::Crash => pid.crash("crash"),
            Self::Kill => pid.kill(),
            Self::Stop => {
                let _ = block_on(server.stop());
            }
            Self::Shutdown => {
                let _ = server
                    .slot
                    .signal(pid.number(), crate::signals::SHUTDOWN, |_| ());
            }
            Self::Fails => {
                let _ = server.cast(Do::Fail);
            }
        }
    }

    fn explains(self, reason: &str) -> bool {
        let other = match self {
            Self::Nothing | Self::Crash => "panicked: crash",
            Self::Kill => "killed",
            Self::Stop => "normal",
            Self::Shutdown => "shutdown",
            Self::Fails => "asked to",
        };
        reason == "panicked: crash" || reason == other
    }
}

/// It ends in one of the two ways; `terminate` runs once unless it was the kill; the caller is told.
fn crash_against(other: Other) {
    let notes = Notes::default();
    let (server, number) = begin::<Do>(usize::MAX);
    let pid = server.pid().expect("it is begun");
    let end = pid.monitor();
    let process = run_process(&server, number, Ends(notes.clone()));
    for message in [Do::Pause, Do::Pause] {
        assert!(server.cast(message).is_ok());
    }
    let (asks, ends) = (server.clone(), server.clone());
    let asks =
        thread::spawn(move || block_on(asks.call_timeout(Do::Ask, std::time::Duration::MAX)));
    let ends = thread::spawn(move || other.bring(&ends));
    pid.crash("crash");
    let reason = block_on(end).to_string();
    assert!(other.explains(&reason), "{reason}");
    join(process);
    ends.join().expect("it ends");
    match asks.join().expect("it ends") {
        Ok(1) | Err(CallError::NoProc) => {}
        Err(CallError::Exited(told)) => assert_eq!(told.to_string(), reason),
        outcome => panic!("{outcome:?}"),
    }
    let seen = notes.all();
    if reason == "killed" {
        // It may have been at work already.
        assert!(seen.len() <= 1, "{seen:?}");
    } else if !seen.is_empty() {
        assert_eq!(seen.len(), 1, "{seen:?}");
    } else {
        // The crash came before it had started.
        assert_eq!(reason, "panicked: crash");
        assert_eq!(server.info().handled, 0);
    }
}

#[test]
fn a_crash_ends_a_server_once_whatever_else_does() {
    for (text, other) in Other::ALL {
        check(&format!("a crash and {text}"), move || crash_against(other));
    }
}

/// A server that is up terminates, whatever it was about when the crash came.
fn terminates_once_it_is_up(other: Other) {
    let notes = Notes::default();
    let (server, number) = begin::<Do>(usize::MAX);
    let process = run_process(&server, number, Ends(notes.clone()));
    let answer = block_on(server.call_timeout(Do::Ask, std::time::Duration::MAX));
    assert!(answer.is_ok());
    let pid = server.pid().expect("nothing has ended it");
    let end = pid.monitor();
    let another = server.clone();
    let ends = thread::spawn(move || other.bring(&another));
    pid.crash("crash");
    let reason = block_on(end).to_string();
    join(process);
    ends.join().expect("it ends");
    let seen = notes.all();
    assert_eq!(seen.len(), 1, "{seen:?}, and it ended by {reason}");
    assert!(other.explains(&reason), "{reason}");
}

#[test]
fn a_server_that_is_up_terminates_after_a_crash() {
    for (text, other) in Other::ALL {
        if other != Other::Kill {
            let name = format!("terminate after a crash and {text}");
            check(&name, move || terminates_once_it_is_up(other));
        }
    }
}

/// Who reads an inbox is woken, and the crash is the reason.
fn at_an_inbox() {
    let (address, mut inbox) = inbox::<Do>();
    let pid = inbox.pid();
    let end = pid.monitor();
    let casts = thread::spawn(move || address.cast(Do::Fail).is_ok());
    let crashes = thread::spawn(move || pid.crash("crash"));
    while block_on(inbox.recv()).is_some() {}
    crashes.join().expect("it ends");
    let _accepted = casts.join().expect("it ends");
    drop(inbox);
    let reason = block_on(end).to_string();
    // Its last handle may have gone before.
    assert!(
        reason == "panicked: crash" || reason == "normal",
        "{reason}"
    );
}

#[test]
fn who_waits_at_an_inbox_hears_of_a_crash() {
    check("a crash of an inbox", at_an_inbox);
}

/// A future that lets others run a few times.
fn of_a_task() {
    let slot = Arc::new(crate::slot::Slot::new(usize::MAX, None));
    let number = crate::ending::next_number();
    slot.begin(number, None);
    let pid = crate::pid::Pid::new(number, &slot);
    let end = pid.monitor();
    let process = spawn(task_process(Arc::clone(&slot), number, || async {
        for _ in 0..3 {
            shuttle::future::yield_now().await;
        }
        Ok(())
    }));
    let crashes = thread::spawn(move || pid.crash("crash"));
    let reason = block_on(end).to_string();
    assert!(
        reason == "panicked: crash" || reason == "normal",
        "{reason}"
    );
    join(process);
    crashes.join().expect("it ends");
    assert_eq!(slot.number(), 0);
}

#[test]
fn a_plain_process_is_crashed_or_done() {
    check("a crash of a plain process", of_a_task);
}
