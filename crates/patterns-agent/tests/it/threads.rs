//! Many at once on several threads: nothing is lost, torn or counted twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use patterns_agent::{AgentError, Change};
use tokio::task::JoinHandle;

use crate::support::{agent, restoring, soon};

const WRITERS: u64 = 4;
const UPDATES: u64 = 300;

/// The state says of itself which version it should be, and is torn if its halves differ.
#[derive(Debug, Clone, Default)]
struct State {
    updates: u64,
    twin: Box<u64>,
    refused: u64,
}

fn check(change: &Change<State>, restored: u64) -> u64 {
    let State { updates, twin, .. } = &*change.state;
    assert_eq!(updates, &**twin, "torn");
    assert_eq!(
        change.version,
        updates + 1 + restored,
        "a version for each update"
    );
    change.version
}

fn count(state: &mut State) {
    state.updates += 1;
    std::hint::spin_loop();
    *state.twin += 1;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_update_is_lost_and_versions_have_no_gap_whoever_reads_meanwhile() {
    for agent in [
        agent(State::default()).await,
        restoring(State::default()).await,
    ] {
        let reader = agent.reader().await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let snapshots = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let (reader, done, snapshots) =
                    (reader.clone(), Arc::clone(&done), Arc::clone(&snapshots));
                thread::spawn(move || {
                    let (mut last, mut held) = (0, None);
                    let mut rounds = 0;
                    while rounds == 0 || !done.load(Ordering::SeqCst) {
                        rounds += 1;
                        let change = reader.latest().unwrap();
                        let version = check(&change, 0);
                        assert!(version >= last, "time went back");
                        last = version;
                        snapshots.fetch_add(1, Ordering::SeqCst);
                        // One of the two holds its snapshots for a while.
                        held = (thread == 0).then_some(change);
                    }
                    drop(held);
                })
            })
            .collect();
        // Both read before anything is written, and go on until all is.
        while snapshots.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        let seen = agent.clone();
        let every: JoinHandle<_> = tokio::spawn(async move {
            let mut versions = Vec::new();
            let last = WRITERS * UPDATES;
            seen.wait_for_some(move |state: &State| {
                versions.push(state.updates);
                (state.updates == last).then(|| std::mem::take(&mut versions))
            })
            .await
            .unwrap()
        });
        let mut stream = reader.clone();
        let stream = tokio::spawn(async move {
            let mut last = 1;
            while last < WRITERS * UPDATES + 1 {
                let version = check(&stream.recv().await.unwrap(), 0);
                assert!(version > last);
                last = version;
            }
        });
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let agent = agent.clone();
                tokio::spawn(async move {
                    let mut casts = 0;
                    for update in 0..UPDATES {
                        match (update + writer) % 4 {
                            0 => agent.update(count).await.unwrap(),
                            1 => {
                                agent.cast(count).unwrap();
                                casts += 1;
                            }
                            2 => agent
                                .update_async(|mut state| async move {
                                    tokio::task::yield_now().await;
                                    count(&mut state);
                                    state
                                })
                                .await
                                .unwrap(),
                            _ => loop {
                                let (version, ()) = agent.get_versioned(|_| ()).await.unwrap();
                                match agent.compare_and_update(version, count).await {
                                    Ok(()) => break,
                                    Err(AgentError::Conflict { current }) => {
                                        assert!(current > version);
                                    }
                                    Err(other) => panic!("{other}"),
                                }
                            },
                        }
                    }
                    casts
                })
            })
            .collect();
        for writer in writers {
            assert_eq!(writer.await.unwrap(), UPDATES / 4);
        }
        soon(stream).await.unwrap();
        done.store(true, Ordering::SeqCst);
        for thread in threads {
            tokio::task::spawn_blocking(move || thread.join().unwrap())
                .await
                .unwrap();
        }
        let total = WRITERS * UPDATES;
        assert_eq!(
            agent
                .get(|state| (state.updates, *state.twin))
                .await
                .unwrap(),
            (total, total)
        );
        assert_eq!(agent.version(), total + 1);
        let every = soon(every).await.unwrap();
        let first = every[0];
        assert_eq!(
            every,
            (first..=total).collect::<Vec<_>>(),
            "the waiter saw each version"
        );
        assert!(snapshots.load(Ordering::SeqCst) > 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_see_whole_states_and_agents_lose_none() {
    let agent = agent(State::default()).await;
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move {
                for _ in 0..100 {
                    let reader = agent.reader().await.unwrap();
                    let (first, second) = (reader.latest().unwrap(), reader.latest().unwrap());
                    assert!(check(&first, 0) <= check(&second, 0));
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move {
                for _ in 0..UPDATES {
                    agent.update(count).await.unwrap();
                }
            })
        })
        .collect();
    for task in writers.into_iter().chain(readers) {
        task.await.unwrap();
    }
    let total = WRITERS * UPDATES;
    assert_eq!(
        agent.get_versioned(|state| state.updates).await.unwrap(),
        (total + 1, total)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panics_in_between_cost_their_own_update_and_no_other() {
    let agent = restoring(State::default()).await;
    let reader = agent.reader().await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move {
                let mut panics = 0;
                for update in 0..50 {
                    let told = agent
                        .update(move |state| {
                            state.updates += 1;
                            if update % 5 == 0 {
                                // No message of the hook: there would be many.
                                std::panic::resume_unwind(Box::new("on purpose"));
                            }
                            *state.twin += 1;
                            state.refused += 0;
                        })
                        .await;
                    panics += u64::from(matches!(told, Err(AgentError::Panicked(_))));
                    assert_eq!(told.is_ok(), update % 5 != 0);
                }
                panics
            })
        })
        .collect();
    let mut panics = 0;
    for writer in writers {
        check(&reader.latest().unwrap(), 0);
        panics += writer.await.unwrap();
    }
    assert_eq!(
        (panics, agent.info().panicked),
        (WRITERS * 10, WRITERS * 10)
    );
    assert_eq!(check(&reader.latest().unwrap(), 0), WRITERS * 40 + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_and_its_state_are_seen_together() {
    for agent in [
        agent(State::default()).await,
        restoring(State::default()).await,
    ] {
        let reader = agent.reader().await.unwrap();
        let done = Arc::new(AtomicBool::new(false));
        let looking = thread::spawn({
            let (agent, done) = (agent.clone(), Arc::clone(&done));
            move || {
                while !done.load(Ordering::SeqCst) {
                    let before = agent.version();
                    let change = reader.latest().unwrap();
                    let after = agent.version();
                    assert!(before <= change.version, "a version without its state");
                    assert!(change.version <= after, "a state without its version");
                    check(&change, 0);
                }
            }
        });
        for _ in 0..5 * UPDATES {
            agent.update(count).await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        tokio::task::spawn_blocking(|| looking.join().unwrap())
            .await
            .unwrap();
    }
}
