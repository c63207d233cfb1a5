//! What a process swapped out and did not begin goes back to the front of the queue.

use std::ops::RangeInclusive;

use shuttle::thread;

use super::check;
use super::end::End;
use super::server::{Log, Msg, Note, Server, begin, run_process};
use crate::context::Context;
use crate::ending::next_number;
use crate::mailbox::Taken;
use crate::server_ref::ServerRef;
use crate::sync::{Arc, Ordering};
use schedules::join;

fn cast(server: &ServerRef<Msg>, sender: u32, numbers: RangeInclusive<u32>) {
    for number in numbers {
        let _ = server.cast(Msg::from((sender, number)));
    }
}

/// Takes what there is, begins one message of it, and ends as a process does that is dropped
/// half-way.
fn take_and_go(server: &ServerRef<Msg>, number: u64, log: &Log) {
    let mut context = Context::new(Arc::clone(&server.slot), number);
    if let Taken::Messages = server.slot.take_or_park(&mut context.batch)
        && let Some(Msg::Note(note)) = context.batch.pop_front()
    {
        context.begun += 1;
        log.add(note.sender, note.number);
    }
}

/// One incarnation goes with messages in hand, and the next one gets them first. The slot is given to
/// a new incarnation as a restart will.
fn next_incarnation() {
    let log = Log::default();
    let (server, number) = begin::<Msg>(usize::MAX);
    cast(&server, 1, 1..=2);
    let (another, third) = (server.clone(), server.clone());
    let first = thread::spawn(move || cast(&another, 1, 3..=4));
    let second = thread::spawn(move || cast(&third, 2, 1..=2));
    take_and_go(&server, number, &log);
    take_and_go(&server, number, &log);
    let number = next_number();
    server.slot.begin(number, None);
    let process = run_process(&server, number, Server::new(&log));
    let slot = Arc::clone(&server.slot);
    drop(server);
    first.join().expect("it ends");
    second.join().expect("it ends");
    join(process);
    assert_eq!(log.of(1), [1, 2, 3, 4]);
    assert_eq!(log.of(2), [1, 2]);
    let inner = slot.inner.lock();
    assert_eq!((inner.taken, slot.in_hand.load(Ordering::SeqCst)), (6, 0));
}

#[test]
fn the_next_incarnation_gets_first_what_was_given_back() {
    check(
        "the next incarnation gets first what was given back",
        next_incarnation,
    );
}

/// Casts notes, and gives up the log of those that are refused.
fn cast_logged(server: &ServerRef<Msg>, numbers: RangeInclusive<u32>, dropped: &Log) -> usize {
    let mut accepted = 0;
    for number in numbers {
        match server.cast(Note::logged(1, number, dropped)) {
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

/// What a process does not come to is dropped in the order in which it was sent.
fn order_of_the_dropped(end: End) {
    let (log, dropped) = (Log::default(), Log::default());
    let (server, number) = begin::<Msg>(usize::MAX);
    let mut accepted = cast_logged(&server, 1..=2, &dropped);
    server.cast(Msg::Pause).expect("it is not begun");
    accepted += cast_logged(&server, 3..=3, &dropped);
    let process = run_process(&server, number, Server::new(&log));
    let another = server.clone();
    let ends = thread::spawn(move || end.bring(&another, process));
    accepted += cast_logged(&server, 4..=5, &dropped);
    ends.join().expect("it ends");
    let both = [log.of(1), dropped.of(1)].concat();
    assert_eq!(both.len(), accepted);
    assert!(
        both.is_sorted(),
        "{both:?} with {} handled",
        log.of(1).len()
    );
}

#[test]
fn what_is_not_begun_is_dropped_in_order() {
    End::check_each("what is not begun", order_of_the_dropped);
}
