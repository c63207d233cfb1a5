//! The end of a process, against everybody who has to do with it.

use std::task::Poll;
use std::time::Duration;

use shuttle::thread;

use super::check;
use super::end::End;
use super::server::{Dropped, Log, Msg, Note, Server, begin, run_process, start};
use crate::error::{CallError, CastError};
use crate::exit_reason::ExitReason;
use crate::reply::{self, Awaiting};
use crate::server_ref::ServerRef;
use schedules::{block_on, join, poll_once};

/// Arms no deadline.
const MAX: Duration = Duration::MAX;

fn ask(server: &ServerRef<Msg>) -> Result<u32, CallError> {
    block_on(server.call_timeout(|reply| Msg::Ask(1, reply), MAX))
}

fn keep(server: &ServerRef<Msg>) -> Result<u32, CallError> {
    block_on(server.call_timeout(Msg::Keep, MAX))
}

/// One is answered if the process gets to it, the other waits for an answer that never comes.
fn callers(end: End) {
    let (server, process) = start(Server::new(&Log::default()), usize::MAX);
    let (another, third) = (server.clone(), server.clone());
    let asks = thread::spawn(move || ask(&another));
    let keeps = thread::spawn(move || keep(&third));
    end.bring(&server, process);
    match asks.join().expect("it ends") {
        Ok(2) => {}
        Err(error) if end.explains(&error) => {}
        other => panic!("{end:?} does not explain {other:?}"),
    }
    let kept = keeps.join().expect("it ends").expect_err("nobody answers");
    assert!(end.explains(&kept), "{end:?} does not explain {kept:?}");
}

#[test]
fn each_caller_is_told_of_an_end() {
    End::check_each("callers", callers);
}

/// They wait for room in a mailbox that is full from the beginning.
fn waiting_senders(end: End) {
    let (server, number) = begin::<Msg>(1);
    server.cast(Msg::Pause).expect("there is room");
    let (another, third) = (server.clone(), server.clone());
    let process = run_process(&server, number, Server::new(&Log::default()));
    let asks = thread::spawn(move || ask(&another));
    let casts = thread::spawn(move || block_on(third.cast_wait(Msg::from((1, 1)))));
    end.bring(&server, process);
    match asks.join().expect("it ends") {
        Ok(2) => {}
        Err(error) if end.explains(&error) => {}
        other => panic!("{end:?} does not explain {other:?}"),
    }
    match casts.join().expect("it ends") {
        Ok(()) | Err(CastError::NoProc(Msg::Note(_))) => {}
        Err(_) => panic!("a message that waited did not come back"),
    }
}

#[test]
fn who_waits_for_room_is_told_of_an_end() {
    End::check_each("waiting senders", waiting_senders);
}

/// What must be over before anybody hears of an end: the state is dropped, and the caller is told.
struct Before {
    dropped: Dropped,
    call: Awaiting<u32>,
}

impl Before {
    fn assert_over(mut self) {
        assert!(self.dropped.is_true(), "the state is not dropped");
        let told = poll_once(&mut std::future::poll_fn(|cx| self.call.poll(cx)));
        assert!(
            matches!(told, Poll::Ready(Err(_))),
            "the caller is not told"
        );
    }
}

fn monitors(end: End) {
    let (server, number) = begin::<Msg>(usize::MAX);
    let (state, dropped) = Server::marked(&Log::default());
    let before = || {
        let (reply, call) = reply::pair(None);
        server.cast(Msg::Keep(reply)).expect("it is not begun");
        Before {
            dropped: dropped.clone(),
            call,
        }
    };
    let (for_monitor, for_another) = (before(), before());
    let process = run_process(&server, number, state);
    let pid = server.pid().expect("it is begun");
    let monitors = thread::spawn(move || match block_on(pid.monitor()) {
        // Asked for after the end.
        ExitReason::NoProc => {}
        reason => {
            assert!(end.is_told_by(&reason), "{end:?} is told as {reason:?}");
            for_monitor.assert_over();
        }
    });
    let another = server.clone();
    let waits = thread::spawn(move || {
        // It is watched from here on, which may be in the midst of the end.
        if let Some(pid) = another.pid()
            && !matches!(block_on(pid.monitor()), ExitReason::NoProc)
        {
            for_another.assert_over();
        }
    });
    end.bring(&server, process);
    assert!(dropped.is_true());
    monitors.join().expect("it ends");
    waits.join().expect("it ends");
}

#[test]
fn who_monitors_is_told_once_all_is_over() {
    End::check_each("monitors", monitors);
}

/// A stop takes its turn, and returns when all is over.
fn stop_against(kill: bool) {
    let log = Log::default();
    let (server, number) = begin::<Msg>(usize::MAX);
    let (state, dropped) = Server::marked(&log);
    let process = run_process(&server, number, state);
    let another = server.clone();
    let casts = thread::spawn(move || another.cast(Msg::from((2, 1))).is_ok());
    let pid = server.pid().expect("it is begun");
    let kills = thread::spawn(move || {
        if kill {
            pid.kill();
        }
    });
    let first = u64::from(server.cast(Msg::from((1, 1))).is_ok());
    match block_on(server.stop_with(ExitReason::Shutdown)) {
        Ok(()) => {
            assert_eq!(log.of(1), [1], "a stop overtook a message");
            assert!(dropped.is_true());
        }
        Err(_) => assert!(kill, "nothing else ends it"),
    }
    join(process);
    kills.join().expect("it ends");
    let accepted = first + u64::from(casts.join().expect("it ends"));
    let info = server.info();
    assert_eq!(info.handled + info.dropped as u64, accepted);
}

#[test]
fn a_stop_comes_after_what_was_sent_before_it() {
    check("a stop comes after what was sent", || stop_against(false));
    check("a stop against a kill", || stop_against(true));
}

/// Whatever is accepted is handled or counted as dropped.
fn conservation(end: End, capacity: usize) {
    let (log, dropped) = (Log::default(), Log::default());
    let (server, process) = start(Server::new(&log), capacity);
    let (another, third) = (server.clone(), server.recipient::<(u32, u32)>());
    let casts = thread::spawn(move || {
        let waited = block_on(another.cast_wait(Msg::from((1, 1))));
        let cast = another.cast(Msg::from((1, 2)));
        u64::from(waited.is_ok()) + u64::from(cast.is_ok())
    });
    let makes = thread::spawn(move || {
        (1..=2)
            .map(|number| u64::from(third.cast((2, number)).is_ok()))
            .sum::<u64>()
    });
    let own = u64::from(server.cast(Note::logged(3, 1, &dropped)).is_ok());
    let sent = end.bring(&server, process);
    let accepted = casts.join().expect("it ends") + makes.join().expect("it ends") + own;
    let info = server.info();
    assert_eq!(
        info.handled + info.dropped as u64,
        accepted + u64::from(sent)
    );
    assert_eq!(info.mailbox_len, 0);
    assert!(log.of(1).is_sorted() && log.of(2).is_sorted());
    assert_eq!(log.of(3).len() + dropped.of(3).len(), 1);
    assert!(log.all().len() as u64 <= info.handled);
}

#[test]
fn what_is_accepted_is_handled_or_counted_as_dropped() {
    End::check_each("what is accepted", |end| conservation(end, usize::MAX));
    End::check_each("what is accepted in one place", |end| conservation(end, 1));
}
