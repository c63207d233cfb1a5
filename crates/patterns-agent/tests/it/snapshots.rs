//! Snapshots: what they show, what they cost an update, and when they wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use patterns_agent::{AgentConfig, AgentError, Reader};
use testing::settle;

use crate::support::{Sheep, agent, keep_busy, restoring};

#[tokio::test]
async fn a_snapshot_never_changes_and_the_next_one_shows_the_update() {
    let agent = agent(vec![1]).await;
    let reader = agent.reader().await.unwrap();
    let before = reader.snapshot().unwrap();
    agent.update(|list| list.push(2)).await.unwrap();
    assert_eq!(*before, [1]);
    assert_eq!(*reader.snapshot().unwrap(), [1, 2]);
}

#[tokio::test]
async fn a_snapshot_shows_every_update_whose_call_has_returned() {
    let agent = agent(0).await;
    let reader = agent.reader().await.unwrap();
    let mut held = Vec::new();
    for round in 1..=500 {
        agent.update(|number| *number += 1).await.unwrap();
        let latest = reader.latest().unwrap();
        assert_eq!((*latest.state, latest.version), (round, round + 1));
        assert_eq!((reader.version(), agent.version()), (round + 1, round + 1));
        if round % 3 == 0 {
            held.push(latest);
        }
    }
    for change in held {
        assert_eq!(change.version, *change.state + 1);
    }
}

#[tokio::test]
async fn an_update_copies_only_while_a_snapshot_is_held_and_then_once() {
    let sheep = Sheep::default();
    let clones = Arc::clone(&sheep.clones);
    let agent = agent(sheep).await;
    let update = async || agent.update(|sheep| sheep.number += 1).await.unwrap();

    for _ in 0..10 {
        update().await;
    }
    assert_eq!(Sheep::count(&clones), 0, "there is no reader");
    let reader = agent.reader().await.unwrap();
    for _ in 0..10 {
        update().await;
        drop(reader.snapshot().unwrap());
    }
    assert_eq!(Sheep::count(&clones), 0, "no snapshot is held");
    let held = reader.snapshot().unwrap();
    for _ in 0..10 {
        update().await;
    }
    assert_eq!(Sheep::count(&clones), 1, "one is held, of one version");
    assert_eq!((held.number, reader.snapshot().unwrap().number), (20, 30));
}

#[tokio::test]
async fn when_the_last_reader_has_gone_the_agent_keeps_its_state_to_itself() {
    let sheep = Sheep::default();
    let clones = Arc::clone(&sheep.clones);
    let agent = agent(sheep).await;
    let reader = agent.reader().await.unwrap();
    let other = reader.clone();
    let held = other.snapshot().unwrap();
    drop((reader, other));
    for number in 1..=5 {
        agent
            .update(move |sheep| sheep.number = number)
            .await
            .unwrap();
        assert_eq!(agent.get(|sheep| sheep.number).await.unwrap(), number);
    }
    assert_eq!((held.number, Sheep::count(&clones)), (0, 1));
    let again = agent.reader().await.unwrap();
    assert_eq!(again.snapshot().unwrap().number, 5);
    assert_eq!(again.latest().unwrap().version, 6);
}

#[tokio::test]
async fn the_last_reader_that_goes_gives_the_state_back_to_the_agent() {
    let sheep = Sheep::default();
    let clones = Arc::clone(&sheep.clones);
    let agent = agent(sheep).await;
    let reader = agent.reader().await.unwrap();
    let snapshot = reader.snapshot().unwrap();
    // What is shared cannot be changed in place while somebody has a weak pointer to it; what is the agent's own can.
    let weak = Arc::downgrade(&snapshot);
    drop((snapshot, reader));
    agent.update(|sheep| sheep.number = 1).await.unwrap();
    assert_eq!((Sheep::count(&clones), weak.upgrade().is_none()), (0, true));
}

#[tokio::test]
async fn readers_come_and_go_between_updates_of_every_kind() {
    for agent in [agent(0_u64).await, restoring(0).await] {
        let mut held = Vec::new();
        for round in 0..60_u64 {
            let reader = (round % 4 != 0).then_some(agent.reader().await.unwrap());
            if round % 3 == 0 {
                held.extend(reader.as_ref().map(|reader| reader.latest().unwrap()));
            }
            if round % 5 == 0 {
                drop(held.drain(..held.len() / 2));
            }
            match round % 2 {
                0 => agent.update(|number| *number += 1).await.unwrap(),
                _ => agent
                    .update_async(|number| async move { number + 1 })
                    .await
                    .unwrap(),
            }
            assert_eq!(
                agent.get_versioned(|number| *number).await.unwrap(),
                (round + 2, round + 1)
            );
            if let Some(reader) = reader {
                assert_eq!(*reader.snapshot().unwrap(), round + 1);
            }
        }
        assert!(
            held.iter()
                .all(|change| change.version == *change.state + 1)
        );
    }
}

#[tokio::test]
async fn a_snapshot_is_served_in_sync_code_and_after_the_runtimes_thread_is_busy() {
    let agent = agent(String::from("here")).await;
    let reader = agent.reader().await.unwrap();
    let _release = keep_busy(&agent);
    settle().await;
    // The agent waits in an async update, and this thread never lets it run.
    let seen = thread::spawn(move || reader.snapshot().unwrap().len()).join();
    assert_eq!(seen.unwrap(), 4);
}

/// Has an update hold still in its closure, and takes a snapshot meanwhile. Returns it, and whether it came while the closure was held.
async fn snapshot_during_an_update(config: AgentConfig<u64>) -> (u64, bool) {
    let agent = patterns_agent::Agent::start_with(config, || 1_u64)
        .await
        .unwrap();
    let reader = agent.reader().await.unwrap();
    let (entered, inside) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let update = agent.clone();
    let update = tokio::spawn(async move {
        update
            .update(move |number| {
                *number = 100;
                entered.send(()).unwrap();
                let _ = released.recv_timeout(Duration::from_secs(60));
                *number = 2;
            })
            .await
    });
    inside.recv_timeout(Duration::from_secs(60)).unwrap();
    let returned = Arc::new(AtomicBool::new(false));
    let (early, reading) = (
        Arc::clone(&returned),
        thread::spawn({
            let returned = Arc::clone(&returned);
            move || {
                let seen = *reader.snapshot().unwrap();
                returned.store(true, Ordering::SeqCst);
                seen
            }
        }),
    );
    // Long enough for a snapshot that waits for nobody; one that must wait cannot get here first.
    let begin = std::time::Instant::now();
    while !early.load(Ordering::SeqCst) && begin.elapsed() < Duration::from_millis(300) {
        thread::yield_now();
    }
    let early = returned.load(Ordering::SeqCst);
    release.send(()).unwrap();
    let seen = tokio::task::spawn_blocking(|| reading.join().unwrap())
        .await
        .unwrap();
    update.await.unwrap().unwrap();
    (seen, early)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_waits_for_a_closure_that_works_in_place_and_never_shows_half_of_it() {
    let (seen, early) = snapshot_during_an_update(AgentConfig::default()).await;
    assert_eq!((seen, early), (2, false));
}

#[test]
fn all_who_wait_for_a_closure_are_served_when_it_is_over_and_told_when_it_panics() {
    for panics in [false, true] {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap();
        let agent = runtime.block_on(agent(1));
        let reader = runtime.block_on(agent.reader()).unwrap();
        let (entered, inside) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        agent
            .cast(move |number| {
                entered.send(()).unwrap();
                let _ = released.recv_timeout(Duration::from_secs(60));
                *number = 2;
                assert!(!panics, "while they wait");
            })
            .unwrap();
        inside.recv_timeout(Duration::from_secs(60)).unwrap();
        let (answer, answers) = mpsc::channel();
        for _ in 0..8 {
            let (reader, answer) = (reader.clone(), answer.clone());
            thread::spawn(move || answer.send(reader.snapshot()));
        }
        // Time for most of them to wait; who comes later is served all the same.
        assert!(answers.recv_timeout(Duration::from_millis(100)).is_err());
        release.send(()).unwrap();
        for _ in 0..8 {
            let answer = answers.recv_timeout(Duration::from_secs(60));
            match answer.expect("it hangs") {
                Ok(number) => assert_eq!((*number, panics), (2, false)),
                Err(error) => assert!(panics && matches!(error, AgentError::NoProc)),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_of_a_restoring_agent_waits_for_no_closure() {
    let config = AgentConfig {
        on_panic: patterns_agent::OnPanic::Restore(Clone::clone),
        ..AgentConfig::default()
    };
    assert_eq!(snapshot_during_an_update(config).await, (1, true));
}

#[test]
fn a_snapshot_in_the_closure_that_changes_the_state_is_an_error_and_no_hang() {
    let (done, end) = mpsc::channel();
    // In a thread of its own, so that a hang would be a failure.
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        runtime.unwrap().block_on(async {
            let agent = agent(1).await;
            let reader = agent.reader().await.unwrap();
            let inner = reader.clone();
            let told = agent.get_and_update(move |_| inner.snapshot());
            assert!(matches!(told.await.unwrap(), Err(AgentError::CallingSelf)));
            assert_eq!(*reader.snapshot().unwrap(), 1);
        });
        done.send(()).unwrap();
    });
    let end = end.recv_timeout(Duration::from_secs(60));
    assert_eq!(end, Ok(()), "a hang or a panic");
}

#[tokio::test]
async fn a_closure_that_only_reads_may_take_a_snapshot() {
    let agent = agent(1).await;
    let reader = agent.reader().await.unwrap();
    let inner = reader.clone();
    let seen = agent.get(move |_| inner.snapshot().unwrap()).await.unwrap();
    assert_eq!(*seen, 1);
}

#[tokio::test]
async fn a_snapshot_in_a_closure_that_works_on_a_copy_shows_the_state_before() {
    let agent = restoring(1).await;
    let inner = agent.reader().await.unwrap();
    let seen = agent
        .get_and_update(move |number| {
            *number = 2;
            *inner.snapshot().unwrap()
        })
        .await
        .unwrap();
    assert_eq!(seen, 1);
}

#[tokio::test]
async fn a_closure_may_take_a_snapshot_of_another_agent() {
    let (left, right) = (agent(1).await, agent(2).await);
    let _kept = left.reader().await.unwrap();
    let other = right.reader().await.unwrap();
    let sum = left.get_and_update(move |number| *number + *other.snapshot().unwrap());
    assert_eq!(sum.await.unwrap(), 3);
}

#[tokio::test]
async fn a_reader_can_be_shared_and_sent() {
    fn check<T: Send + Sync + Unpin + 'static>(_: &T) {}
    let reader: Reader<String> = agent(String::new()).await.reader().await.unwrap();
    check(&reader);
}
