//! Registrations, while their owners end and others want the same keys.

mod told;

use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use shuttle::thread;

use super::actor::{Do, actor};
use super::check;
use super::peers::{Ending, finish, pid_of, settle};
use crate::inbox::{Inbox, inbox};
use crate::pid::Pid;
use crate::registry::{AlreadyRegistered, DuplicateRegistry, Registry, RegistryEvent};
use crate::server_ref::ServerRef;
use schedules::{assert_unlocked, block_on, join};

/// A key or value, which must not be dropped under a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Watched(u32);

impl Hash for Watched {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        assert_unlocked();
    }
}

/// The same in each run.
type Same = BuildHasherDefault<DefaultHasher>;
fn same() -> Same {
    Same::default()
}

type Names = Registry<Watched, Do, Watched, Same>;
type Topics = DuplicateRegistry<Watched, Do, Watched, Same>;
type Event = RegistryEvent<Watched, Watched>;

/// What a listener is told; the conversion is the program's code.
struct Told(Event);

impl From<Event> for Told {
    fn from(event: Event) -> Self {
        assert_unlocked();
        Self(event)
    }
}

fn names() -> (Names, Inbox<Told>) {
    let names = Names::with_hasher(same());
    let (address, events) = inbox();
    names.listen(address.recipient());
    (names, events)
}

/// Has a server register itself.
fn register(names: &Names, server: &ServerRef<Do>, key: u32, note: &'static str) {
    let names = names.clone();
    let cast = server.cast(Do::work(move |ctx, notes| {
        match names.register(ctx, Watched(key), Watched(0)) {
            Ok(()) => notes.add(note),
            Err(AlreadyRegistered { pid }) => notes.add(format!("held by {pid}")),
        }
        Ok(())
    }));
    assert!(cast.is_ok(), "nothing else ends it");
}

/// Each that came has gone, by turns, and all of it was told by now.
fn assert_conserved(events: &mut Inbox<Told>, stays: Option<&Pid>) -> usize {
    let (mut holder, mut came) = (None, 0);
    while let Some(Told(event)) = events.try_recv() {
        match event {
            RegistryEvent::Registered { pid, .. } => {
                came += 1;
                assert_eq!(holder.replace(pid), None, "two hold one key");
            }
            RegistryEvent::Unregistered { pid, .. } => {
                assert_eq!(holder.take(), Some(pid), "one goes that did not hold it");
            }
        }
    }
    assert_eq!(holder.as_ref(), stays);
    came
}

/// Registered by somebody else, as `start` does it, a process that ends leaves no entry.
fn claim_against_end(ending: Ending) {
    let (names, mut events) = names();
    let (server, _, process) = actor(false);
    let (via, pid, weak) = (
        names.via_with(Watched(1), Watched(0)),
        pid_of(&server),
        server.downgrade(),
    );
    let whom = pid.clone();
    let claiming = thread::spawn(move || via.claim(&weak, &whom).is_ok());
    ending.bring(server, process);
    let claimed = claiming.join().expect("it ends");
    assert_eq!(names.count(), 0);
    assert!(names.keys(&pid).is_empty());
    let came = assert_conserved(&mut events, None);
    assert!(came == 1 || !claimed, "{came}");
}

#[test]
fn a_registration_while_its_owner_ends_leaves_no_entry() {
    Ending::check_each("a claim", claim_against_end);
}

/// The same by the process itself, in both kinds of registry, against a kill.
fn registers_against_kill() {
    let (names, mut events) = names();
    let topics = Topics::with_hasher(same());
    let (server, _, process) = actor(false);
    let pid = pid_of(&server);
    register(&names, &server, 1, "registered");
    let inner = topics.clone();
    let cast = server.cast(Do::work(move |ctx, _| {
        inner.register(ctx, Watched(1), Watched(1));
        inner.register(ctx, Watched(1), Watched(2));
        inner.unregister_if(ctx, &Watched(1), |value| value.0 == 1);
        Ok(())
    }));
    assert!(cast.is_ok());
    let killing = thread::spawn(move || pid.kill());
    join(process);
    killing.join().expect("it ends");
    drop(server);
    assert_eq!((names.count(), topics.count()), (0, 0));
    assert_conserved(&mut events, None);
}

#[test]
fn a_process_that_is_killed_while_it_registers_leaves_no_entry() {
    check("registers against a kill", registers_against_kill);
}

/// The key of one that ends goes to the other, once and for good, whether or not the first is done with its end.
fn takeover_against_release(ending: Ending) {
    let (names, mut events) = names();
    let (old, _, of_old) = actor(false);
    let (new, notes, of_new) = actor(false);
    register(&names, &old, 1, "first");
    settle(&old);
    let (from, to) = (pid_of(&old), pid_of(&new));
    register(&names, &new, 1, "taken");
    ending.bring(old, of_old);
    settle(&new);
    if notes.count("taken") == 0 {
        assert_eq!(notes.all(), [format!("held by {from}")]);
        register(&names, &new, 1, "taken");
        settle(&new);
    }
    assert_eq!(notes.count("taken"), 1, "{:?}", notes.all());
    let holder = names.lookup(&Watched(1)).map(|entry| entry.pid);
    assert_eq!(holder, Some(to.clone()));
    assert_eq!(names.count(), 1);
    assert_eq!(assert_conserved(&mut events, Some(&to)), 2);
    finish(&new, of_new);
    assert_eq!(names.count(), 0);
    assert_conserved_end(&mut events, &to);
}

fn assert_conserved_end(events: &mut Inbox<Told>, pid: &Pid) {
    let last = events.try_recv().map(|Told(event)| event);
    let key = Watched(1);
    let pid = pid.clone();
    assert_eq!(last, Some(RegistryEvent::Unregistered { key, pid }));
    assert!(events.try_recv().is_none());
}

#[test]
fn a_key_passes_from_one_that_ends_to_the_next() {
    Ending::check_each("takeover", takeover_against_release);
}

/// Of two that want one key, one gets it, and the other is told who.
fn two_claims() {
    let (names, mut events) = names();
    let (one, of_one, runs_one) = actor(false);
    let (other, of_other, runs_other) = actor(false);
    register(&names, &one, 1, "won");
    register(&names, &other, 1, "won");
    settle(&one);
    settle(&other);
    let (winner, loser) = if of_one.count("won") == 1 {
        (pid_of(&one), of_other)
    } else {
        (pid_of(&other), of_one)
    };
    assert_eq!(loser.all(), [format!("held by {winner}")]);
    assert_eq!(names.keys(&winner).len(), 1);
    assert_eq!(names.count(), 1);
    finish(&one, runs_one);
    finish(&other, runs_other);
    assert_eq!(assert_conserved(&mut events, None), 1);
    assert_eq!(names.count(), 0);
}

#[test]
fn of_two_that_want_one_key_one_gets_it() {
    check("two claims", two_claims);
}

/// Of a process that ends with several entries, none is left, and a key that another takes meanwhile stays.
fn several_entries_against_takers() {
    let (names, _events) = names();
    let (old, _, of_old) = actor(false);
    for key in [1, 2] {
        register(&names, &old, key, "registered");
    }
    settle(&old);
    let (new, notes, of_new) = actor(false);
    register(&names, &new, 2, "taken");
    let pid = pid_of(&old);
    let end = pid.monitor();
    pid.kill();
    block_on(end);
    settle(&new);
    let taken = notes.count("taken");
    assert_eq!(names.count(), taken);
    assert!(names.keys(&pid).is_empty());
    assert_eq!(names.whereis(&Watched(2)).is_some(), taken == 1);
    drop(old);
    join(of_old);
    finish(&new, of_new);
    assert_eq!(names.count(), 0);
}

#[test]
fn all_entries_of_a_process_go_and_no_other_does() {
    check("several entries", several_entries_against_takers);
}
