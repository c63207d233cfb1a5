//! Links, made and unmade while processes end.

use shuttle::thread;

use super::actor::{Do, actor};
use super::check;
use super::peers::{Ending, finish, pid_of};
use crate::context::Context;
use crate::ending::next_number;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::process::process;
use crate::relations;
use crate::server_ref::ServerRef;
use crate::slot::Slot;
use crate::sync::Arc;
use schedules::{block_on, join, spawn};

/// Of a process that is linked while it ends, exactly one exit signal comes: the real one, or `NoProc`.
fn link_against_end(ending: Ending) {
    let (one, notes, of_one) = actor(true);
    let (other, _, of_other) = actor(false);
    let pid = pid_of(&other);
    let links = one.clone();
    let linking = thread::spawn(move || links.cast(Do::work(move |ctx, _| Ok(ctx.link(&pid)?))));
    ending.bring(other, of_other);
    assert!(linking.join().expect("it ends").is_ok());
    finish(&one, of_one);
    let all = notes.all();
    let wanted = [
        format!("EXIT {}", ending.reason()),
        "EXIT no such process".to_owned(),
    ];
    assert!(all.len() == 1 && wanted.contains(&all[0]), "{all:?}");
}

#[test]
fn a_link_made_while_the_other_ends_is_told_of_once() {
    Ending::check_each("link", link_against_end);
}

/// One that does not trap exits either hears that there is no such process, or ends with its reason.
fn link_untrapped(ending: Ending) {
    let (one, notes, of_one) = actor(false);
    let (other, _, of_other) = actor(false);
    let (pid, end) = (pid_of(&other), pid_of(&one).monitor());
    let links = one.clone();
    let linking = thread::spawn(move || {
        links.cast(Do::work(move |ctx, notes| {
            if ctx.link(&pid).is_err() {
                notes.add("refused");
            }
            Ok(())
        }))
    });
    ending.bring(other, of_other);
    let _ = linking.join().expect("it ends");
    finish(&one, of_one);
    let (reason, refused) = (block_on(end).to_string(), notes.count("refused"));
    let died = reason == ending.reason() && reason != "normal";
    let alive = reason == "normal";
    assert!(died || alive, "{reason}");
    assert!(!died || refused == 0, "refused, and yet it died of it");
    assert!(
        refused == 1 || died || ending == Ending::LastHandle,
        "neither"
    );
}

#[test]
fn a_link_made_while_the_other_ends_is_refused_or_kills() {
    Ending::check_each("untrapped link", link_untrapped);
}

/// After `unlink` has returned nothing comes; before, at most one.
fn unlink_against_end(ending: Ending) {
    let (one, notes, of_one) = actor(true);
    let (other, _, of_other) = actor(false);
    let (pid, to_unlink) = (pid_of(&other), pid_of(&other));
    assert!(
        one.cast(Do::work(move |ctx, _| Ok(ctx.link(&pid)?)))
            .is_ok()
    );
    let unlinks = one.clone();
    let unlinking = thread::spawn(move || {
        unlinks.cast(Do::work(move |ctx, notes| {
            ctx.unlink(&to_unlink);
            notes.add("unlinked");
            Ok(())
        }))
    });
    ending.bring(other, of_other);
    assert!(unlinking.join().expect("it ends").is_ok());
    finish(&one, of_one);
    let all = notes.all();
    assert!(all.len() <= 2, "{all:?}");
    assert_eq!(all.last().map(String::as_str), Some("unlinked"), "{all:?}");
}

#[test]
fn nothing_comes_after_unlink() {
    Ending::check_each("unlink", unlink_against_end);
}

/// Both link at the same time, and one takes it back: no half of a link is left.
fn link_from_both_sides() {
    let (one, notes, of_one) = actor(true);
    let (other, of_others, of_other) = actor(true);
    let (to_one, to_other) = (pid_of(&one), pid_of(&other));
    let links = one.clone();
    let linking = thread::spawn(move || {
        assert!(
            links
                .cast(Do::work(move |ctx, _| Ok(ctx.link(&to_other)?)))
                .is_ok()
        );
    });
    let again = to_one.clone();
    assert!(
        other
            .cast(Do::work(move |ctx, _| Ok(ctx.link(&to_one)?)))
            .is_ok()
    );
    let unlink = other.cast(Do::work(move |ctx, _| {
        ctx.unlink(&again);
        Ok(())
    }));
    assert!(unlink.is_ok());
    linking.join().expect("it ends");
    finish(&other, of_other);
    finish(&one, of_one);
    // Linked again after the `unlink`, or not, or too late.
    assert!(notes.all().len() <= 1, "{:?}", notes.all());
    assert!(of_others.all().is_empty(), "{:?}", of_others.all());
}

#[test]
fn a_link_stands_on_both_sides_or_on_none() {
    check("link from both sides", link_from_both_sides);
}

/// Two that are linked end at once, and take the third with them.
fn ends_at_once() {
    let (one, _, of_one) = actor(false);
    let (other, _, of_other) = actor(false);
    let (third, notes, of_third) = actor(true);
    for server in [&one, &other] {
        let to = pid_of(server);
        assert!(
            third
                .cast(Do::work(move |ctx, _| Ok(ctx.link(&to)?)))
                .is_ok()
        );
    }
    let to = pid_of(&other);
    let linked = one.cast(Do::work(move |ctx, _| {
        let _ = ctx.link(&to);
        Ok(())
    }));
    assert!(linked.is_ok());
    let pid = pid_of(&other);
    let killing = thread::spawn(move || pid.kill());
    let _ = one.cast(Do::Fail);
    killing.join().expect("it ends");
    join(of_one);
    join(of_other);
    finish(&third, of_third);
    assert_eq!(notes.count("EXIT"), 2, "{:?}", notes.all());
}

#[test]
fn processes_that_end_at_once_hang_nobody() {
    check("ends at once", ends_at_once);
}

/// A server whose state has the only handle to another.
struct Holder(#[expect(dead_code, reason = "held, which is all")] ServerRef<Do>);

impl GenServer for Holder {
    type Msg = ();

    async fn handle(&mut self, (): (), _: &mut Context<()>) -> Result<(), ExitReason> {
        Ok(())
    }
}

/// A child ends by the exit signal of its parent, though the last handle to it goes before that.
fn child_of_holder() {
    let (child, _, of_child) = actor(false);
    let (pid, end) = (pid_of(&child), pid_of(&child).monitor());
    let slot = Arc::new(Slot::new(usize::MAX, None));
    let number = next_number();
    slot.begin(number, None);
    let parent = ServerRef::first(Arc::clone(&slot));
    let parent_pid = parent.pid().expect("it is begun");
    // As `start_link` does it.
    pid.relate(|relations| relations.parent = number);
    assert!(relations::link(&parent_pid, &pid));
    let of_parent = spawn(process(slot, number, Holder(child)));
    let stopped = block_on(parent.stop_with(ExitReason::Shutdown));
    assert!(stopped.is_ok(), "{stopped:?}");
    join(of_parent);
    join(of_child);
    assert!(matches!(block_on(end), ExitReason::Shutdown));
}

#[test]
fn a_child_ends_with_its_parents_reason() {
    check("a child of its only holder", child_of_holder);
}
