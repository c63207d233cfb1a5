//! Panics in every piece of a user's code: who is told, and what is left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use patterns_agent::{Agent, AgentError, StartError};
use testing::settle;

use crate::support::{agent, fatal, harmless, restoring};

/// A closure that panics half-way, as each kind of operation.
async fn panic_in(kind: usize, agent: &Agent<Vec<u64>>) -> Result<(), AgentError> {
    fn torn(list: &mut Vec<u64>) {
        list.clear();
        panic!("half-way");
    }
    match kind {
        0 => agent.update(torn).await,
        1 => agent.get_and_update(torn).await,
        2 => agent.compare_and_update(agent.version(), torn).await,
        3 => agent.get(|_| panic!("half-way")).await,
        4 => agent
            .get_versioned(|_| panic!("half-way"))
            .await
            .map(|(_, ())| ()),
        5 => agent.update_async(|_| async { panic!("half-way") }).await,
        6 => {
            let work = |_| -> std::future::Ready<Vec<u64>> { panic!("half-way") };
            agent.update_async(work).await
        }
        _ => {
            let later = |mut list| async move {
                tokio::task::yield_now().await;
                torn(&mut list);
                ((), list)
            };
            agent.get_and_update_async(later).await
        }
    }
}

#[tokio::test]
async fn a_closure_that_panics_stops_the_agent_and_its_caller_is_told_why() {
    for kind in 0..8 {
        for with_reader in [false, true] {
            let agent = agent(vec![1, 2]).await;
            let reader = match with_reader {
                true => Some(agent.reader().await.unwrap()),
                false => None,
            };
            let error = panic_in(kind, &agent).await.unwrap_err();
            assert_eq!(fatal(error), "half-way", "kind {kind}");
            assert!(!agent.is_alive());
            assert_eq!(agent.info().panicked, 1, "kind {kind}");
            let after = agent.get(Vec::len).await;
            assert!(matches!(after, Err(AgentError::NoProc)), "kind {kind}");
            if let Some(reader) = reader {
                assert!(matches!(reader.snapshot(), Err(AgentError::NoProc)));
            }
        }
    }
}

#[tokio::test]
async fn a_closure_that_panics_in_a_restoring_agent_changes_nothing() {
    for with_reader in [false, true] {
        let agent = restoring(vec![1, 2]).await;
        let reader = match with_reader {
            true => Some(agent.reader().await.unwrap()),
            false => None,
        };
        for kind in 0..8 {
            let error = panic_in(kind, &agent).await.unwrap_err();
            assert_eq!(harmless(error), "half-way", "kind {kind}");
        }
        assert_eq!(agent.get(Vec::clone).await.unwrap(), [1, 2]);
        assert_eq!((agent.version(), agent.info().panicked), (1, 8));
        if let Some(reader) = reader {
            assert_eq!(*reader.snapshot().unwrap(), [1, 2]);
        }
        agent.update(|list| list.push(3)).await.unwrap();
        assert_eq!(agent.version(), 2);
    }
}

#[tokio::test]
async fn a_cast_that_panics_stops_the_agent_or_changes_nothing() {
    let stopping = agent(1).await;
    stopping.cast(|_| panic!("in a cast")).unwrap();
    let error = stopping.get(|number| *number).await.unwrap_err();
    assert_eq!(fatal(error), "in a cast", "who waits behind it is told why");

    let restoring = restoring(1).await;
    restoring
        .cast(|number| {
            *number = 2;
            panic!("in a cast");
        })
        .unwrap();
    assert_eq!(restoring.get(|number| *number).await.unwrap(), 1);
    assert_eq!(restoring.info().panicked, 1);
}

#[tokio::test]
async fn a_panic_that_is_no_text_is_told_all_the_same() {
    let agent = restoring(1).await;
    let error = agent
        .update(|_| std::panic::panic_any(5_u8))
        .await
        .unwrap_err();
    assert_eq!(harmless(error), "Box<dyn Any>");
    let error = agent
        .update(|number| panic!("it is {number}"))
        .await
        .unwrap_err();
    assert_eq!(harmless(error), "it is 1");
}

#[tokio::test]
async fn a_panic_in_the_first_state_is_a_failed_start() {
    let error = Agent::start(|| -> u8 { panic!("no state") })
        .await
        .unwrap_err();
    let StartError::Failed(reason) = error else {
        panic!("{error}");
    };
    assert_eq!(reason.to_string(), "panicked: no state");
}

/// Panics when it is told to: in its clone, or in its drop.
#[derive(Debug, Default)]
struct Bomb {
    number: u64,
    clone: Arc<AtomicBool>,
    drop: Arc<AtomicBool>,
    drops: Arc<AtomicUsize>,
}

impl Bomb {
    /// A bomb, and its fuses for clone and drop, and how often one was dropped.
    fn new() -> (Self, Arc<AtomicBool>, Arc<AtomicBool>, Arc<AtomicUsize>) {
        let bomb = Self::default();
        let (clone, drop) = (Arc::clone(&bomb.clone), Arc::clone(&bomb.drop));
        let drops = Arc::clone(&bomb.drops);
        (bomb, clone, drop, drops)
    }
}

impl Clone for Bomb {
    fn clone(&self) -> Self {
        assert!(!self.clone.load(Ordering::SeqCst), "in the clone");
        Self {
            number: self.number,
            clone: Arc::clone(&self.clone),
            drop: Arc::clone(&self.drop),
            drops: Arc::clone(&self.drops),
        }
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::SeqCst);
        assert!(!self.drop.load(Ordering::SeqCst), "in the drop");
    }
}

#[tokio::test]
async fn a_panic_in_the_states_clone_counts_as_one_in_the_closure() {
    let (bomb, clone, ..) = Bomb::new();
    let stopping = agent(bomb).await;
    let reader = stopping.reader().await.unwrap();
    let held = reader.snapshot().unwrap();
    clone.store(true, Ordering::SeqCst);
    let error = stopping.update(|bomb| bomb.number = 1).await.unwrap_err();
    assert_eq!(fatal(error), "in the clone");
    assert_eq!(held.number, 0);

    let (bomb, clone, ..) = Bomb::new();
    let restoring = restoring(bomb).await;
    clone.store(true, Ordering::SeqCst);
    let error = restoring.update(|bomb| bomb.number = 1).await.unwrap_err();
    assert_eq!(harmless(error), "in the clone");
    let error = restoring
        .update_async(|bomb| async { bomb })
        .await
        .unwrap_err();
    assert_eq!(harmless(error), "in the clone");
    clone.store(false, Ordering::SeqCst);
    restoring.update(|bomb| bomb.number += 1).await.unwrap();
    assert_eq!(restoring.get(|bomb| bomb.number).await.unwrap(), 1);
}

#[tokio::test]
async fn a_panic_in_the_drop_of_a_replaced_state_does_no_harm() {
    for with_reader in [false, true] {
        let (bomb, _, drop, drops) = Bomb::new();
        let agent = restoring(bomb).await;
        let reader = match with_reader {
            true => Some(agent.reader().await.unwrap()),
            false => None,
        };
        drop.store(true, Ordering::SeqCst);
        for number in 1..=3 {
            agent
                .update(move |bomb| bomb.number = number)
                .await
                .unwrap();
        }
        assert_eq!(agent.get(|bomb| bomb.number).await.unwrap(), 3);
        assert_eq!(drops.load(Ordering::SeqCst), 3);
        drop.store(false, Ordering::SeqCst);
        std::mem::drop(reader);
    }
}

#[tokio::test]
async fn a_state_that_was_torn_may_panic_in_its_drop_too() {
    for with_reader in [false, true] {
        let (bomb, _, drop, drops) = Bomb::new();
        let agent = agent(bomb).await;
        let reader = match with_reader {
            true => Some(agent.reader().await.unwrap()),
            false => None,
        };
        drop.store(true, Ordering::SeqCst);
        let error = agent.update(|_| panic!("torn")).await.unwrap_err();
        assert_eq!(fatal(error), "torn", "the first panic is what is told");
        assert_eq!(drops.load(Ordering::SeqCst), 1);
        std::mem::drop(reader);
    }
}

#[tokio::test]
async fn a_copy_that_a_closure_tore_may_panic_in_its_drop_too() {
    let (bomb, _, drop, _) = Bomb::new();
    let agent = restoring(bomb).await;
    drop.store(true, Ordering::SeqCst);
    let error = agent.update(|_| panic!("torn")).await.unwrap_err();
    assert_eq!(harmless(error), "torn");
    drop.store(false, Ordering::SeqCst);
    assert_eq!(agent.version(), 1);
}

#[tokio::test]
async fn a_panic_in_the_drop_of_the_last_state_is_the_reason_of_the_end() {
    let (bomb, _, drop, _) = Bomb::new();
    let agent = agent(bomb).await;
    drop.store(true, Ordering::SeqCst);
    let error = agent.stop().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the process ended for another reason: panicked: in the drop"
    );
}

/// A result that panics when nobody takes it.
struct Sulking;

impl Drop for Sulking {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "nobody wanted it");
    }
}

#[tokio::test]
async fn a_result_whose_caller_has_gone_may_panic_in_its_drop() {
    let agent = agent(1).await;
    {
        let call = std::pin::pin!(agent.get_and_update(|number| {
            *number += 1;
            Sulking
        }));
        let waker = std::task::Waker::noop();
        assert!(
            call.poll(&mut std::task::Context::from_waker(waker))
                .is_pending()
        );
    }
    settle().await;
    assert_eq!(agent.get(|number| *number).await.unwrap(), 2);
}
