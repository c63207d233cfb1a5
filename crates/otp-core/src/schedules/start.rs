//! Who waits for `init`, against the process that runs it.

use shuttle::thread;

use super::check;
use super::server::{Init, Log, Msg, Server, begin, run_process};
use crate::error::StartError;
use crate::exit_reason::ExitReason;
use crate::server_ref::ServerRef;
use crate::start::Starting;
use schedules::{block_on, join, poll_once};

/// The future of a start whose process runs already.
fn starting(handle: ServerRef<Msg>, number: u64) -> Starting<Server> {
    Starting {
        server: None,
        number,
        handle: Some(handle),
        parent: None,
        name: None,
        waiting: None,
    }
}

fn start_against_kill(init: Init) {
    let (server, number) = begin(usize::MAX);
    let (state, dropped) = Server::marked(&Log::default());
    let pid = server.pid().expect("it is begun");
    let process = run_process(&server, number, Server { init, ..state });
    let kills = thread::spawn(move || pid.kill());
    match block_on(starting(server, number)) {
        // The kill may have come after.
        Ok(server) => assert!(!matches!(init, Init::Fails), "{server:?}"),
        Err(StartError::Failed(reason)) => {
            let killed = matches!(reason, ExitReason::Killed);
            assert!(killed || matches!(init, Init::Fails), "{reason}");
            assert!(dropped.is_true(), "something is left of the server");
        }
        Err(other) => panic!("{other}"),
    }
    kills.join().expect("it ends");
    join(process);
}

#[test]
fn who_starts_a_server_is_told_what_became_of_it() {
    check("a start against a kill", || start_against_kill(Init::Slow));
    check("a start that fails, against a kill", || {
        start_against_kill(Init::Fails);
    });
}

/// The future of a start is dropped: then the process goes too.
fn start_given_up(init: Init) {
    let (server, number) = begin(usize::MAX);
    let (state, dropped) = Server::marked(&Log::default());
    let process = run_process(&server, number, Server { init, ..state });
    let mut starting = starting(server, number);
    let started = poll_once(&mut starting);
    drop((started, starting));
    join(process);
    assert!(dropped.is_true());
}

#[test]
fn a_start_that_is_given_up_leaves_no_process() {
    check("a start that is given up", || start_given_up(Init::Slow));
    check("a start that fails and is given up", || {
        start_given_up(Init::Fails);
    });
}
