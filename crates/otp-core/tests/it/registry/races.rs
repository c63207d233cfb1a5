//! Processes of several threads at one registry.

use std::sync::Arc;

use otp_core::{DuplicateRegistry, ExitReason, RegistryEvent, StartError, inbox};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{Names, register, server};
use crate::support::{Log, Msg, Outcome, Probe, inside};

const ROUNDS: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_ten_wins() -> Outcome {
    let mut servers = Vec::new();
    for _ in 0..10 {
        servers.push(server().await);
    }
    for _ in 0..ROUNDS {
        let names = Names::new();
        let mut racers = JoinSet::new();
        for server in &servers {
            let (server, names) = (server.clone(), names.clone());
            racers.spawn(async move { (server.pid(), register(&names, &server, "key", 1).await) });
        }
        let outcomes = racers.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|(_, done)| done.is_ok());
        assert_eq!(won.len(), 1);
        let winner = won[0].0.clone();
        assert!(lost.iter().all(|(_, refused)| refused.as_ref().err().map(|held| &held.pid) == winner.as_ref()));
        assert_eq!(names.lookup("key").map(|entry| entry.pid), winner);
        assert_eq!(names.count(), 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_ten_starts_wins() -> Outcome {
    for _ in 0..ROUNDS {
        let names = Names::new();
        let mut racers = JoinSet::new();
        for _ in 0..10 {
            let via = names.via("key");
            racers.spawn(async move { via.start(Probe::new(&Log::default())).await });
        }
        let (mut won, mut lost) = (Vec::new(), Vec::new());
        for outcome in racers.join_all().await {
            match outcome {
                Ok(server) => won.push(server),
                Err(StartError::AlreadyStarted(pid)) => lost.push(pid),
                Err(other) => return Err(other.into()),
            }
        }
        assert_eq!((won.len(), lost.len()), (1, 9));
        let winner = won[0].pid().ok_or("none")?;
        assert!(lost.iter().all(|pid| *pid == winner));
        won[0].stop().await?;
        assert_eq!(names.count(), 0);
    }
    Ok(())
}

/// Each registration is told of once, and each end of one once, per key by turns.
fn check_conserved(events: impl Iterator<Item = RegistryEvent<&'static str, u32>>) -> usize {
    let (mut holder, mut told) = (None, 0);
    for event in events {
        told += 1;
        match event {
            RegistryEvent::Registered { pid, .. } => {
                assert_eq!(
                    holder.replace(pid.clone()),
                    None,
                    "{pid} came before another went"
                );
            }
            RegistryEvent::Unregistered { pid, .. } => {
                assert_eq!(holder.take(), Some(pid));
            }
            _ => {}
        }
    }
    assert_eq!(holder, None);
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_passes_from_the_dying_to_the_next() -> Outcome {
    let names = Names::new();
    let (address, mut events) = inbox::<RegistryEvent<&'static str, u32>>();
    names.listen(address.recipient());
    let mut registered = 0;
    for round in 0..ROUNDS {
        let (old, new) = (server().await, server().await);
        register(&names, &old, "key", 1).await?;
        let pid = old.pid().ok_or("none")?;
        let start = Arc::new(Barrier::new(2));
        let ends = tokio::spawn({
            let (start, pid) = (Arc::clone(&start), pid.clone());
            async move {
                start.wait().await;
                let end = pid.monitor();
                if round % 2 == 0 {
                    pid.kill();
                } else {
                    pid.exit(ExitReason::Shutdown);
                }
                end.await
            }
        });
        start.wait().await;
        // Taken as soon as the holder is dead, whether or not it is done with its end.
        let mut refused = 0;
        while let Err(held) = register(&names, &new, "key", 2).await {
            assert_eq!(held.pid, pid);
            refused += 1;
            assert!(refused < 1_000_000, "never free");
        }
        assert!(!pid.is_alive());
        ends.await?;
        assert_eq!(names.lookup("key").map(|entry| entry.value), Some(2));
        assert_eq!(names.count(), 1);
        registered += 2;
        new.stop().await?;
        assert_eq!(names.count(), 0);
    }
    assert_eq!(
        check_conserved(std::iter::from_fn(|| events.try_recv())),
        2 * registered
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_kill_during_registrations_leaves_none() -> Outcome {
    let (names, topics) = (Names::new(), DuplicateRegistry::<u32, Msg>::new());
    for _ in 0..ROUNDS {
        let server = server().await;
        let (pid, names_too, topics_too) =
            (server.pid().ok_or("none")?, names.clone(), topics.clone());
        let end = pid.monitor();
        server.cast(Msg::run(move |_, ctx| {
            Box::pin(async move {
                for number in 0..200 {
                    topics_too.register(ctx, number % 3, ());
                    let _ = names_too.register(ctx, "key", 1);
                    names_too.unregister(ctx, "key");
                    tokio::task::yield_now().await;
                }
                Ok(())
            })
        }))?;
        tokio::task::yield_now().await;
        pid.kill();
        end.await;
        assert_eq!((names.count(), topics.count()), (0, 0));
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_is_found_who_had_ended_before() -> Outcome {
    let names = Names::new();
    let topics = DuplicateRegistry::<&str, Msg>::new();
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let ended = Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    let mut lookers = JoinSet::new();
    for _ in 0..3 {
        let (names, topics) = (names.clone(), topics.clone());
        let (done, ended) = (Arc::clone(&done), Arc::clone(&ended));
        lookers.spawn(async move {
            let mut found = 0_u32;
            while !done.load(std::sync::atomic::Ordering::Acquire) {
                let before = ended.lock().unwrap().clone();
                let one = names.lookup("key").into_iter().map(|entry| entry.pid);
                let many = topics.lookup("key").into_iter().map(|entry| entry.pid);
                for pid in one.chain(many) {
                    assert!(!before.contains(&pid), "{pid} had ended");
                    found += 1;
                }
                tokio::task::yield_now().await;
            }
            found
        });
    }
    for _ in 0..ROUNDS {
        let (server, names, topics) = (server().await, names.clone(), topics.clone());
        inside(&server, move |_, ctx| {
            names.register(ctx, "key", 1).unwrap();
            topics.register(ctx, "key", ());
        })
        .await;
        let pid = server.pid().ok_or("none")?;
        let end = pid.monitor();
        pid.kill();
        end.await;
        ended.lock().unwrap().insert(pid);
    }
    done.store(true, std::sync::atomic::Ordering::Release);
    lookers.join_all().await;
    assert_eq!((names.count(), topics.count()), (0, 0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_many_threads_tell_of_one_key_stays_in_order() -> Outcome {
    let names = Names::new();
    let (address, mut events) = inbox::<RegistryEvent<&'static str, u32>>();
    names.listen(address.recipient());
    let mut racers = JoinSet::new();
    for _ in 0..8 {
        let names = names.clone();
        racers.spawn(async move {
            let server = server().await;
            let mut registered = 0;
            for _ in 0..ROUNDS {
                let names = names.clone();
                registered += inside(&server, move |_, ctx| {
                    let registered = names.register(ctx, "key", 1).is_ok();
                    names.unregister(ctx, "key");
                    usize::from(registered)
                })
                .await;
            }
            registered
        });
    }
    let registered: usize = racers.join_all().await.into_iter().sum();
    // Who tells last may still be at it.
    let mut told = Vec::new();
    while told.len() < 2 * registered {
        told.extend(events.try_recv());
        tokio::task::yield_now().await;
    }
    assert_eq!(check_conserved(told.into_iter()), 2 * registered);
    Ok(())
}
