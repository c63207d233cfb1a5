//! The reply cell between who answers, who waits, and whoever else gives the outcome.

use std::task::Poll;

use shuttle::thread;

use super::check;
use super::server::{Log, Msg, Note};
use crate::current::Settle;
use crate::error::CallError;
use crate::inbox::inbox;
use crate::reply::{self, Awaiting, ReplyTo};
use crate::sync::Weak;
use schedules::{block_on, poll_once};

/// What the ticker does with a call whose time is over.
fn time_out(call: &Weak<dyn Settle>) {
    if let Some(call) = call.upgrade() {
        call.settle(CallError::Timeout);
    }
}

async fn outcome<T>(mut answer: Awaiting<T>) -> Result<T, CallError> {
    std::future::poll_fn(|cx| answer.poll(cx)).await
}

fn reply_against_deadline() {
    let (reply, answer) = reply::pair::<u32>(None);
    let call = answer.settle_handle();
    let replies = thread::spawn(move || reply.send(1));
    let times_out = thread::spawn(move || time_out(&call));
    match block_on(outcome(answer)) {
        Ok(1) | Err(CallError::Timeout) => {}
        other => panic!("neither the reply nor the deadline: {other:?}"),
    }
    replies.join().expect("it ends");
    times_out.join().expect("it ends");
}

#[test]
fn a_reply_and_a_deadline_give_one_outcome() {
    check(
        "a reply and a deadline give one outcome",
        reply_against_deadline,
    );
}

fn drop_against_deadline() {
    let (reply, answer) = reply::pair::<u32>(None);
    let call = answer.settle_handle();
    let drops = thread::spawn(move || drop(reply));
    let times_out = thread::spawn(move || time_out(&call));
    match block_on(outcome(answer)) {
        Err(CallError::NoReply | CallError::Timeout) => {}
        other => panic!("neither the drop nor the deadline: {other:?}"),
    }
    drops.join().expect("it ends");
    times_out.join().expect("it ends");
}

#[test]
fn a_dropped_reply_and_a_deadline_give_one_outcome() {
    check(
        "a dropped reply and a deadline give one outcome",
        drop_against_deadline,
    );
}

/// The caller goes while it is answered: the answer is dropped, once.
fn caller_goes() {
    let dropped = Log::default();
    let (reply, mut answer) = reply::pair::<Msg>(None);
    let call = answer.settle_handle();
    let answer_of = Note::logged(1, 1, &dropped);
    let replies = thread::spawn(move || reply.send(answer_of));
    let times_out = thread::spawn(move || time_out(&call));
    let polled = poll_once(&mut std::future::poll_fn(|cx| answer.poll(cx)));
    assert!(matches!(
        polled,
        Poll::Pending | Poll::Ready(Ok(_) | Err(CallError::Timeout))
    ));
    drop((polled, answer));
    replies.join().expect("it ends");
    times_out.join().expect("it ends");
    assert_eq!(dropped.of(1), [1]);
}

#[test]
fn an_answer_to_a_caller_that_goes_is_dropped_once() {
    check(
        "an answer to a caller that goes is dropped once",
        caller_goes,
    );
}

/// The one who waits for the reply changes: it was polled here, and is waited for elsewhere.
fn reader_changes() {
    let (reply, mut answer) = reply::pair::<u32>(None);
    let call = answer.settle_handle();
    let replies = thread::spawn(move || reply.send(1));
    let times_out = thread::spawn(move || time_out(&call));
    match poll_once(&mut std::future::poll_fn(|cx| answer.poll(cx))) {
        Poll::Pending => {
            let waits = thread::spawn(move || block_on(outcome(answer)));
            let outcome = waits.join().expect("it ends");
            assert!(matches!(outcome, Ok(1) | Err(CallError::Timeout)));
        }
        Poll::Ready(outcome) => assert!(matches!(outcome, Ok(1) | Err(CallError::Timeout))),
    }
    replies.join().expect("it ends");
    times_out.join().expect("it ends");
}

#[test]
fn who_waits_last_is_woken() {
    check("who waits last is woken", reader_changes);
}

async fn closed(mut reply: ReplyTo<u32>) -> ReplyTo<u32> {
    reply.closed().await;
    reply
}

/// The holder of the reply waits until the caller is gone: by its time-out, or because it drops the
/// call.
fn waits_for_the_caller_to_go() {
    let (reply, answer) = reply::pair::<u32>(None);
    let call = answer.settle_handle();
    let waits = thread::spawn(move || {
        let was_closed = reply.is_closed();
        let reply = block_on(closed(reply));
        assert!(reply.is_closed(), "it was told that the caller is gone");
        reply.send(1);
        was_closed
    });
    let times_out = thread::spawn(move || time_out(&call));
    drop(answer);
    times_out.join().expect("it ends");
    waits.join().expect("it ends");
}

/// The same where the time-out alone tells it.
fn waits_for_the_time_out() {
    let (reply, answer) = reply::pair::<u32>(None);
    let call = answer.settle_handle();
    let waits = thread::spawn(move || assert!(block_on(closed(reply)).is_closed()));
    let times_out = thread::spawn(move || time_out(&call));
    let outcome = block_on(outcome(answer));
    assert!(matches!(outcome, Err(CallError::Timeout)));
    times_out.join().expect("it ends");
    waits.join().expect("it ends");
}

#[test]
fn who_waits_for_the_caller_to_go_is_told() {
    check(
        "who waits for the caller to go is told",
        waits_for_the_caller_to_go,
    );
    check(
        "who waits for the caller to time out is told",
        waits_for_the_time_out,
    );
}

/// Whole calls, answered by hand: one is answered, one dropped, and one caller goes.
fn calls() {
    let (server, mut inbox) = inbox::<Msg>();
    let (another, third) = (server.clone(), server.clone());
    let asks =
        thread::spawn(move || block_on(another.call_timeout(|reply| Msg::Ask(1, reply), MAX)));
    let keeps = thread::spawn(move || block_on(third.call_timeout(Msg::Keep, MAX)));
    let goes = thread::spawn(move || {
        let mut call = Box::pin(server.call_timeout(|reply| Msg::Ask(2, reply), MAX));
        let _ = poll_once(&mut call);
    });
    while let Some(message) = block_on(inbox.recv()) {
        match message {
            Msg::Ask(number, reply) => reply.send(number),
            other => drop(other),
        }
    }
    assert!(matches!(asks.join().expect("it ends"), Ok(1)));
    let kept = keeps.join().expect("it ends");
    assert!(matches!(kept, Err(CallError::NoReply)));
    goes.join().expect("it ends");
}

const MAX: std::time::Duration = std::time::Duration::MAX;

#[test]
fn each_call_gets_its_own_outcome() {
    check("each call gets its own outcome", calls);
}
