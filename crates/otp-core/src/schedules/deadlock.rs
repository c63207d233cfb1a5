//! Cycles of calls that are closed by several at once: one is told at least, and nobody waits for ever.

use std::time::Duration;

use shuttle::thread;

use super::check;
use super::run::{block_on, join, spawn};
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

/// A server that asks the next one before it answers.
struct Node {
    next: Option<WeakRef<Ask>>,
}

enum Ask {
    Next(WeakRef<Ask>),
    /// To ask the next one so many times over, and to tell how many in the line were told of a cycle.
    On(u32, ReplyTo<u32>),
}

impl GenServer for Node {
    type Msg = Ask;

    async fn handle(&mut self, msg: Ask, _: &mut Context<Ask>) -> Result<(), ExitReason> {
        match msg {
            Ask::Next(next) => self.next = Some(next),
            Ask::On(0, reply) => reply.send(0),
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
