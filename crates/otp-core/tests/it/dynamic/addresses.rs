//! The addresses of children.

use otp_core::{CallError, ExitReason, Restart};
use tokio::time::Instant;

use super::{assert_closed, both, counted, plain};
use crate::supervisor::{boom, probe};
use crate::support::{Log, Msg, Outcome, ms, quiet};

#[tokio::test(start_paused = true)]
async fn messages_that_wait_are_kept_over_restarts() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.start().await?, Log::default());
        let child = probe("a", &log);
        let early = child.server_ref();
        early.cast(Msg::Note("before the start"))?;
        let a = supervisor.start_child(child).await?;
        assert_eq!(a, early);
        a.cast(Msg::end(boom()))?;
        a.cast(Msg::Note("kept"))?;
        let call = a.call(|reply| Msg::Echo(1, reply)).await;
        assert_eq!(call?, 1);
        let ends = ["terminate: boom", "state dropped"];
        assert_eq!(
            log.take(),
            [&["before the start"], &ends[..], &["kept"]].concat()
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn callers_are_told_at_once_when_a_child_is_forgotten() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        for way in 0..3 {
            let a = supervisor
                .start_child(plain("a").restart(Restart::Transient))
                .await?;
            let (pid, resting) = (a.pid().ok_or("none")?, a.suspend().await?);
            let call = tokio::spawn({
                let a = a.clone();
                async move { a.call(|reply| Msg::Echo(1, reply)).await }
            });
            quiet().await;
            let begun = Instant::now();
            match way {
                0 => supervisor.terminate_child(&pid).await?,
                1 => pid.exit(ExitReason::Shutdown),
                _ => {
                    drop(resting);
                    a.cast(Msg::end(ExitReason::Normal))?;
                    let late = a.call(|reply| Msg::Echo(1, reply)).await;
                    assert!(late.is_err(), "{late:?}");
                    assert_eq!(call.await??, 1);
                    assert_closed(&a);
                    continue;
                }
            }
            let told = call.await?;
            assert!(
                matches!(told, Err(CallError::NoProc | CallError::Exited(_))),
                "{told:?}"
            );
            assert_eq!(begun.elapsed(), ms(0));
            assert_closed(&a);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_to_a_child_that_never_starts_are_dropped_and_its_callers_told() -> Outcome {
    for plan in both() {
        let (supervisor, log) = (plan.start().await?, Log::default());
        let (child, _) = counted("a", |_| Err(boom()));
        let a = child.server_ref();
        let dropped = log.on_drop("dropped");
        a.cast(Msg::act(move |_, _| {
            drop(dropped);
            Ok(())
        }))?;
        let call = tokio::spawn({
            let a = a.clone();
            async move { a.call(|reply| Msg::Echo(1, reply)).await }
        });
        quiet().await;
        assert!(supervisor.start_child(child).await.is_err());
        let told = call.await?;
        assert!(told.is_err(), "{told:?}");
        assert_eq!(log.take(), ["dropped"]);
        assert_eq!(a.info().dropped, 2);
        assert_closed(&a);
    }
    Ok(())
}

/// Who is told that a start has failed, or a stop is done, finds the address closed, on whatever thread it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_told_finds_the_address_closed() -> Outcome {
    for plan in both() {
        let supervisor = plan.max_children(1).start().await?;
        for _ in 0..300 {
            let (child, _) = counted("a", |_| Err(boom()));
            let a = child.server_ref();
            assert!(supervisor.start_child(child).await.is_err());
            assert_closed(&a);
            let a = supervisor.start_child(plain("a")).await?;
            let refused = plain("b");
            let b = refused.server_ref();
            assert!(supervisor.start_child(refused).await.is_err());
            assert_closed(&b);
            supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
            assert_closed(&a);
        }
    }
    Ok(())
}

/// Children that crash, are stopped and are started by several at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_of_many_who_use_one_supervisor_at_once() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let mut users = tokio::task::JoinSet::new();
        for user in 0..4 {
            let supervisor = supervisor.clone();
            users.spawn(async move {
                for round in 0..100 {
                    let a = supervisor.start_child(plain("a")).await.unwrap();
                    if (user + round) % 2 == 0 {
                        a.cast(Msg::end(boom())).unwrap();
                    }
                    assert_eq!(a.call(|reply| Msg::Echo(7, reply)).await.unwrap(), 7);
                    let (tell, told) = tokio::sync::oneshot::channel();
                    let asked = supervisor.terminate_server_then(&a, |done| {
                        let _ = tell.send(done);
                    });
                    assert!(asked.is_ok());
                    told.await.unwrap().unwrap();
                    assert_closed(&a);
                }
            });
        }
        users.join_all().await;
        assert_eq!(super::numbers(&supervisor).await, (0, 0));
        supervisor.stop().await?;
    }
    Ok(())
}
