//! Links and monitors, made and unmade while processes end.

use std::time::Duration;

use shuttle::future::JoinHandle;
use shuttle::thread;

use super::actor::{Do, Notes, actor};
use super::check;
use super::run::{block_on, join};
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::server_ref::ServerRef;

/// How the other process ends, while it is being linked or monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Error,
    Kill,
    Signal,
    /// Its last handle is dropped.
    LastHandle,
}

impl Ending {
    const ALL: [(&'static str, Self); 4] = [
        ("an error", Self::Error),
        ("a kill", Self::Kill),
        ("an exit signal", Self::Signal),
        ("the last handle", Self::LastHandle),
    ];

    fn check_each(name: &str, scenario: fn(Self)) {
        for (text, ending) in Self::ALL {
            check(&format!("{name} and {text}"), move || scenario(ending));
        }
    }

    fn bring(self, server: ServerRef<Do>, process: JoinHandle<()>) {
        match self {
            Self::Error => assert!(server.cast(Do::Fail).is_ok(), "nothing else ends it"),
            Self::Kill => pid_of(&server).kill(),
            Self::Signal => pid_of(&server).exit(ExitReason::Shutdown),
            Self::LastHandle => {}
        }
        drop(server);
        join(process);
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Error => "asked to",
            Self::Kill => "killed",
            Self::Signal => "shutdown",
            Self::LastHandle => "normal",
        }
    }
}

fn pid_of(server: &ServerRef<Do>) -> Pid {
    server.pid().expect("nothing else ends it")
}

/// Waits until an actor has handled all that it was sent.
fn settle(server: &ServerRef<Do>) {
    // What a handler tells its own process comes behind the first of them, and before the second.
    for _ in 0..2 {
        let _ = block_on(server.call_timeout(Do::Ping, Duration::MAX));
    }
}

/// Waits until an actor has handled all that it was sent, and ends it.
fn finish(server: &ServerRef<Do>, process: JoinHandle<()>) {
    settle(server);
    let _ = block_on(server.stop());
    join(process);
}

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

/// Of a process that is monitored while it ends, exactly one report comes.
fn monitor_against_end(ending: Ending) {
    let (one, notes, of_one) = actor(false);
    let (other, _, of_other) = actor(false);
    let pid = pid_of(&other);
    let monitors = one.clone();
    let monitoring = thread::spawn(move || {
        monitors.cast(Do::work(move |ctx, _| {
            ctx.monitor(&pid);
            Ok(())
        }))
    });
    ending.bring(other, of_other);
    assert!(monitoring.join().expect("it ends").is_ok());
    finish(&one, of_one);
    let all = notes.all();
    let wanted = [
        format!("DOWN {}", ending.reason()),
        "DOWN no such process".to_owned(),
    ];
    assert!(all.len() == 1 && wanted.contains(&all[0]), "{all:?}");
}

#[test]
fn a_monitor_set_while_the_other_ends_is_told_once() {
    Ending::check_each("monitor", monitor_against_end);
}

fn demonitor_against_end(ending: Ending) {
    let (one, notes, of_one) = actor(false);
    let (other, _, of_other) = actor(false);
    let pid = pid_of(&other);
    let sets = one.cast(Do::work(move |ctx, _| {
        let monitor = ctx.monitor(&pid);
        let later = Do::work(move |ctx, notes| {
            let still_to_come = ctx.demonitor(monitor);
            notes.add(format!("demonitored: {still_to_come}"));
            Ok(())
        });
        Ok(ctx.self_ref().cast(later).map_err(|_| ExitReason::Normal)?)
    }));
    assert!(sets.is_ok());
    ending.bring(other, of_other);
    finish(&one, of_one);
    let all = notes.all();
    let told = notes.count("DOWN") == 1;
    assert_eq!(all.len(), 1 + usize::from(told), "{all:?}");
    assert_eq!(
        all.last().cloned(),
        Some(format!("demonitored: {}", !told)),
        "{all:?}"
    );
}

#[test]
fn nothing_comes_after_demonitor() {
    Ending::check_each("demonitor", demonitor_against_end);
}

/// What the process had sent comes before the reports of its end.
fn sent_before_the_end(ending: Ending) {
    let (one, notes, of_one) = actor(true);
    let (other, _, of_other) = actor(false);
    let (to, pid) = (one.clone(), pid_of(&other));
    let binds = one.cast(Do::work(move |ctx, _| {
        ctx.link(&pid)?;
        ctx.monitor(&pid);
        Ok(())
    }));
    assert!(binds.is_ok());
    // Bound by now: the other one is told to send behind it.
    settle(&one);
    for text in ["first", "second"] {
        let to = to.clone();
        let sends = other.cast(Do::work(move |_, _| {
            assert!(to.cast(Do::note(text)).is_ok());
            Ok(())
        }));
        assert!(sends.is_ok());
    }
    drop(to);
    ending.bring(other, of_other);
    finish(&one, of_one);
    let all = notes.all();
    let told = all
        .iter()
        .position(|note| note.starts_with("EXIT") || note.starts_with("DOWN"));
    let told = told.expect("it is told");
    assert!(all[told..].iter().all(|note| note.contains(' ')), "{all:?}");
    assert_eq!(notes.count("EXIT") + notes.count("DOWN"), 2, "{all:?}");
}

#[test]
fn what_a_process_has_sent_comes_before_its_end() {
    Ending::check_each("sent before", sent_before_the_end);
}

/// A watch sees the server come, go and close, in this order.
fn watch_against_end(ending: Ending) {
    let (one, notes, of_one) = actor(false);
    let (other, _, of_other) = actor(false);
    let watched = other.downgrade();
    let watches = one.clone();
    let watching = thread::spawn(move || {
        watches.cast(Do::work(move |ctx, _| {
            if let Some(watched) = watched.upgrade() {
                ctx.watch(&watched, |change| {
                    let text = format!("{change:?}");
                    Do::work(move |_, notes: &Notes| {
                        notes.add(text);
                        Ok(())
                    })
                });
            }
            Ok(())
        }))
    });
    ending.bring(other, of_other);
    assert!(watching.join().expect("it ends").is_ok());
    finish(&one, of_one);
    let all: Vec<_> = notes
        .all()
        .iter()
        .map(|note| note[..2].to_owned())
        .collect();
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let orders: [&[&str]; 4] = [&[], &["Cl"], &["Do", "Cl"], &["Up", "Do", "Cl"]];
    assert!(orders.contains(&&all[..]), "{all:?}");
}

#[test]
fn a_watch_tells_of_coming_and_going_in_order() {
    Ending::check_each("watch", watch_against_end);
}
