//! Every future may be dropped at every await: nothing is lost, run twice, or left behind.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Waker};

use patterns_agent::{Agent, Reader};
use testing::{at_each_await, polled};

use crate::support::agent;

type Work = Pin<Box<dyn Future<Output = ()>>>;

/// The state: how often an update ran, and something whose owners can be counted.
#[derive(Debug, Clone)]
struct State {
    ran: u64,
    token: Arc<()>,
}

/// What is captured by a closure; gone when the closure is.
fn update(agent: &Agent<State>, kind: usize) -> Work {
    let agent = agent.clone();
    Box::pin(async move {
        let captured = agent.get(|state| Arc::clone(&state.token)).await.unwrap();
        let count = move |state: &mut State| {
            drop(captured);
            state.ran += 1;
        };
        match kind {
            0 => agent.update(count).await.unwrap(),
            1 => agent.get_and_update(count).await.unwrap(),
            2 => agent.cast_wait(count).await.unwrap(),
            3 => {
                let later = |mut state: State| async move {
                    tokio::task::yield_now().await;
                    count(&mut state);
                    state
                };
                agent.update_async(later).await.unwrap();
            }
            4 => drop(agent.compare_and_update(agent.version(), count).await),
            5 => drop(agent.wait_for(move |_| captured_is_there(&count)).await),
            6 => drop(
                agent
                    .view(move |state| {
                        let _ = &count;
                        state.ran
                    })
                    .await
                    .unwrap(),
            ),
            7 => drop(agent.changed(u64::MAX).await),
            8 => drop(agent.reader().await.unwrap().snapshot().unwrap()),
            _ => {
                let mut reader: Reader<State> = agent.reader().await.unwrap();
                drop(reader.recv().await);
            }
        }
    })
}

fn captured_is_there<F>(_: &F) -> bool {
    false
}

#[tokio::test]
async fn dropping_any_future_at_any_await_loses_and_leaks_nothing() {
    for kind in 0..10 {
        for with_reader in [false, true] {
            let token = Arc::new(());
            let agent = agent(State {
                ran: 0,
                token: Arc::clone(&token),
            })
            .await;
            let reader = match with_reader {
                true => Some(agent.reader().await.unwrap()),
                false => None,
            };
            let mut ran = 0;
            // What these wait for never comes.
            let waits_for_ever = matches!(kind, 5 | 7 | 9);
            at_each_await(async |polls| {
                let done = polled(update(&agent, kind), polls).await;
                // In order behind it: whatever was accepted has run, whole and once.
                let now = agent.get(|state| state.ran).await.unwrap();
                assert!(now == ran || now == ran + 1, "kind {kind}, {polls} polls");
                ran = now;
                assert!(!(waits_for_ever && done), "kind {kind}, {polls} polls");
                done || waits_for_ever && polls == 11
            })
            .await;
            if kind < 5 {
                assert!(ran > 0, "kind {kind} has run at least once");
            }
            // Two versions more: whoever waited in there is gone, and so are the closures.
            agent.update(|_| ()).await.unwrap();
            agent.update(|_| ()).await.unwrap();
            assert_eq!(
                Arc::strong_count(&token),
                2,
                "kind {kind}: the state's and ours"
            );
            drop(reader);
            agent.stop().await.unwrap();
            assert_eq!(Arc::strong_count(&token), 1, "kind {kind}");
        }
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_after_its_first_poll_has_been_sent() {
    let agent = agent(0).await;
    {
        let mut call = pin!(agent.update(|number| *number += 1));
        assert!(
            call.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    drop(agent.update(|number| *number += 10));
    assert_eq!(
        agent.get(|number| *number).await.unwrap(),
        1,
        "and one that was never polled has not"
    );
}

#[tokio::test]
async fn a_reader_whose_future_was_dropped_does_not_have_the_agent_share_for_ever() {
    let clones = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let agent = agent(crate::support::Sheep {
        number: 0,
        clones: Arc::clone(&clones),
    })
    .await;
    {
        let mut reader = pin!(agent.reader());
        assert!(
            reader
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    for _ in 0..5 {
        agent.update(|sheep| sheep.number += 1).await.unwrap();
    }
    assert_eq!(crate::support::Sheep::count(&clones), 0);
    assert_eq!(agent.get(|sheep| sheep.number).await.unwrap(), 5);
}

#[tokio::test]
async fn a_wait_that_is_dropped_and_begun_again_misses_no_version() {
    let agent = agent(0_u64).await;
    let mut reader = agent.reader().await.unwrap();
    for number in 1..=20 {
        for _ in 0..3 {
            let mut recv = pin!(reader.recv());
            assert!(
                recv.as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        agent.update(|state| *state += 1).await.unwrap();
        assert_eq!(*reader.recv().await.unwrap().state, number);
    }
}
