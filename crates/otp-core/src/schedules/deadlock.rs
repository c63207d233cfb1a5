//! Cycles of calls that are closed by several at once: one is told at least, and nobody waits for ever.

use std::time::Duration;

use shuttle::thread;

use super::check;
use crate::context::Context;
use crate::ending::next_number;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::gen_server::GenServer;
use crate::process::process;
use crate::reply::ReplyTo;
use crate::server_ref::{ServerRef, WeakRef};
use crate::slot::Slot;
use crate::sync::Arc;
use schedules::{block_on, join, spawn};

/// A server that asks the next one before it answers.
struct Node {
    next: Option<WeakRef<Ask>>,
}

enum Ask {
    Next(WeakRef<Ask>),
    /// To ask the next one so many times over, and to tell how many in the line were told of a cycle.
    On(u32, ReplyTo<u32>),
    /// To ask the next one to answer first and then to ask that one.
    Relay(WeakRef<Ask>, ReplyTo<()>),
    /// To answer, and then to ask that one.
    AnswerThenAsk(WeakRef<Ask>, ReplyTo<()>),
}

impl GenServer for Node {
    type Msg = Ask;

    async fn handle(&mut self, msg: Ask, _: &mut Context<Ask>) -> Result<(), ExitReason> {
        match msg {
            Ask::Next(next) => self.next = Some(next),
            Ask::On(0, reply) => reply.send(0),
            Ask::Relay(whom, reply) => {
                let next = self.next.as_ref().and_then(WeakRef::upgrade);
                let next = next.ok_or_else(|| ExitReason::boxed("there is no next one"))?;
                let relay = |answer| Ask::AnswerThenAsk(whom, answer);
                next.call_timeout(relay, Duration::MAX).await?;
                reply.send(());
            }
            Ask::AnswerThenAsk(whom, reply) => {
                reply.send(());
                if let Some(whom) = whom.upgrade() {
                    let on = |reply| Ask::On(0, reply);
                    let asked = whom.call_timeout(on, Duration::MAX).await;
                    asked.expect("whom it answered waits for it no more");
                }
            }
            Ask::On(left, reply) => {
                let next = self.next.as_ref().and_then(WeakRef::upgrade);
                let next = next.ok_or_else(|| ExitReason::boxed("there is no next one"))?;
                let on = |reply| Ask::On(left - 1, reply);
                reply.send(match next.call_timeout(on, Duration::MAX).await {
                    Ok(told) => told,
                    Err(CallError::Deadlock { cycle }) => {
                        assert!(cycle.len() > 1, "{cycle:?}");
                        1
                    }
                    Err(other) => panic!("{other}"),
                });
            }
        }
        Ok(())
    }
}

/// So many servers in a ring, each asked at the same time to ask on.
fn ring(size: u32, steps: u32) -> u32 {
    let mut servers: Vec<ServerRef<Ask>> = Vec::new();
    let mut processes = Vec::new();
    for _ in 0..size {
        let slot = Arc::new(Slot::new(usize::MAX, None));
        let number = next_number();
        slot.begin(number, None);
        processes.push(spawn(process(
            Arc::clone(&slot),
            number,
            Node { next: None },
        )));
        servers.push(ServerRef::first(slot));
    }
    for (at, server) in servers.iter().enumerate() {
        let next = servers[(at + 1) % servers.len()].downgrade();
        assert!(server.cast(Ask::Next(next)).is_ok());
    }
    let asking: Vec<_> = servers
        .iter()
        .map(|server| {
            let server = server.clone();
            thread::spawn(move || {
                let ask = |reply| Ask::On(steps, reply);
                block_on(server.call_timeout(ask, Duration::MAX)).expect("it answers")
            })
        })
        .collect();
    let told = asking.into_iter().map(|asks| asks.join().expect("it ends"));
    let told = told.sum();
    drop(servers);
    processes.into_iter().for_each(join);
    told
}

#[test]
fn two_that_call_each_other_at_once_are_told() {
    check("a ring of two", || {
        ring(2, 1);
    });
    check("a ring of two, all the way round", || {
        assert!(ring(2, 2) > 0, "nobody is told");
    });
}

#[test]
fn three_that_call_each_other_at_once_are_told() {
    check("a ring of three", || {
        ring(3, 1);
    });
    check("a ring of three, all the way round", || {
        assert!(ring(3, 3) > 0, "nobody is told");
    });
}

/// The first asks the second, which asks the third, which answers and only then asks the first.
fn answered() {
    let mut servers = Vec::new();
    let mut processes = Vec::new();
    for _ in 0..3 {
        let slot = Arc::new(Slot::new(usize::MAX, None));
        let number = next_number();
        slot.begin(number, None);
        processes.push(spawn(process(
            Arc::clone(&slot),
            number,
            Node { next: None },
        )));
        servers.push(ServerRef::first(slot));
    }
    for at in 0..2 {
        let next = servers[at + 1].downgrade();
        assert!(servers[at].cast(Ask::Next(next)).is_ok());
    }
    let (first, second) = (servers[0].clone(), servers[1].clone());
    let back = first.downgrade();
    let relays = thread::spawn(move || {
        let relay = |reply| Ask::Relay(back, reply);
        block_on(second.call_timeout(relay, Duration::MAX)).expect("it answers");
    });
    let ask = |reply| Ask::On(1, reply);
    let told = block_on(first.call_timeout(ask, Duration::MAX)).expect("it answers");
    assert_eq!(told, 0, "there was no cycle");
    relays.join().expect("it ends");
    drop((first, servers));
    processes.into_iter().for_each(join);
}

#[test]
fn who_has_answered_is_no_part_of_a_cycle() {
    check("answered, then asked", answered);
}
