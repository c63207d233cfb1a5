//! Cycles closed by several threads at once, and no false alarm under load.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use otp_core::{
    CallError, Context, ExitReason, GenServer, ReplyTo, ServerOptions, ServerRef, start_with,
};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{hello, probes};
use crate::support::{Done, Msg, Outcome};

/// Longer than any test waits: who is not told of a cycle waits for this.
const LIMIT: Duration = Duration::from_secs(600);

/// How long a test waits for all that should take next to no time.
const PATIENCE: Duration = Duration::from_secs(30);

/// Has each of `N` servers call the next, at the same time, and tells how many were told of the cycle.
async fn ring<const N: usize>(servers: &[ServerRef<Msg>; N]) -> usize {
    let barrier = Arc::new(Barrier::new(N));
    let mut asked = JoinSet::new();
    for (at, server) in servers.iter().enumerate() {
        let (server, next) = (server.clone(), servers[(at + 1) % N].clone());
        let barrier = Arc::clone(&barrier);
        asked.spawn(async move {
            let request = |reply: ReplyTo<Result<String, CallError>>| {
                Msg::run(move |_, _| {
                    Box::pin(async move {
                        barrier.wait().await;
                        reply.send(next.call_timeout(hello, LIMIT).await);
                        Ok(())
                    })
                })
            };
            server.call_timeout(request, LIMIT).await
        });
    }
    let mut told = 0;
    while let Some(outcome) = asked.join_next().await {
        match outcome.unwrap().unwrap() {
            Ok(said) => assert_eq!(said, "hello"),
            Err(CallError::Deadlock { cycle }) => {
                assert_eq!(cycle.len(), N);
                told += 1;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    told
}

async fn rings<const N: usize>() {
    let servers: [ServerRef<Msg>; N] = probes().await;
    for _ in 0..500 {
        let told = timeout(PATIENCE, ring(&servers)).await;
        assert!((1..=N).contains(&told.expect("nobody is told of the cycle")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_those_that_close_a_cycle_at_once_one_at_least_is_told() -> Outcome {
    rings::<2>().await;
    rings::<3>().await;
    rings::<5>().await;
    Ok(())
}

/// A small source of numbers that look random.
#[derive(Clone, Copy)]
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// A server that asks others before it answers.
struct Asks {
    all: Arc<OnceLock<Vec<ServerRef<Ask>>>>,
    /// Where it stands among all.
    own: usize,
    /// Whether it asks anybody, itself too, or only those behind it.
    anybody: bool,
}

struct Ask {
    numbers: Numbers,
    depth: usize,
    reply: ReplyTo<Vec<CallError>>,
}

impl GenServer for Asks {
    type Msg = Ask;

    async fn handle(&mut self, msg: Ask, _: &mut Context<Ask>) -> Done {
        let Ask {
            mut numbers,
            depth,
            reply,
        } = msg;
        let first = if self.anybody { 0 } else { self.own + 1 };
        let choice = &self.all.get().ok_or("nobody").map_err(ExitReason::boxed)?[first..];
        let mut said = Vec::new();
        if depth > 0 && !choice.is_empty() {
            let mut whom = || &choice[numbers.below(choice.len())];
            let (one, other) = (whom(), whom());
            let way = numbers.below(4);
            let next = |numbers: Numbers| {
                move |reply| Ask {
                    numbers,
                    depth: depth - 1,
                    reply,
                }
            };
            let mut also = numbers;
            also.0 ^= 0x5555;
            let outcomes = match way {
                0 => vec![one.call_timeout(next(numbers), LIMIT).await],
                1 => {
                    let (one, other) = tokio::join!(
                        one.call_timeout(next(numbers), LIMIT),
                        other.call_timeout(next(also), LIMIT)
                    );
                    vec![one, other]
                }
                2 => tokio::select! {
                    one = one.call_timeout(next(numbers), LIMIT) => vec![one],
                    other = other.call_timeout(next(also), LIMIT) => vec![other],
                },
                _ => {
                    // Given up by a time-out, or answered just in time.
                    let given_up = one
                        .call_timeout(next(numbers), Duration::from_micros(50))
                        .await;
                    let given_up = match given_up {
                        Err(CallError::Timeout) => Ok(Vec::new()),
                        other => other,
                    };
                    vec![given_up, other.call_timeout(next(also), LIMIT).await]
                }
            };
            for outcome in outcomes {
                match outcome {
                    Ok(mut deeper) => said.append(&mut deeper),
                    Err(error) => said.push(error),
                }
            }
        }
        reply.send(said);
        Ok(())
    }
}

/// Many calls at once among eight servers; returns what failed.
async fn load(anybody: bool, clients: u64, calls: usize) -> Vec<CallError> {
    let (all, mut servers) = (Arc::new(OnceLock::new()), Vec::new());
    for own in 0..8 {
        let options = match own % 3 {
            0 => ServerOptions::default().bounded(2),
            _ => ServerOptions::default(),
        };
        let asks = Asks {
            all: Arc::clone(&all),
            own,
            anybody,
        };
        servers.push(start_with(asks, options).await.unwrap());
    }
    assert!(all.set(servers.clone()).is_ok());
    let mut clients_at_work = JoinSet::new();
    for client in 0..clients {
        let (servers, mut numbers) = (servers.clone(), Numbers(client + 1));
        clients_at_work.spawn(async move {
            let mut failed = Vec::new();
            for _ in 0..calls {
                let whom = &servers[numbers.below(servers.len())];
                let ask = |reply| Ask {
                    numbers,
                    depth: 5,
                    reply,
                };
                failed.extend(whom.call_timeout(ask, LIMIT).await.unwrap());
            }
            failed
        });
    }
    let failed = timeout(PATIENCE, clients_at_work.join_all()).await;
    let failed = failed.expect("nobody is told of a cycle");
    failed.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_never_go_back_are_never_refused() -> Outcome {
    let failed = load(false, 6, 300).await;
    assert!(
        failed.is_empty(),
        "{} failed: {:?}",
        failed.len(),
        failed[0]
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_go_anywhere_hang_nobody() -> Outcome {
    let failed = load(true, 6, 300).await;
    let deadlocks = failed
        .iter()
        .filter(|error| matches!(error, CallError::Deadlock { .. }));
    // Eight servers that call each other as they like cannot but close cycles.
    assert!(deadlocks.count() > 0);
    let others = failed
        .iter()
        .find(|error| !matches!(error, CallError::Deadlock { .. } | CallError::CallingSelf));
    assert!(others.is_none(), "{others:?}");
    Ok(())
}
