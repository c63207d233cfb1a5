//! Senders against the process that swaps out, parks and is woken.

use shuttle::thread;

use super::check;
use super::server::{Init, Log, Msg, Note, Server, begin, run_process, start};
use crate::error::CastError;
use crate::inbox::inbox;
use crate::server_ref::ServerRef;
use crate::slot::Slot;
use crate::sync::{Arc, Ordering};
use schedules::{block_on, join, poll_once};

const UNBOUNDED: usize = usize::MAX;

fn cast_two(server: &ServerRef<Msg>, sender: u32) {
    for number in [1, 2] {
        server.cast(Msg::from((sender, number))).expect("it runs");
    }
}

/// Three senders by three ways, and a process that ends when the last of them has let go of it.
fn three_senders(init: Init) {
    let log = Log::default();
    let (server, process) = start(
        Server {
            init,
            ..Server::new(&log)
        },
        UNBOUNDED,
    );
    let slot = Arc::clone(&server.slot);
    let by_recipient = server.recipient::<(u32, u32)>();
    let another = server.clone();
    let senders = [
        thread::spawn(move || cast_two(&another, 1)),
        thread::spawn(move || {
            for number in [1, 2] {
                by_recipient.cast((2, number)).expect("it runs");
            }
        }),
    ];
    cast_two(&server, 3);
    drop(server);
    for sender in senders {
        sender.join().expect("it ends");
    }
    join(process);
    for sender in 1..=3 {
        assert_eq!(log.of(sender), [1, 2], "of sender {sender}");
    }
    let info = slot.info();
    assert_eq!((info.handled, info.dropped, info.mailbox_len), (6, 0, 0));
}

#[test]
fn nothing_is_lost_and_each_sender_keeps_its_order() {
    check("three senders", || three_senders(Init::Plain));
}

#[test]
fn nothing_is_lost_by_a_process_that_comes_back_from_waiting_by_itself() {
    let name = "three senders and a process that comes back from waiting by itself";
    check(name, || three_senders(Init::Rare));
}

/// Looks whether there are more messages than the mailbox may hold.
fn look(slot: &Slot<Msg>) {
    let inner = slot.inner.lock();
    let held = inner.queue.len() + inner.reserved + slot.in_hand.load(Ordering::SeqCst);
    assert!(
        held <= slot.capacity,
        "{held} messages in a mailbox for {}",
        slot.capacity
    );
}

fn bounded(capacity: usize) {
    let log = Log::default();
    let (server, process) = start(Server::new(&log), capacity);
    let slot = Arc::clone(&server.slot);
    let (waits, refused) = (server.clone(), server.clone());
    let waits = thread::spawn(move || {
        for number in [1, 2] {
            block_on(waits.cast_wait(Msg::from((1, number)))).expect("it runs");
            look(&waits.slot);
        }
    });
    let recipient = refused.recipient::<(u32, u32)>();
    let refused = thread::spawn(move || {
        let first = refused.cast(Msg::from((2, 1)));
        look(&refused.slot);
        let second = recipient.cast((2, 2));
        look(&refused.slot);
        assert!(!matches!(first, Err(CastError::NoProc(_))));
        assert!(!matches!(second, Err(CastError::NoProc(_))));
        u64::from(first.is_ok()) + u64::from(second.is_ok())
    });
    block_on(server.cast_wait(Msg::from((3, 1)))).expect("it runs");
    drop(server);
    waits.join().expect("it ends");
    let accepted = 3 + refused.join().expect("it ends");
    join(process);
    assert_eq!(log.of(1), [1, 2]);
    assert_eq!(log.of(3), [1]);
    assert!(log.of(2).is_sorted());
    let info = slot.info();
    assert_eq!(
        (info.handled, info.dropped, info.mailbox_len),
        (accepted, 0, 0)
    );
}

#[test]
fn the_bound_is_kept_and_whoever_waits_for_room_is_let_in() {
    check("room for one", || bounded(1));
    check("room for two", || bounded(2));
}

/// One waits in line before the others come, and nobody is let in before it.
fn first_come_first_served() {
    let log = Log::default();
    let (server, number) = begin::<Msg>(1);
    server.cast(Msg::from((0, 1))).expect("there is room");
    let others = [server.clone(), server.clone()];
    let mut first = server.cast_wait(Msg::from((1, 1)));
    assert!(poll_once(&mut first).is_pending());
    let process = run_process(&server, number, Server::new(&log));
    let [waits, refused] = others;
    let waits =
        thread::spawn(move || block_on(waits.cast_wait(Msg::from((2, 1)))).expect("it runs"));
    let refused = thread::spawn(move || refused.cast(Msg::from((3, 1))).is_ok());
    block_on(first).expect("it runs");
    drop(server);
    waits.join().expect("it ends");
    let accepted = refused.join().expect("it ends");
    join(process);
    let order: Vec<u32> = log.all().into_iter().map(|entry| entry.0).collect();
    assert_eq!(order[..2], [0, 1], "who came later was let in earlier");
    assert_eq!(order.len(), 3 + usize::from(accepted));
}

#[test]
fn who_waits_for_room_is_let_in_first_come_first_served() {
    check("first come first served", first_come_first_served);
}

/// The first in line gives up while room appears: the room is the next one's.
fn gives_up() {
    let (log, dropped) = (Log::default(), Log::default());
    let (server, number) = begin::<Msg>(1);
    let slot = Arc::clone(&server.slot);
    server.cast(Msg::from((0, 1))).expect("there is room");
    let waits = server.clone();
    let mut gives_up = Box::pin(cast_wait(server.clone(), Note::logged(1, 1, &dropped)));
    assert!(poll_once(&mut gives_up).is_pending());
    let process = run_process(&server, number, Server::new(&log));
    drop(server);
    let gives_up = thread::spawn(move || drop(gives_up));
    block_on(waits.cast_wait(Msg::from((2, 1)))).expect("it runs");
    drop(waits);
    gives_up.join().expect("it ends");
    join(process);
    assert_eq!(log.of(2), [1]);
    assert_eq!(log.of(1).len() + dropped.of(1).len(), 1);
    assert_eq!(slot.info().handled, 2 + log.of(1).len() as u64);
}

async fn cast_wait(server: ServerRef<Msg>, message: Msg) -> Result<(), CastError<Msg>> {
    server.cast_wait(message).await
}

#[test]
fn who_gives_up_waiting_leaves_its_room_to_the_next() {
    check("one in line gives up", gives_up);
}

/// The last handle goes while others cast, and while one asks for another handle.
fn last_handle() {
    let log = Log::default();
    let (server, process) = start(Server::new(&log), UNBOUNDED);
    let slot = Arc::clone(&server.slot);
    let (another, weak) = (server.clone(), server.downgrade());
    let casts = thread::spawn(move || another.cast(Msg::from((1, 1))).expect("it runs"));
    let upgrades = thread::spawn(move || match weak.upgrade() {
        Some(server) => {
            server
                .cast(Msg::from((2, 1)))
                .expect("who has a handle reaches it");
            1
        }
        None => 0,
    });
    drop(server);
    casts.join().expect("it ends");
    let upgraded = upgrades.join().expect("it ends");
    join(process);
    assert_eq!(log.of(1), [1]);
    assert_eq!(log.of(2).len(), upgraded);
    assert_eq!(slot.info().dropped, 0);
}

#[test]
fn a_process_ends_with_its_last_handle_and_leaves_nothing_unhandled() {
    check("the last handle goes", last_handle);
}

/// An inbox is asked by one who stops waiting, and then by another.
fn read_inbox() {
    let (server, mut inbox) = inbox::<Msg>();
    let another = server.clone();
    let casts = thread::spawn(move || cast_two(&another, 1));
    let reads = thread::spawn(move || {
        let mut numbers = Vec::new();
        if let std::task::Poll::Ready(Some(Msg::Note(note))) =
            poll_once(&mut Box::pin(inbox.recv()))
        {
            numbers.push((note.sender, note.number));
        }
        let reads = thread::spawn(move || {
            while let Some(message) = block_on(inbox.recv()) {
                if let Msg::Note(note) = message {
                    numbers.push((note.sender, note.number));
                }
            }
            numbers
        });
        reads.join().expect("it ends")
    });
    cast_two(&server, 2);
    drop(server);
    casts.join().expect("it ends");
    let numbers = reads.join().expect("it ends");
    for sender in [1, 2] {
        let of = numbers.iter().filter(|entry| entry.0 == sender);
        assert_eq!(of.map(|entry| entry.1).collect::<Vec<_>>(), [1, 2]);
    }
}

#[test]
fn an_inbox_misses_nothing_whoever_waits_at_it() {
    check("two who wait at an inbox", read_inbox);
}

/// An event whose making panics, without the hook that a panic runs otherwise.
struct Panics;

impl From<Panics> for Msg {
    fn from(_: Panics) -> Self {
        std::panic::resume_unwind(Box::new("no message"))
    }
}

/// A place is promised to a message that is never made, while another waits for it.
fn promise_broken() {
    let log = Log::default();
    let (server, process) = start(Server::new(&log), 1);
    let another = server.clone();
    let breaks = thread::spawn(move || {
        let recipient = another.recipient::<Panics>();
        let cast = std::panic::AssertUnwindSafe(|| recipient.cast(Panics).map_err(|_| ()));
        assert!(matches!(
            std::panic::catch_unwind(cast),
            Err(_) | Ok(Err(()))
        ));
    });
    for number in [1, 2] {
        block_on(server.cast_wait(Msg::from((1, number)))).expect("it runs");
    }
    look(&server.slot);
    drop(server);
    breaks.join().expect("it ends");
    join(process);
    assert_eq!(log.of(1), [1, 2]);
}

#[test]
fn a_promised_place_that_is_not_taken_is_given_to_who_waits() {
    check("a promised place is not taken", promise_broken);
}
