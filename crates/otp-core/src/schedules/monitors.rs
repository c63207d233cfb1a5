//! Monitors and watches, set and taken back while processes end.

use shuttle::thread;

use super::actor::{Do, Notes, actor};
use super::peers::{Ending, finish, pid_of, settle};
use crate::exit_reason::ExitReason;

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
        ctx.self_ref().cast(later).map_err(|_| ExitReason::Normal)
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
