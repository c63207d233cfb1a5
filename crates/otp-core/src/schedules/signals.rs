//! What overtakes the queue: suspensions, looks into the state, and calls that aborted tasks left.

use std::future::pending;

use shuttle::future::JoinHandle;
use shuttle::thread;

use super::check;
use super::end::End;
use super::server::{Log, Msg, Server, start};
use crate::background;
use crate::error::{CallError, InspectError};
use crate::exit_reason::ExitReason;
use crate::inbox::inbox;
use crate::reply::{self, Awaiting};
use crate::server_ref::ServerRef;
use crate::sync::Arc;
use schedules::{assert_unlocked, block_on, join, spawn};

/// Suspends the server for a while, in which nothing may be handled. The handle goes before the
/// suspension does.
fn suspend(server: ServerRef<Msg>, log: &Log) -> Result<(), CallError> {
    let suspended = block_on(server.suspend())?;
    let before = log.all().len();
    thread::yield_now();
    drop(server);
    assert_eq!(
        log.all().len(),
        before,
        "a suspended server handled something"
    );
    drop(suspended);
    Ok(())
}

fn kept(state: &Server) -> usize {
    assert_unlocked();
    state.kept.len()
}

fn two_suspensions() {
    let log = Log::default();
    let (server, process) = start(Server::new(&log), usize::MAX);
    let suspends = [server.clone(), server.clone()].map(|server| {
        let log = log.clone();
        thread::spawn(move || suspend(server, &log).expect("it runs"))
    });
    for number in [1, 2] {
        server.cast(Msg::from((1, number))).expect("it runs");
    }
    drop(server);
    for suspends in suspends {
        suspends.join().expect("it ends");
    }
    join(process);
    assert_eq!(log.of(1), [1, 2]);
}

#[test]
fn a_suspended_server_rests_and_goes_on() {
    check("a suspended server rests and goes on", two_suspensions);
}

/// A suspension, and a look into the state, of a server that ends.
fn signals_against(end: End) {
    let log = Log::default();
    let (server, process) = start(Server::new(&log), usize::MAX);
    let (another, third) = (server.clone(), server.clone());
    let suspends = thread::spawn({
        let log = log.clone();
        move || suspend(another, &log)
    });
    let looks = thread::spawn(move || block_on(third.inspect(kept)));
    let _ = server.cast(Msg::from((1, 1)));
    end.bring(&server, process);
    if let Err(error) = suspends.join().expect("it ends") {
        assert!(end.explains(&error), "{end:?} does not explain {error:?}");
    }
    match looks.join().expect("it ends") {
        Ok(0) => {}
        Err(InspectError::Call(error)) if end.explains(&error) => {}
        other => panic!("{end:?} does not explain {other:?}"),
    }
}

#[test]
fn who_suspends_or_inspects_is_told_of_an_end() {
    End::check_each("signals", signals_against);
}

/// Two looks into the state of one who is looked at by turns: neither is forgotten.
fn two_looks() {
    let log = Log::default();
    let (server, process) = start(Server::new(&log), usize::MAX);
    let looks = [server.clone(), server.clone()].map(|server| {
        thread::spawn(move || {
            let seen = block_on(server.inspect(kept));
            assert!(matches!(seen, Ok(0)));
        })
    });
    server.cast(Msg::from((1, 1))).expect("it runs");
    drop(server);
    for looks in looks {
        looks.join().expect("it ends");
    }
    join(process);
    assert_eq!(log.of(1), [1]);
}

#[test]
fn every_look_into_the_state_is_answered() {
    check("every look into the state is answered", two_looks);
}

/// A background task of the server that holds a call and does nothing, and the caller's end.
fn holds_a_call(server: &ServerRef<Msg>) -> (JoinHandle<()>, Awaiting<u32>) {
    let (reply, answer) = reply::pair::<u32>(None);
    let work = async move {
        let _in_hand = reply;
        pending::<()>().await;
    };
    let map = |_: Result<(), ExitReason>| Msg::Pause;
    let (slot, number) = (Arc::clone(&server.slot), server.slot.number());
    (spawn(background::run(slot, number, 0, work, map)), answer)
}

async fn outcome(mut answer: Awaiting<u32>) -> Result<u32, CallError> {
    std::future::poll_fn(|cx| answer.poll(cx)).await
}

/// Background tasks are aborted with a call in their hand. It is the process that settles it: at a
/// message boundary, or by its end.
fn aborted_tasks(end: Option<End>) {
    let (server, process) = start(Server::new(&Log::default()), usize::MAX);
    let callers = [holds_a_call(&server), holds_a_call(&server)].map(|(task, answer)| {
        thread::spawn(move || {
            task.abort();
            block_on(outcome(answer)).expect_err("nobody answers")
        })
    });
    let process = match end {
        Some(end) => {
            end.bring(&server, process);
            None
        }
        None => Some(process),
    };
    for caller in callers {
        match caller.join().expect("it ends") {
            CallError::NoReply => {}
            error => assert!(end.is_some_and(|end| end.explains(&error)), "{error:?}"),
        }
    }
    drop(server);
    process.into_iter().for_each(join);
}

#[test]
fn what_aborted_tasks_left_unanswered_is_settled() {
    check("aborted tasks", || aborted_tasks(None));
    End::check_each("aborted tasks", |end| aborted_tasks(Some(end)));
}

/// An inbox has no state to show, and says so to each who asks.
fn looks_at_an_inbox() {
    let (address, mut inbox) = inbox::<Msg>();
    let looks = [(); 3].map(|()| {
        let address = address.clone();
        thread::spawn(move || {
            let seen = block_on(address.inspect(|_: &Server| ()));
            assert!(matches!(seen, Err(InspectError::OtherState { .. })));
        })
    });
    drop(address);
    assert!(block_on(inbox.recv()).is_none());
    for looks in looks {
        looks.join().expect("it ends");
    }
}

#[test]
fn every_look_at_an_inbox_is_answered() {
    check("every look at an inbox is answered", looks_at_an_inbox);
}
