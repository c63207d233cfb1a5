//! One incarnation ends and the next one begins, against everybody who has to do with the slot.

use std::time::Duration;

use shuttle::thread;

use super::super::actor::{Do, Notes, actor};
use super::super::peers::settle;
use super::super::server::Log;
use super::{Fate, Keeper, Msg};
use crate::error::{CallError, CastError};
use crate::exit_reason::ExitReason;
use crate::server_ref::ServerRef;
use schedules::{block_on, join};

/// Arms no deadline.
const MAX: Duration = Duration::MAX;

/// Casts notes; one that is refused comes back and is no dropped one.
fn cast(server: &ServerRef<Msg>, sender: u32, wait: bool, dropped: &Log) -> u64 {
    let mut accepted = 0;
    for number in 1..=2 {
        let note = Msg::logged(sender, number, dropped);
        let sent = if wait {
            block_on(server.cast_wait(note))
        } else {
            server.cast(note)
        };
        match sent {
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

/// Every message that is accepted is handled once, in order, by one of the two; nobody hangs.
fn messages(fate: Fate, capacity: usize) {
    let dropped = Log::default();
    let (mut keeper, server) = Keeper::new(capacity);
    assert!(block_on(keeper.start()).is_ok());
    let pid = server.pid().expect("it runs");
    let first = thread::spawn({
        let (server, dropped) = (server.clone(), dropped.clone());
        move || cast(&server, 1, capacity == 1, &dropped)
    });
    let second = thread::spawn({
        let (server, dropped) = (server.clone(), dropped.clone());
        move || cast(&server, 2, capacity == 1, &dropped)
    });
    let ends = thread::spawn({
        let server = server.clone();
        move || match fate {
            Fate::Error => u64::from(block_on(server.cast_wait(Msg::Fail)).is_ok()),
            _ => fate.bring(&server, &pid),
        }
    });
    let log = keeper.log.clone();
    block_on(keeper.restart());
    let accepted = [first, second].map(|casts| casts.join().expect("it ends"));
    let ends = ends.join().expect("it ends");
    // What was accepted is handled by now, or in this one's turn.
    let asked = block_on(server.call_timeout(|reply| Msg::Ask(4, reply), MAX));
    assert!(matches!(asked, Ok(8)), "{asked:?}");
    assert_eq!(accepted, [2, 2]);
    assert_eq!((log.of(1), log.of(2)), (vec![1, 2], vec![1, 2]));
    assert!(dropped.all().is_empty());
    block_on(keeper.stop());
    let info = server.info();
    assert_eq!((info.handled, info.dropped), (4 + ends + 1, 0));
    assert_eq!(info.mailbox_len, 0);
    assert_eq!(keeper.finish().all().len(), 4);
}

#[test]
fn what_is_accepted_is_handled_by_one_of_two_incarnations() {
    Fate::check_each("kept messages", |fate| messages(fate, usize::MAX));
    Fate::check_each("kept messages in one place", |fate| messages(fate, 1));
}

/// Who asks is answered by one of the two, or told how the first one ended.
fn callers(fate: Fate) {
    let (mut keeper, server) = Keeper::new(usize::MAX);
    assert!(block_on(keeper.start()).is_ok());
    let pid = server.pid().expect("it runs");
    let asks = [1, 2].map(|number| {
        let server = server.clone();
        thread::spawn(move || {
            let asked = block_on(server.call_timeout(|reply| Msg::Ask(number, reply), MAX));
            // Begun, it is answered in the same poll.
            assert_eq!(asked.expect("somebody answers"), number * 2);
        })
    });
    let keeps = thread::spawn({
        let server = server.clone();
        move || block_on(server.call_timeout(Msg::Keep, MAX))
    });
    let ends = thread::spawn({
        let server = server.clone();
        move || fate.bring(&server, &pid)
    });
    block_on(keeper.restart());
    asks.into_iter()
        .for_each(|asks| asks.join().expect("it ends"));
    ends.join().expect("it ends");
    // Kept by the second, it is told of the second's end.
    block_on(keeper.stop());
    keeper.stop_waiting();
    match keeps.join().expect("it ends") {
        Err(CallError::Exited(reason)) => assert!(!reason.is_normal()),
        Err(CallError::NoProc) => {}
        outcome => panic!("{outcome:?}"),
    }
    keeper.finish();
}

#[test]
fn who_asks_over_a_restart_is_answered_or_told() {
    Fate::check_each("callers over a restart", callers);
}

/// A watch sees up and down by turns, and at last that the server is closed. Of each incarnation that it
/// saw come it sees the end, and that before the next one.
fn watch(fate: Fate) {
    let (watcher, notes, of_watcher) = actor(false);
    let (mut keeper, server) = Keeper::new(usize::MAX);
    let watched = server.clone();
    let watches = watcher.cast(Do::work(move |ctx, _| {
        ctx.watch(&watched, |change| {
            let text = format!("{change:?}");
            Do::work(move |_, notes: &Notes| {
                notes.add(&text[..2]);
                Ok(())
            })
        });
        Ok(())
    }));
    assert!(watches.is_ok());
    settle(&watcher);
    assert!(block_on(keeper.start()).is_ok());
    let pid = server.pid().expect("it runs");
    let ends = thread::spawn({
        let server = server.clone();
        move || fate.bring(&server, &pid)
    });
    block_on(keeper.restart());
    ends.join().expect("it ends");
    block_on(keeper.stop());
    keeper.finish();
    settle(&watcher);
    assert_eq!(notes.all(), ["Up", "Do", "Up", "Do", "Cl"]);
    let _ = block_on(watcher.stop());
    join(of_watcher);
}

#[test]
fn a_watch_sees_each_incarnation_come_and_go_in_order() {
    Fate::check_each("a watch over a restart", watch);
}

/// A specification that goes while the child ends: the watch hears of the end and then that it is closed.
fn release(fate: Fate) {
    let (watcher, notes, of_watcher) = actor(false);
    let (mut keeper, server) = Keeper::new(usize::MAX);
    assert!(block_on(keeper.start()).is_ok());
    let (watched, pid) = (server.clone(), server.pid().expect("it runs"));
    let watches = watcher.cast(Do::work(move |ctx, _| {
        ctx.watch(&watched, |change| {
            let text = format!("{change:?}");
            Do::work(move |_, notes: &Notes| {
                notes.add(&text[..2]);
                Ok(())
            })
        });
        Ok(())
    }));
    assert!(watches.is_ok());
    settle(&watcher);
    let ends = thread::spawn({
        let (server, pid) = (server.clone(), pid.clone());
        move || fate.bring(&server, &pid)
    });
    let dropped = Log::default();
    let casts = thread::spawn({
        let (server, dropped) = (server.clone(), dropped.clone());
        move || cast(&server, 1, false, &dropped)
    });
    let asks = thread::spawn({
        let server = server.clone();
        move || block_on(server.call_timeout(|reply| Msg::Ask(1, reply), MAX))
    });
    let log = keeper.log.clone();
    keeper.release();
    // As the drop of a supervisor does: whoever runs is to end.
    pid.exit(ExitReason::Killed);
    let sent = ends.join().expect("it ends");
    let accepted = casts.join().expect("it ends");
    match asks.join().expect("it ends") {
        Ok(2) | Err(CallError::Exited(_) | CallError::NoProc) => {}
        outcome => panic!("{outcome:?}"),
    }
    keeper.finish();
    assert_eq!((log.all().len() + dropped.all().len()) as u64, accepted);
    let info = server.info();
    assert!(info.handled + info.dropped as u64 >= accepted + sent);
    assert!(matches!(server.cast(Msg::Pause), Err(CastError::NoProc(_))));
    settle(&watcher);
    assert_eq!(notes.all(), ["Up", "Do", "Cl"]);
    let _ = block_on(watcher.stop());
    join(of_watcher);
}

#[test]
fn a_specification_that_goes_while_its_child_ends_closes_the_slot_behind_it() {
    Fate::check_each("a specification that goes", release);
}

/// The other handles go while a restart is under way: the child is kept by its specification.
fn last_handle(fate: Fate) {
    let dropped = Log::default();
    let (mut keeper, server) = Keeper::new(usize::MAX);
    assert!(block_on(keeper.start()).is_ok());
    let pid = server.pid().expect("it runs");
    let weak = server.downgrade();
    let casts = thread::spawn({
        let dropped = dropped.clone();
        // Its handle goes with it.
        move || {
            let accepted = cast(&server, 1, false, &dropped);
            fate.bring(&server, &pid);
            accepted
        }
    });
    let log = keeper.log.clone();
    block_on(keeper.restart());
    assert_eq!(casts.join().expect("it ends"), 2);
    let server = weak.upgrade().expect("the specification is a handle");
    let asked = block_on(server.call_timeout(|reply| Msg::Ask(4, reply), MAX));
    assert!(matches!(asked, Ok(8)), "{asked:?}");
    assert_eq!(log.of(1), [1, 2]);
    block_on(keeper.stop());
    keeper.finish();
}

#[test]
fn a_child_whose_other_handles_go_is_kept_over_a_restart() {
    Fate::check_each("the last handle over a restart", last_handle);
}
