//! A supervisor that waits for no child.

mod restarts;

use std::future::pending;

use otp_core::{
    Child, ChildState, DynamicSupervisor, DynamicSupervisorRef, ServerOptions, ServerRef, Shutdown,
    StartChildError,
};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{assert_closed, hangs, numbers, plain, states, stays};
use crate::supervisor::boom;
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

async fn supervisor() -> DynamicSupervisorRef {
    let plan = DynamicSupervisor::new().intensity(usize::MAX, secs(1));
    plan.at_once().start().await.unwrap()
}

type Asked = JoinHandle<Result<ServerRef<Msg>, StartChildError>>;

/// Has a child started by somebody else.
async fn asks(supervisor: &DynamicSupervisorRef, child: Child<Msg>) -> (ServerRef<Msg>, Asked) {
    let (supervisor, address) = (supervisor.clone(), child.server_ref());
    let asked = tokio::spawn(async move { supervisor.start_child(child).await });
    quiet().await;
    (address, asked)
}

#[tokio::test(start_paused = true)]
async fn an_init_that_hangs_delays_nobody() -> Outcome {
    let supervisor = supervisor().await;
    let (_hanging, asked) = asks(&supervisor, hangs("hangs", &Log::default())).await;
    let begun = Instant::now();
    let a = supervisor.start_child(plain("a")).await?;
    a.cast(Msg::end(boom()))?;
    assert_eq!(a.call(|reply| Msg::Echo(1, reply)).await?, 1);
    supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
    assert_eq!(numbers(&supervisor).await, (1, 0));
    assert_eq!(begun.elapsed(), ms(0));
    assert!(!asked.is_finished());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_terminate_that_hangs_delays_nobody() -> Outcome {
    let supervisor = supervisor().await;
    let stays = supervisor
        .start_child(stays("stays", &Log::default()).shutdown(Shutdown::Infinity))
        .await?;
    let pid = stays.pid().ok_or("none")?;
    let terminating = tokio::spawn({
        let (supervisor, pid) = (supervisor.clone(), pid.clone());
        async move { supervisor.terminate_child(&pid).await }
    });
    quiet().await;
    let begun = Instant::now();
    let a = supervisor.start_child(plain("a")).await?;
    supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
    assert_eq!(
        states(&supervisor).await,
        [("stays".to_owned(), ChildState::Running(pid.clone()))]
    );
    assert_eq!(begun.elapsed(), ms(0));
    // Whoever asks as well is told with it.
    let also = tokio::spawn({
        let (supervisor, pid) = (supervisor.clone(), pid.clone());
        async move { supervisor.terminate_child(&pid).await }
    });
    quiet().await;
    assert!(!terminating.is_finished() && !also.is_finished());
    pid.kill();
    terminating.await??;
    also.await??;
    assert_closed(&stays);
    assert_eq!(numbers(&supervisor).await, (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_has_its_own_time() -> Outcome {
    let (supervisor, log) = (supervisor().await, Log::default());
    let inner = log.clone();
    let options = ServerOptions::default().start_timeout(secs(2));
    let child = Child::server_with("slow", options, move || {
        Probe::new(&inner).on_init(|_, _| Box::pin(pending()))
    });
    let begun = Instant::now();
    let (address, asked) = asks(&supervisor, child).await;
    let error = asked.await?.err().ok_or("it started")?;
    assert_eq!(begun.elapsed(), secs(2));
    assert!(matches!(error, StartChildError::Failed(_)), "{error:?}");
    quiet().await;
    assert_closed(&address);
    assert_eq!(log.take(), ["state dropped"]);
    assert_eq!(numbers(&supervisor).await, (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_time_to_start_does_not_cut_a_later_stop_short() -> Outcome {
    let supervisor = supervisor().await;
    for shutdown in [Shutdown::Timeout(secs(5)), Shutdown::Infinity] {
        let log = Log::default();
        let inner = log.clone();
        let options = ServerOptions::default().start_timeout(secs(10));
        let child = Child::server_with("a", options, move || {
            Probe::new(&inner).on_terminate(|probe, _| {
                Box::pin(async {
                    sleep(secs(4)).await;
                    probe.log.note("in time");
                    Ok(())
                })
            })
        });
        let a = supervisor.start_child(child.shutdown(shutdown)).await?;
        sleep(secs(9)).await;
        let (begun, pid) = (Instant::now(), a.pid().ok_or("none")?);
        supervisor.terminate_child(&pid).await?;
        assert_eq!(begun.elapsed(), secs(4));
        assert_eq!(
            log.take(),
            ["terminate: shutdown", "in time", "state dropped"]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_starts_can_be_stopped() -> Outcome {
    for (shutdown, after) in [
        (Shutdown::BrutalKill, Some(0)),
        (Shutdown::Timeout(secs(3)), Some(3)),
        (Shutdown::Infinity, None),
    ] {
        let (supervisor, log) = (supervisor().await, Log::default());
        let (a, asked) = asks(&supervisor, hangs("a", &log).shutdown(shutdown)).await;
        let (begun, pid) = (Instant::now(), a.pid().ok_or("none")?);
        let stopping = tokio::spawn({
            let (supervisor, pid) = (supervisor.clone(), pid.clone());
            async move { supervisor.terminate_child(&pid).await }
        });
        // Who asked for the start is told at once.
        let error = asked.await?.err().ok_or("it started")?;
        let stopped = matches!(&error, StartChildError::Failed(reason) if reason.is_clean());
        assert!(stopped, "{error:?}");
        assert_eq!(begun.elapsed(), ms(0));
        if after.is_none() {
            sleep(secs(1_000)).await;
            assert!(pid.is_alive());
            pid.kill();
        }
        stopping.await??;
        assert_eq!(begun.elapsed(), secs(after.unwrap_or(1_000)));
        assert_closed(&a);
        assert_eq!(log.take(), ["state dropped"]);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_comes_up_while_it_is_stopped_ends_in_order() -> Outcome {
    let (supervisor, log) = (supervisor().await, Log::default());
    let inner = log.clone();
    let child = Child::server("a", move || {
        Probe::new(&inner).on_init(|_, _| {
            Box::pin(async {
                sleep(secs(2)).await;
                Ok(())
            })
        })
    });
    let (a, asked) = asks(&supervisor, child).await;
    let begun = Instant::now();
    supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
    assert_eq!(begun.elapsed(), ms(1_999));
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    assert!(asked.await?.is_err());
    assert_closed(&a);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_stops_what_it_starts() -> Outcome {
    let log = Log::default();
    for ends_by in 0..3 {
        let supervisor = supervisor().await;
        let (a, asked) = asks(
            &supervisor,
            hangs("a", &log).shutdown(Shutdown::Timeout(secs(3))),
        )
        .await;
        let (b, also) = asks(&supervisor, hangs("b", &log).shutdown(Shutdown::BrutalKill)).await;
        let begun = Instant::now();
        match ends_by {
            0 => supervisor.stop().await?,
            1 => supervisor.stop_with(boom()).await?,
            _ => {
                let end = supervisor.pid().ok_or("none")?.monitor();
                supervisor.pid().ok_or("none")?.kill();
                end.await;
                quiet().await;
            }
        }
        assert!(begun.elapsed() <= secs(3));
        for asked in [asked, also] {
            let error = asked.await?.err().ok_or("it started")?;
            assert!(matches!(error, StartChildError::Call(_)), "{error:?}");
        }
        assert_closed(&a);
        assert_closed(&b);
        assert_eq!(log.take(), ["state dropped", "state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hundred_slow_starts_take_the_time_of_one() -> Outcome {
    let supervisor = supervisor().await;
    let begun = Instant::now();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let supervisor = supervisor.clone();
        asked.spawn(async move {
            let child = Child::server("a", || {
                Probe::new(&Log::default()).on_init(|_, _| {
                    Box::pin(async {
                        sleep(secs(1)).await;
                        Ok(())
                    })
                })
            });
            supervisor.start_child(child).await
        });
    }
    let started = asked.join_all().await;
    assert!(started.iter().all(Result::is_ok));
    assert_eq!(begun.elapsed(), secs(1));
    assert_eq!(numbers(&supervisor).await, (100, 100));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_stopped_child_had_is_not_kept_for_the_time_that_it_had() -> Outcome {
    let supervisor = supervisor().await;
    // Its name goes with the last that is left of it.
    let name: std::sync::Arc<str> = std::sync::Arc::from("a");
    for _ in 0..3 {
        let options = ServerOptions::default().start_timeout(secs(1_000));
        let child = Child::server_with(name.clone(), options, || Probe::new(&Log::default()));
        let a = supervisor
            .start_child(child.shutdown(Shutdown::Timeout(secs(1_000))))
            .await?;
        supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
        drop(a);
        quiet().await;
        assert_eq!(std::sync::Arc::strong_count(&name), 1);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_stop_is_told_when_the_supervisor_stops_all() -> Outcome {
    let supervisor = supervisor().await;
    let child = stays("a", &Log::default()).shutdown(Shutdown::Timeout(secs(4)));
    let a = supervisor.start_child(child).await?;
    let pid = a.pid().ok_or("none")?;
    let terminating = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.terminate_child(&pid).await }
    });
    quiet().await;
    let begun = Instant::now();
    supervisor.stop().await?;
    assert_eq!(begun.elapsed(), secs(4));
    terminating.await??;
    assert_closed(&a);
    Ok(())
}
