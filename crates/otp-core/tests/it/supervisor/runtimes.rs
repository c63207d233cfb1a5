//! Trees and the runtimes that they run on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use otp_core::backoff::Backoff;
use otp_core::{CallError, Child, ExitReason, Strategy};
use tokio::runtime::{Builder, Runtime};

use super::{boom, crash, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, block_on};

fn single() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

/// Counts how many of it there are.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A child that crashes time and again by itself.
fn restless(id: String, count: &Arc<AtomicUsize>) -> Child<Msg> {
    let count = Arc::clone(count);
    Child::server(id, move || {
        let counted = Counted::new(&count);
        Probe::new(&Log::default())
            .on_init(|_, ctx| {
                ctx.send_after(Duration::ZERO, Msg::end(boom()));
                Box::pin(async { Ok(()) })
            })
            .on_terminate(move |_, _| {
                drop(counted);
                Box::pin(async { Ok(()) })
            })
    })
}

#[test]
fn a_runtime_dropped_while_its_tree_restarts_leaves_nothing_and_everybody_is_told() -> Outcome {
    for make in [single, multi] {
        for round in 0..10 {
            let (runtime, count) = (make(), Arc::new(AtomicUsize::new(0)));
            let strategies = [
                Strategy::OneForOne,
                Strategy::OneForAll,
                Strategy::RestForOne,
            ];
            let mut plan = patient(strategies[round % 3]);
            let mut servers = Vec::new();
            for number in 0..5 {
                let nested = restless("below".to_owned(), &count);
                servers.push(nested.server_ref());
                let nested = patient(Strategy::OneForOne).child(nested);
                plan = plan.child(Child::supervisor(format!("{number}"), nested));
                let child = restless(format!("child {number}"), &count);
                servers.push(child.server_ref());
                plan = plan.child(child);
            }
            let tree = runtime.block_on(plan.start())?;
            let end = tree.pid().ok_or("no pid")?.monitor();
            let calls: Vec<_> = servers
                .iter()
                .map(|server| server.call(Msg::Keep))
                .collect();
            let mut calls: Vec<_> = calls.into_iter().map(Box::pin).collect();
            runtime.block_on(async {
                for call in &mut calls {
                    let _ = crate::support::poll_now(call.as_mut());
                }
                for _ in 0..round * 7 {
                    tokio::task::yield_now().await;
                }
            });
            drop(runtime);
            assert!(matches!(block_on(end), ExitReason::Killed));
            for call in calls {
                let outcome = block_on(call);
                assert!(
                    matches!(outcome, Err(CallError::Exited(_) | CallError::NoProc)),
                    "{outcome:?}"
                );
            }
            for server in servers {
                assert!(!server.is_alive());
                assert!(server.cast(Msg::Note("refused")).is_err());
            }
            drop(tree);
            assert_eq!(count.load(Ordering::SeqCst), 0);
        }
    }
    Ok(())
}

#[test]
fn a_tree_in_one_runtime_serves_another_and_tells_it_of_its_end() -> Outcome {
    let (here, there) = (multi(), multi());
    let child = probe("a", &Log::default()).backoff(Backoff::constant(Duration::from_millis(1)));
    let server = child.server_ref();
    let tree = there.block_on(patient(Strategy::OneForOne).child(child).start())?;
    here.block_on(async {
        for number in 0..20 {
            server.cast(Msg::end(boom()))?;
            assert_eq!(server.call(|reply| Msg::Echo(number, reply)).await?, number);
        }
        tree.terminate_child("a").await?;
        assert!(server.call(|reply| Msg::Echo(1, reply)).await.is_err());
        tree.restart_child("a").await?;
        let other = tree.start_child(probe("b", &Log::default())).await?;
        assert_eq!(other.call(|reply| Msg::Echo(2, reply)).await?, 2);
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    let waits = here.spawn({
        let tree = tree.clone();
        async move { tree.wait().await }
    });
    let asks = here.spawn({
        let server = server.clone();
        async move { server.call(Msg::Keep).await }
    });
    here.block_on(async { server.call(|reply| Msg::Echo(1, reply)).await })?;
    drop(there);
    // Asked in a tree that is going, it is told; asked before it was polled, nobody is there any more.
    let reason = here.block_on(waits)?;
    assert!(
        matches!(reason, ExitReason::Killed | ExitReason::NoProc),
        "{reason}"
    );
    assert!(here.block_on(asks)?.is_err());
    assert!(here.block_on(tree.count_children()).is_err());
    Ok(())
}

#[test]
fn two_trees_in_two_runtimes_know_each_others_children() -> Outcome {
    let (here, there) = (single(), multi());
    let (a, b) = (probe("a", &Log::default()), probe("b", &Log::default()));
    let (to_a, to_b) = (a.server_ref(), b.server_ref());
    let one = here.block_on(patient(Strategy::OneForOne).child(a).start())?;
    let two = there.block_on(patient(Strategy::OneForOne).child(b).start())?;
    drop(there);
    here.block_on(async {
        assert!(to_b.call(|reply| Msg::Echo(1, reply)).await.is_err());
        crash(&to_a).await;
        assert_eq!(to_a.call(|reply| Msg::Echo(1, reply)).await?, 1);
        assert!(two.count_children().await.is_err());
        one.stop().await?;
        Ok(())
    })
}
