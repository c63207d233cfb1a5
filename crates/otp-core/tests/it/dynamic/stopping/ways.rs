//! The ways in which a supervisor ends.

use otp_core::{Child, ExitReason};

use crate::dynamic::{assert_closed, both, hangs, plain};
use crate::supervisor::{boom, probe};
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

#[tokio::test(start_paused = true)]
async fn children_of_a_killed_supervisor_are_killed() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let log = Log::default();
        let a = supervisor.start_child(plain("a")).await?;
        let traps = supervisor.start_child(probe("b", &log)).await?;
        inside(&traps, |_, ctx| ctx.trap_exit()).await;
        let ends = [&a, &traps].map(|server| server.pid().unwrap().monitor());
        supervisor.pid().ok_or("none")?.kill();
        for end in ends {
            assert_eq!(end.await.to_string(), "killed");
        }
        assert_eq!(log.take(), ["terminate: killed", "state dropped"]);
        assert_closed(&a);
        assert_closed(&traps);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_supervisor_takes_those_along_that_it_was_starting() -> Outcome {
    for plan in both() {
        for traps in [false, true] {
            let (supervisor, log) = (plan.clone().start().await?, Log::default());
            let inner = log.clone();
            let child = Child::server("a", move || {
                Probe::new(&inner).on_init(move |_, ctx| {
                    if traps {
                        ctx.trap_exit();
                    }
                    Box::pin(std::future::pending())
                })
            });
            let a = child.server_ref();
            let asks = tokio::spawn({
                let supervisor = supervisor.clone();
                async move { supervisor.start_child(child).await }
            });
            quiet().await;
            assert!(a.is_alive());
            supervisor.pid().ok_or("none")?.kill();
            assert!(asks.await?.is_err());
            quiet().await;
            assert_closed(&a);
            assert_eq!(log.take(), ["state dropped"]);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_stops_it_and_a_detached_one_runs_on() -> Outcome {
    for plan in both() {
        let log = Log::default();
        let supervisor = plan.clone().start().await?;
        let a = supervisor.start_child(probe("a", &log)).await?;
        let end = supervisor.pid().ok_or("none")?.monitor();
        let other = supervisor.clone();
        drop(supervisor);
        quiet().await;
        assert!(a.is_alive());
        drop(other);
        assert!(end.await.is_normal());
        assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
        assert_closed(&a);

        let supervisor = plan.start().await?;
        let a = supervisor.start_child(plain("a")).await?;
        let pid = supervisor.pid().ok_or("none")?;
        supervisor.detach();
        quiet().await;
        assert!(pid.is_alive() && a.is_alive());
        pid.exit(ExitReason::Kill);
        quiet().await;
        assert_closed(&a);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_parent_and_its_reason() -> Outcome {
    for plan in both() {
        let parent = Probe::new(&Log::default()).start().await?;
        let started = inside(&parent, move |_, ctx| plan.start_link(ctx)).await;
        let supervisor = started.await?;
        let a = supervisor.start_child(plain("a")).await?;
        let end = supervisor.pid().ok_or("none")?.monitor();
        parent.cast(Msg::end(boom()))?;
        assert_eq!(end.await.to_string(), "boom");
        assert_closed(&a);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn exit_signals_of_strangers_do_nothing_to_it() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let a = supervisor.start_child(plain("a")).await?;
        let pid = supervisor.pid().ok_or("none")?;
        pid.exit(boom());
        pid.exit(ExitReason::Shutdown);
        let whom = pid.clone();
        let stranger = Probe::new(&Log::default()).start().await?;
        inside(&stranger, move |_, ctx| ctx.link(&whom)).await?;
        stranger.cast(Msg::end(boom()))?;
        quiet().await;
        assert!(pid.is_alive() && a.is_alive());
        supervisor.stop_with(boom()).await?;
        assert!(supervisor.stop().await.is_err());
        assert!(matches!(supervisor.wait().await, ExitReason::NoProc));
    }
    Ok(())
}

#[test]
fn a_dropped_runtime_takes_all_along() -> Outcome {
    for plan in both() {
        let log = Log::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()?;
        let (supervisor, addresses) = runtime.block_on(async {
            let supervisor = plan.start().await.unwrap();
            let a = supervisor.start_child(probe("a", &log)).await.unwrap();
            let starts = hangs("b", &log);
            let b = starts.server_ref();
            let asks = supervisor.clone();
            tokio::spawn(async move { asks.start_child(starts).await.map(drop) });
            while !b.is_alive() {
                tokio::task::yield_now().await;
            }
            (supervisor, [a, b])
        });
        drop(runtime);
        assert!(!supervisor.is_alive());
        addresses.iter().for_each(assert_closed);
        assert_eq!(log.take(), ["state dropped", "state dropped"]);
    }
    Ok(())
}
