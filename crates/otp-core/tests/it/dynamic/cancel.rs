//! The futures of a dynamic supervisor, dropped after each of their polls.

use std::future::Future;

use otp_core::{Child, DynamicSupervisor, Shutdown};
use tokio::task::yield_now;

use super::{assert_closed, both, numbers, plain};
use crate::cancel::{Drops, at_every_poll, count, dropped_after};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

/// A child that takes its time for everything, and writes down its ends.
fn takes_its_time(log: &Log) -> Child<Msg> {
    let log = log.clone();
    Child::server("a", move || {
        Probe::new(&log)
            .on_init(|_, _| {
                Box::pin(async {
                    yield_now().await;
                    tokio::time::sleep(ms(5)).await;
                    Ok(())
                })
            })
            .on_terminate(|_, _| {
                Box::pin(async {
                    yield_now().await;
                    tokio::time::sleep(ms(5)).await;
                    Ok(())
                })
            })
    })
}

async fn dropped<T>(polls: usize, drops: Drops, future: impl Future<Output = T>) -> Option<T> {
    let output = dropped_after(polls, drops, future).await;
    tokio::time::sleep(secs(1)).await;
    output
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_dropped_leaves_no_supervisor() -> Outcome {
    for at in 0..2 {
        at_every_poll(async |polls, drops| {
            let log = Log::default();
            let gone = log.on_drop("plan gone");
            let plan = both()[at].clone().only_if(move || {
                let _gone = &gone;
                true
            });
            let started = dropped(polls, drops, plan.start()).await.transpose()?;
            let lines = log.take();
            assert_eq!(count(&lines, "plan gone"), usize::from(started.is_none()));
            if let Some(supervisor) = &started {
                let _a = supervisor.start_child(plain("a")).await?;
                supervisor.stop().await?;
            }
            Ok(started.is_some())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_child_that_is_dropped_may_still_start_it() -> Outcome {
    for at in 0..2 {
        at_every_poll(async |polls, drops| {
            let (supervisor, log) = (both()[at].clone().start().await?, Log::default());
            let child = takes_its_time(&log);
            let a = child.server_ref();
            let started = dropped(polls, drops, supervisor.start_child(child))
                .await
                .transpose()?;
            assert_eq!(a.is_alive(), polls > 0);
            assert_eq!(numbers(&supervisor).await.0, usize::from(polls > 0));
            supervisor.stop().await?;
            assert_closed(&a);
            let lines = log.take();
            assert_eq!(
                count(&lines, "state dropped"),
                usize::from(polls > 0),
                "{lines:?}"
            );
            Ok(started.is_some())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_terminate_child_that_is_dropped_after_its_first_poll_goes_on() -> Outcome {
    for at in 0..2 {
        at_every_poll(async |polls, drops| {
            let (supervisor, log) = (both()[at].clone().start().await?, Log::default());
            let a = supervisor.start_child(takes_its_time(&log)).await?;
            let pid = a.pid().ok_or("none")?;
            let done = dropped(polls, drops, supervisor.terminate_child(&pid))
                .await
                .transpose()?;
            assert_eq!(pid.is_alive(), polls == 0);
            assert_eq!(numbers(&supervisor).await.0, usize::from(polls == 0));
            supervisor.stop().await?;
            assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
            assert_closed(&a);
            Ok(done.is_some())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_dropped_after_its_first_poll_goes_on() -> Outcome {
    for at in 0..2 {
        at_every_poll(async |polls, drops| {
            let (supervisor, log) = (both()[at].clone().start().await?, Log::default());
            let a = supervisor.start_child(takes_its_time(&log)).await?;
            let done = dropped(polls, drops, supervisor.stop()).await.transpose()?;
            assert_eq!(supervisor.is_alive(), polls == 0);
            assert_eq!(a.is_alive(), polls == 0);
            if polls == 0 {
                supervisor.stop().await?;
            }
            assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
            Ok(done.is_some())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_that_is_dropped_changes_nothing() -> Outcome {
    for at in 0..2 {
        at_every_poll(async |polls, drops| {
            let supervisor = both()[at].clone().start().await?;
            let child = Child::dynamic_supervisor("below", DynamicSupervisor::new());
            let below = supervisor
                .start_child(child.shutdown(Shutdown::Infinity))
                .await?;
            let seen = dropped(polls, drops, supervisor.snapshot())
                .await
                .transpose()?;
            assert!(below.is_alive());
            assert_eq!(numbers(&supervisor).await, (1, 1));
            quiet().await;
            supervisor.stop().await?;
            Ok(seen.is_some())
        })
        .await?;
    }
    Ok(())
}
