//! A child is stopped, against its own end and against those who send to it.

use std::time::Duration;

use shuttle::thread;

use super::super::server::Log;
use super::{Fate, Keeper, Msg, Report};
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use schedules::block_on;

const MAX: Duration = Duration::MAX;

/// A stop returns when all is over, whatever ends the child. What it reports is stale then.
fn stop_against(fate: Fate) {
    let (mut keeper, server) = Keeper::new(usize::MAX);
    assert!(block_on(keeper.start()).is_ok());
    let pid = server.pid().expect("it runs");
    let ends = thread::spawn({
        let (server, pid) = (server.clone(), pid.clone());
        move || fate.bring(&server, &pid)
    });
    let keeps = thread::spawn({
        let server = server.clone();
        move || block_on(server.call_timeout(Msg::Keep, MAX))
    });
    block_on(keeper.stop());
    let states = keeper.states.lock().expect("no panic under it").clone();
    assert!(states[0].is_true(), "the state is not dropped");
    assert!(!server.is_alive());
    keeper.stop_waiting();
    assert!(matches!(
        keeps.join().expect("it ends"),
        Err(CallError::Exited(_) | CallError::NoProc)
    ));
    let _ = ends.join().expect("it ends");
    // Refused until it is started again, which nothing of before disturbs.
    assert!(server.cast(Msg::Pause).is_err());
    assert!(block_on(keeper.start()).is_ok());
    let Some(Report(stale)) = block_on(keeper.reports.1.recv()) else {
        panic!("each end is reported");
    };
    assert_eq!(stale, pid);
    let asked = block_on(server.call_timeout(|reply| Msg::Ask(1, reply), MAX));
    assert!(matches!(asked, Ok(2)), "{asked:?}");
    block_on(keeper.stop());
    assert_eq!(keeper.finish().all().len(), 4);
}

#[test]
fn a_stop_against_the_childs_own_end_leaves_a_stale_report() {
    Fate::check_each("a stop", stop_against);
}

/// Terminated and started again, while others send: what is accepted is handled once, or dropped with its
/// caller told.
fn terminate_against_senders(forgets: bool) {
    let dropped = Log::default();
    let (mut keeper, server) = Keeper::new(usize::MAX);
    if forgets {
        keeper.slot.forget_messages();
    }
    assert!(block_on(keeper.start()).is_ok());
    let casts = thread::spawn({
        let (server, dropped) = (server.clone(), dropped.clone());
        move || {
            let mut accepted = 0;
            for number in 1..=3 {
                match server.cast(Msg::logged(1, number, &dropped)) {
                    Ok(()) => accepted += 1,
                    Err(refused) => {
                        if let Msg::Note(mut note) = refused.into_message() {
                            note.dropped = None;
                        }
                    }
                }
            }
            accepted
        }
    });
    let asks = thread::spawn({
        let server = server.clone();
        move || block_on(server.call_timeout(|reply| Msg::Ask(1, reply), MAX))
    });
    let log = keeper.log.clone();
    block_on(keeper.stop());
    keeper.stop_waiting();
    assert!(block_on(keeper.start()).is_ok());
    let accepted: usize = casts.join().expect("it ends");
    match asks.join().expect("it ends") {
        Ok(2) | Err(CallError::NoProc | CallError::Exited(ExitReason::Shutdown)) => {}
        outcome => panic!("{outcome:?}"),
    }
    let asked = block_on(server.call_timeout(|reply| Msg::Ask(4, reply), MAX));
    assert!(matches!(asked, Ok(8)), "{asked:?}");
    assert_eq!(log.all().len() + dropped.all().len(), accepted);
    assert!(log.of(1).is_sorted() && dropped.of(1).is_sorted());
    block_on(keeper.stop());
    keeper.finish();
}

#[test]
fn what_is_sent_to_a_child_that_is_terminated_is_handled_or_dropped_and_told() {
    super::super::check("terminate and senders", || terminate_against_senders(false));
    super::super::check("terminate and senders to one that forgets", || {
        terminate_against_senders(true);
    });
}

/// The end comes while the child starts: whoever starts it is told, and the report comes if it had started.
fn start_against(fate: Fate) {
    let (mut keeper, server) = Keeper::new(usize::MAX);
    let ends = thread::spawn({
        let server = server.clone();
        move || {
            // Before it begins, in between, or after.
            if let Some(pid) = server.pid() {
                fate.bring(&server, &pid);
                return Some(pid);
            }
            None
        }
    });
    let started = block_on(keeper.start()).is_ok();
    let told = ends.join().expect("it ends");
    if started && told.is_some() {
        let Some(Report(pid)) = block_on(keeper.reports.1.recv()) else {
            panic!("its end is reported");
        };
        assert_eq!(Some(pid), told);
    }
    block_on(keeper.stop());
    let notes = keeper.finish().all();
    assert_eq!(notes.len(), if started { 2 } else { 0 }, "{notes:?}");
}

#[test]
fn who_starts_a_child_that_ends_meanwhile_is_told() {
    Fate::check_each("a start of a child", start_against);
}

/// It is stopped while the specification's last message waits behind a handler that is slow.
fn bounded_senders(fate: Fate) {
    let (mut keeper, server) = Keeper::new(1);
    assert!(block_on(keeper.start()).is_ok());
    let pid = server.pid().expect("it runs");
    let waits = [1, 2].map(|_| {
        let server = server.clone();
        thread::spawn(move || block_on(server.cast_wait(Msg::Pause)).is_ok())
    });
    let ends = thread::spawn({
        let (server, pid) = (server.clone(), pid.clone());
        move || fate.bring(&server, &pid)
    });
    block_on(keeper.stop());
    keeper.stop_waiting();
    let accepted = waits
        .into_iter()
        .filter_map(|waits| waits.join().expect("it ends").then_some(1))
        .sum::<u64>();
    let ends = ends.join().expect("it ends");
    let info = server.info();
    assert_eq!(info.handled + info.dropped as u64, accepted + ends);
    assert_eq!(info.mailbox_len, 0);
    keeper.finish();
}

#[test]
fn who_waits_for_room_at_a_child_that_is_terminated_is_let_in_or_told() {
    Fate::check_each("waiting senders of a child", bounded_senders);
}
