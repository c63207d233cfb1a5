//! What others are told of a registry and its processes, and what they find then.

use shuttle::thread;

use super::{Names, Told, Topics, Watched, assert_conserved, names, register, same};
use crate::context::Context;
use crate::ending::next_number;
use crate::exit_reason::ExitReason;
use crate::exits::{Down, Exit};
use crate::gen_server::GenServer;
use crate::inbox::inbox;
use crate::process::process;
use crate::registry::RegistryEvent;
use crate::schedules::actor::{Do, Notes, actor};
use crate::schedules::check;
use crate::schedules::peers::{Ending, finish, pid_of, settle};
use crate::server_ref::ServerRef;
use crate::slot::Slot;
use crate::sync::Arc;
use schedules::spawn;

/// Who hears of the end, by whatever way, finds nothing of the process any more.
struct Hears(Names, Topics);

impl Hears {
    fn look(&self) {
        assert_eq!((self.0.count(), self.1.count()), (0, 0));
        assert!(self.0.whereis(&Watched(1)).is_none());
        assert!(self.1.lookup(&Watched(1)).is_empty());
    }
}

impl GenServer for Hears {
    type Msg = Do;

    async fn handle(&mut self, msg: Do, ctx: &mut Context<Do>) -> Result<(), ExitReason> {
        match msg {
            Do::Work(work) => work(ctx, &Notes::default()),
            Do::Ping(reply) => {
                reply.send(());
                Ok(())
            }
            Do::Fail => Ok(()),
        }
    }

    async fn handle_exit(&mut self, _: Exit, _: &mut Context<Do>) -> Result<(), ExitReason> {
        self.look();
        Ok(())
    }

    async fn handle_down(&mut self, _: Down, _: &mut Context<Do>) -> Result<(), ExitReason> {
        self.look();
        Ok(())
    }
}

fn told_against_end(ending: Ending) {
    let (names, _events) = names();
    let topics = Topics::with_hasher(same());
    let (server, _, of_server) = actor(false);
    register(&names, &server, 1, "registered");
    let inner = topics.clone();
    let cast = server.cast(Do::work(move |ctx, _| {
        inner.register(ctx, Watched(1), Watched(0));
        inner.register(ctx, Watched(1), Watched(0));
        Ok(())
    }));
    assert!(cast.is_ok());
    settle(&server);
    let slot = Arc::new(Slot::new(usize::MAX, None));
    let number = next_number();
    slot.begin(number, None);
    let hears = Hears(names.clone(), topics.clone());
    let of_hears = spawn(process(Arc::clone(&slot), number, hears));
    let hears = ServerRef::first(slot);
    let pid = pid_of(&server);
    let binds = hears.cast(Do::work(move |ctx, _| {
        ctx.trap_exit();
        let _ = ctx.link(&pid);
        ctx.monitor(&pid);
        Ok(())
    }));
    assert!(binds.is_ok());
    // Bound before the end: who asks about one that has just ended is told at once, in the middle of it.
    settle(&hears);
    let (pid, looks) = (pid_of(&server), names.clone());
    // Otherwise nobody could be found only because the last handle is gone.
    let kept = (ending != Ending::LastHandle).then(|| server.clone());
    let finds = thread::spawn(move || {
        let _kept = kept;
        let mut dead = false;
        while !dead {
            // Found or not, but not one that has ended before.
            dead = !pid.is_alive();
            let found = looks.lookup(&Watched(1));
            assert!(!dead || found.is_none(), "an ended one is found");
            drop(found);
            thread::yield_now();
        }
    });
    ending.bring(server, of_server);
    finish(&hears, of_hears);
    finds.join().expect("it ends");
    assert_eq!((names.count(), topics.count()), (0, 0));
}

#[test]
fn who_is_told_of_an_end_finds_no_entry() {
    Ending::check_each("told", told_against_end);
}

/// Two tell of one key at once: in its order, and nothing is left untold.
fn two_tellers() {
    let (names, mut events) = names();
    let (one, of_one, runs_one) = actor(false);
    let (other, of_other, runs_other) = actor(false);
    for server in [&one, &other] {
        register(&names, server, 1, "came");
        let inner = names.clone();
        let cast = server.cast(Do::work(move |ctx, _| {
            inner.unregister(ctx, &Watched(1));
            Ok(())
        }));
        assert!(cast.is_ok());
    }
    finish(&one, runs_one);
    finish(&other, runs_other);
    let came = of_one.count("came") + of_other.count("came");
    assert_eq!(assert_conserved(&mut events, None), came);
}

#[test]
fn what_two_tell_of_one_key_is_told_in_order() {
    check("two tellers", two_tellers);
}

/// One that listens hears of all that happens after, whoever is telling at that moment.
fn listens_while_told() {
    let (names, _events) = names();
    let (one, _, of_one) = actor(false);
    let (other, _, of_other) = actor(false);
    register(&names, &one, 1, "registered");
    let inner = names.clone();
    let (address, mut late) = inbox::<Told>();
    let recipient = address.recipient();
    let listens = other.cast(Do::work(move |ctx, _| {
        inner.listen(recipient);
        Ok(inner.register(ctx, Watched(2), Watched(0))?)
    }));
    assert!(listens.is_ok());
    finish(&one, of_one);
    finish(&other, of_other);
    let of_two = std::iter::from_fn(|| late.try_recv()).filter(|Told(event)| match event {
        RegistryEvent::Registered { key, .. } | RegistryEvent::Unregistered { key, .. } => {
            key.0 == 2
        }
    });
    assert_eq!(of_two.count(), 2);
}

#[test]
fn one_that_comes_to_listen_misses_nothing_after() {
    check("listens while told", listens_while_told);
}
