//! The end of a supervisor, and of single children.

mod ways;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use otp_core::{Child, ExitReason, Shutdown, Strategy, Supervisor};
use tokio::time::{Instant, sleep};

use super::{assert_closed, both, numbers, plain, stays};
use crate::supervisor::{Events, boom};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

/// A child whose `terminate` takes its time, and writes down when it is done.
fn slow(id: &'static str, log: &Log, time: std::time::Duration) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        let done = log.clone();
        Probe::new(&Log::default()).on_terminate(move |_, _| {
            Box::pin(async move {
                sleep(time).await;
                done.note(format!("{id} is done"));
                Ok(())
            })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn it_takes_as_long_as_the_slowest_child() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.start().await?, Log::default());
        for (id, time) in [("a", secs(3)), ("b", secs(1)), ("c", secs(2))] {
            let _ = supervisor.start_child(slow(id, &log, time)).await?;
        }
        let begun = Instant::now();
        supervisor.stop().await?;
        assert_eq!(begun.elapsed(), secs(3));
        assert_eq!(log.take(), ["b is done", "c is done", "a is done"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn slow_children_are_killed_each_at_its_own_limit() -> Outcome {
    for plan in both() {
        let (mut events, listener) = Events::new();
        let (supervisor, log) = (plan.report_to(listener).start().await?, Log::default());
        let mut ends = Vec::new();
        let begun = Instant::now();
        let children = [
            (stays("two", &log).shutdown(Shutdown::Timeout(secs(2))), 2),
            (stays("one", &log).shutdown(Shutdown::Timeout(secs(1))), 1),
            (
                stays("also two", &log).shutdown(Shutdown::Timeout(secs(2))),
                2,
            ),
            (stays("none", &log).shutdown(Shutdown::Timeout(secs(0))), 0),
            (stays("brutal", &log).shutdown(Shutdown::BrutalKill), 0),
            (
                slow("in time", &log, secs(1)).shutdown(Shutdown::Timeout(secs(2))),
                1,
            ),
            (
                slow("patient", &log, secs(7)).shutdown(Shutdown::Infinity),
                7,
            ),
            (
                slow("longest", &log, secs(4))
                    .shutdown(Shutdown::Timeout(std::time::Duration::MAX)),
                4,
            ),
        ];
        for (child, after) in children {
            let server = supervisor.start_child(child).await?;
            let end = server.pid().ok_or("none")?.monitor();
            ends.push(tokio::spawn(async move {
                end.await;
                assert_eq!(begun.elapsed(), secs(after));
            }));
            let _ = server.downgrade();
        }
        events.take();
        supervisor.stop().await?;
        assert_eq!(begun.elapsed(), secs(7));
        for end in ends {
            end.await?;
        }
        let told = events.take();
        let killed: Vec<_> = told
            .iter()
            .filter(|line| line.contains("was killed"))
            .collect();
        assert_eq!(killed.len(), 4, "{told:#?}");
        for (id, after) in [
            ("two", "2s"),
            ("one", "1s"),
            ("also two", "2s"),
            ("none", "0ns"),
        ] {
            let line = |line: &&&String| {
                line.starts_with(&format!("root/{id}:"))
                    && line.ends_with(&format!("after {after}"))
            };
            assert_eq!(killed.iter().filter(line).count(), 1, "{id}: {killed:?}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_thousand_children_end_together() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.start().await?, Log::default());
        let ended = Arc::new(AtomicUsize::new(0));
        for at in 0..1_000 {
            let child = match at % 4 {
                0 => stays("a", &log).shutdown(Shutdown::BrutalKill),
                1 => stays("b", &log).shutdown(Shutdown::Timeout(ms(at))),
                2 => slow("c", &log, ms(at)),
                _ => plain("d").shutdown(Shutdown::Infinity),
            };
            let (ended, end) = (
                Arc::clone(&ended),
                supervisor.start_child(child).await?.pid(),
            );
            let end = end.ok_or("none")?.monitor();
            tokio::spawn(async move {
                end.await;
                ended.fetch_add(1, Ordering::Relaxed);
            });
        }
        let counts = supervisor.count_children().await?;
        assert_eq!((counts.specs, counts.active), (1_000, 1_000));
        let begun = Instant::now();
        supervisor.stop().await?;
        assert_eq!(begun.elapsed(), ms(998));
        quiet().await;
        assert_eq!(ended.load(Ordering::Relaxed), 1_000);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_child_is_stopped_on_its_own_terms() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.start().await?, Log::default());
        for (child, text, after) in [
            (slow("a", &log, secs(3)), "shutdown", secs(3)),
            (stays("a", &log), "killed", secs(5)),
            (
                stays("a", &log).shutdown(Shutdown::Timeout(secs(2))),
                "killed",
                secs(2),
            ),
            (
                stays("a", &log).shutdown(Shutdown::BrutalKill),
                "killed",
                secs(0),
            ),
            (
                slow("a", &log, secs(60)).shutdown(Shutdown::Infinity),
                "shutdown",
                secs(60),
            ),
        ] {
            let server = supervisor.start_child(child).await?;
            let pid = server.pid().ok_or("none")?;
            let (end, begun) = (pid.monitor(), Instant::now());
            supervisor.terminate_child(&pid).await?;
            assert_eq!(begun.elapsed(), after);
            assert_eq!(end.await.to_string(), text);
            assert_closed(&server);
        }
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn its_own_place_in_a_tree_has_its_own_limit() -> Outcome {
    // Stopped as a child, it is waited for without limit.
    for plan in both() {
        let log = Log::default();
        let child = Child::dynamic_supervisor("below", plan);
        let below = child.dynamic_supervisor_ref();
        let tree = Supervisor::new(Strategy::OneForOne)
            .child(child)
            .start()
            .await?;
        let _a = below
            .start_child(slow("a", &log, secs(60)).shutdown(Shutdown::Infinity))
            .await?;
        let begun = Instant::now();
        tree.stop().await?;
        assert_eq!(begun.elapsed(), secs(60));
        assert_eq!(log.take(), ["a is done"]);
    }
    Ok(())
}

/// A child whose code does not await cannot be killed, and must not cost the others their time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_child_that_cannot_be_killed_keeps_no_other_from_being_killed() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let (go_on, may_go_on) = channel::<()>();
        let (begun, begins) = tokio::sync::oneshot::channel();
        let log = Log::default();
        let start = async |child: Child<Msg>, limit| {
            let child = child.shutdown(Shutdown::Timeout(ms(limit)));
            supervisor.start_child(child).await
        };
        let blocking = start(plain("a"), 1).await?;
        let one = start(stays("b", &log), 1).await?;
        let other = start(stays("c", &log), 2).await?;
        blocking.cast(Msg::act(move |_, _| {
            let _ = begun.send(());
            let _ = may_go_on.recv_timeout(secs(30));
            Ok(())
        }))?;
        begins.await?;
        let ends = [&one, &other].map(|server| server.pid().unwrap().monitor());
        let stopping = tokio::spawn({
            let supervisor = supervisor.clone();
            async move { supervisor.stop().await }
        });
        for end in ends {
            let end = tokio::time::timeout(secs(10), end).await?;
            assert_eq!(end.to_string(), "killed");
        }
        assert!(blocking.is_alive() && supervisor.is_alive());
        go_on.send(())?;
        stopping.await??;
        assert_closed(&blocking);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_gives_up_stops_all_at_once() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.intensity(0, secs(1)).start().await?, Log::default());
        for id in ["a", "b"] {
            let _ = supervisor.start_child(slow(id, &log, secs(2))).await?;
        }
        let crashes = supervisor.start_child(plain("c")).await?;
        let end = supervisor.pid().ok_or("none")?.monitor();
        let begun = Instant::now();
        crashes.cast(Msg::end(boom()))?;
        assert!(matches!(end.await, ExitReason::Shutdown));
        assert_eq!(begun.elapsed(), secs(2));
        assert_eq!(log.take(), ["a is done", "b is done"]);
    }
    Ok(())
}
