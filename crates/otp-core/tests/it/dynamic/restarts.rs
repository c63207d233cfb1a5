//! Restarts, and attempts at them that fail.

use std::sync::atomic::Ordering;

use otp_core::backoff::Backoff;
use otp_core::{ChildState, DynamicSupervisor, ExitReason, Restart};
use tokio::time::{Instant, sleep};

use super::{assert_closed, both, counted, numbers, plain, states};
use crate::supervisor::{boom, crash};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_restarted_child_keeps_its_address_and_counts_its_restarts() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let (a, b) = (
            supervisor.start_child(plain("a")).await?,
            supervisor.start_child(plain("b")).await?,
        );
        let of_b = b.pid();
        let mut pids = vec![a.pid().ok_or("none")?];
        for restarts in 1..4 {
            crash(&a).await;
            pids.push(a.pid().ok_or("none")?);
            assert_eq!(a.call(|reply| Msg::Echo(1, reply)).await?, 1);
            let children = supervisor.which_children().await?;
            let child = children
                .iter()
                .find(|child| &*child.id == "a")
                .ok_or("none")?;
            assert_eq!((child.pid(), child.restarts), (pids.last(), restarts));
        }
        pids.dedup();
        assert_eq!(pids.len(), 4);
        assert_eq!(b.pid(), of_b);
        // The old processes are no children any more.
        assert!(supervisor.terminate_child(&pids[0]).await.is_err());
        supervisor.terminate_child(&pids[3]).await?;
        assert_eq!(numbers(&supervisor).await, (1, 1));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_declines_forgets_the_child() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let made = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let child = otp_core::Child::server("a", move || {
            let first = made.fetch_add(1, Ordering::SeqCst) == 0;
            Probe::new(&Log::default()).on_init(move |_, ctx| {
                if !first {
                    ctx.ignore();
                }
                Box::pin(async { Ok(()) })
            })
        });
        let a = supervisor.start_child(child).await?;
        a.cast(Msg::end(boom()))?;
        let call = a.call(|reply| Msg::Echo(1, reply)).await;
        assert!(matches!(call, Err(otp_core::CallError::NoProc)), "{call:?}");
        assert_closed(&a);
        assert_eq!(numbers(&supervisor).await, (0, 0));
        supervisor.stop().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_failed_restart_is_tried_again_and_each_attempt_counts() -> Outcome {
    for plan in both() {
        for (intensity, gives_up) in [(5, false), (4, true)] {
            let supervisor = plan.clone().intensity(intensity, secs(5)).start().await?;
            // It fails four times, whether by an error or a panic.
            let (child, made) = counted("a", |before| match before {
                1 | 2 => Err(boom()),
                3 | 4 => panic!("in init"),
                _ => Ok(()),
            });
            let a = supervisor.start_child(child).await?;
            a.cast(Msg::Note("before"))?;
            let end = supervisor.pid().ok_or("none")?.monitor();
            a.cast(Msg::end(boom()))?;
            quiet().await;
            assert_eq!(supervisor.is_alive(), !gives_up);
            assert_eq!(made.load(Ordering::SeqCst), if gives_up { 5 } else { 6 });
            if gives_up {
                assert!(matches!(end.await, ExitReason::Shutdown));
                assert_closed(&a);
            } else {
                assert_eq!(a.call(|reply| Msg::Echo(1, reply)).await?, 1);
                let children = supervisor.which_children().await?;
                assert_eq!(children[0].restarts, 1, "one, however many attempts");
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handled_between_two_attempts() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let (child, made) = counted("a", |before| if before == 0 { Ok(()) } else { Err(boom()) });
        let a = supervisor.start_child(child).await?;
        let pid = a.pid().ok_or("none")?;
        a.cast(Msg::end(boom()))?;
        pid.monitor().await;
        for _ in 0..20 {
            assert_eq!(numbers(&supervisor).await.0, 1);
        }
        assert!(made.load(Ordering::SeqCst) > 3);
        // By the process that it had.
        supervisor.terminate_child(&pid).await?;
        assert_closed(&a);
        let last = made.load(Ordering::SeqCst);
        quiet().await;
        assert_eq!(made.load(Ordering::SeqCst), last);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}

/// A child that comes up once, and then tries again every ten seconds.
fn comes_up_once() -> otp_core::Child<Msg> {
    let (child, _) = counted("a", |before| if before == 0 { Ok(()) } else { Err(boom()) });
    child.backoff(Backoff::constant(secs(10)))
}

#[tokio::test(start_paused = true)]
async fn a_child_is_known_by_the_process_that_it_had_through_all_attempts() -> Outcome {
    for failed in 0..3 {
        for plan in both() {
            for by_server in [true, false] {
                let supervisor = plan.clone().start().await?;
                let a = supervisor.start_child(comes_up_once()).await?;
                let pid = a.pid().ok_or("none")?;
                crash(&a).await;
                sleep(secs(10 * failed)).await;
                assert_eq!(
                    states(&supervisor).await,
                    [("a".to_owned(), ChildState::Restarting)]
                );
                if by_server {
                    let (tell, told) = tokio::sync::oneshot::channel();
                    let asked = supervisor.terminate_server_then(&a, |outcome| {
                        let _ = tell.send(outcome);
                    });
                    assert!(asked.is_ok());
                    told.await??;
                } else {
                    supervisor.terminate_child(&pid).await?;
                }
                assert_closed(&a);
                assert_eq!(numbers(&supervisor).await, (0, 0));
                sleep(secs(60)).await;
                assert_eq!(numbers(&supervisor).await, (0, 0));
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn back_off_waits_longer_each_time_and_begins_anew_when_the_child_is_healthy() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let backoff = Backoff::exponential(secs(1), secs(60)).reset_after(secs(100));
        let a = supervisor.start_child(plain("a").backoff(backoff)).await?;
        let away = async |a: &otp_core::ServerRef<Msg>| {
            let begun = Instant::now();
            a.cast(Msg::end(boom())).unwrap();
            let call = a.call_timeout(|reply| Msg::Echo(1, reply), secs(1_000));
            assert_eq!(call.await.unwrap(), 1);
            begun.elapsed()
        };
        for expected in [1, 2, 4] {
            assert_eq!(away(&a).await, secs(expected));
        }
        sleep(secs(99)).await;
        assert_eq!(away(&a).await, secs(8));
        sleep(secs(100)).await;
        assert_eq!(away(&a).await, secs(1));
        supervisor.stop().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_waits_does_not_outlive_its_supervisor() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let a = supervisor.start_child(comes_up_once()).await?;
        crash(&a).await;
        let begun = Instant::now();
        supervisor.stop().await?;
        assert_eq!(begun.elapsed(), ms(0));
        assert_closed(&a);
        sleep(secs(100)).await;
        assert_closed(&a);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_supervisor_gives_up_with_the_first_restart_too_many() -> Outcome {
    for plan in both() {
        for intensity in [0, 2] {
            let supervisor = plan.clone().intensity(intensity, secs(5)).start().await?;
            let other = supervisor.start_child(plain("other")).await?;
            let a = supervisor
                .start_child(plain("a").restart(Restart::Transient))
                .await?;
            for _ in 0..intensity {
                crash(&a).await;
                assert!(a.is_alive());
            }
            let end = supervisor.pid().ok_or("none")?.monitor();
            crash(&a).await;
            assert!(matches!(end.await, ExitReason::Shutdown));
            assert_closed(&a);
            assert_closed(&other);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn restarts_leave_the_window_with_time() -> Outcome {
    for at_once in [false, true] {
        let plan = DynamicSupervisor::new().intensity(1, secs(5));
        let plan = if at_once { plan.at_once() } else { plan };
        let supervisor = plan.start().await?;
        let (a, b) = (
            supervisor.start_child(plain("a")).await?,
            supervisor.start_child(plain("b")).await?,
        );
        for server in [&a, &b, &a] {
            crash(server).await;
            assert!(server.is_alive());
            sleep(secs(5)).await;
        }
        // All children together.
        crash(&a).await;
        crash(&b).await;
        assert!(!supervisor.is_alive());
    }
    Ok(())
}
