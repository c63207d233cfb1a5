//! Limits of a child's own.

use std::sync::atomic::Ordering;

use otp_core::backoff::Backoff;
use otp_core::{CallError, Restart};
use tokio::time::sleep;

use super::{assert_closed, both, counted, numbers, plain};
use crate::supervisor::{Events, boom, crash};
use crate::support::{Msg, Outcome, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_child_beyond_its_own_limit_is_forgotten_and_the_others_are_not_touched() -> Outcome {
    for plan in both() {
        let (mut events, listener) = Events::new();
        // The supervisor's own limit bears nothing.
        let supervisor = plan
            .intensity(0, secs(5))
            .report_to(listener)
            .start()
            .await?;
        let other = supervisor
            .start_child(plain("other").own_limit(1, secs(5)))
            .await?;
        let of_other = other.pid();
        let a = supervisor
            .start_child(plain("a").own_limit(2, secs(5)))
            .await?;
        for _ in 0..2 {
            crash(&a).await;
            assert!(a.is_alive());
        }
        events.take();
        a.cast(Msg::end(boom()))?;
        let call = a.call(|reply| Msg::Echo(1, reply)).await;
        assert!(
            matches!(call, Err(CallError::NoProc | CallError::Exited(_))),
            "{call:?}"
        );
        assert_closed(&a);
        let told = events.take();
        assert_eq!(told[0], "root/a: <3> exited: boom");
        assert_eq!(told[1..], ["root/a: failed too often and is forgotten"]);
        assert_eq!(other.pid(), of_other);
        assert_eq!(numbers(&supervisor).await, (1, 1));
        let pid = a.call(|reply| Msg::Echo(1, reply)).await;
        assert!(pid.is_err());
        supervisor.stop().await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn its_own_restarts_do_not_count_for_the_supervisor_and_leave_their_own_window() -> Outcome {
    for plan in both() {
        let supervisor = plan.intensity(1, secs(5)).start().await?;
        let own = supervisor
            .start_child(plain("own").own_limit(3, secs(1)))
            .await?;
        let counts = supervisor.start_child(plain("counts")).await?;
        for _ in 0..5 {
            for _ in 0..2 {
                crash(&own).await;
                assert!(own.is_alive());
            }
            sleep(secs(1)).await;
        }
        crash(&counts).await;
        assert!(counts.is_alive() && supervisor.is_alive());
        crash(&counts).await;
        assert!(!supervisor.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn failed_attempts_count_for_its_own_limit() -> Outcome {
    for plan in both() {
        for backoff in [None, Some(Backoff::constant(secs(1)))] {
            let supervisor = plan.clone().intensity(0, secs(5)).start().await?;
            let (mut child, made) =
                counted("a", |before| if before == 0 { Ok(()) } else { Err(boom()) });
            child = child.own_limit(3, secs(1_000));
            if let Some(backoff) = backoff {
                child = child.backoff(backoff);
            }
            let a = supervisor.start_child(child).await?;
            crash(&a).await;
            sleep(secs(10)).await;
            assert_eq!(made.load(Ordering::SeqCst), 4, "the first, and three more");
            assert_closed(&a);
            assert_eq!(numbers(&supervisor).await, (0, 0));
            assert!(supervisor.is_alive());
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_none_forgets_the_child_at_its_first_crash() -> Outcome {
    for plan in both() {
        let supervisor = plan.start().await?;
        let a = supervisor
            .start_child(plain("a").own_limit(0, secs(5)))
            .await?;
        crash(&a).await;
        assert_closed(&a);
        // An end after which it is not restarted is no failure.
        let b = plain("b").own_limit(0, secs(5)).restart(Restart::Transient);
        let b = supervisor.start_child(b).await?;
        b.cast(Msg::end(otp_core::ExitReason::Normal))?;
        quiet().await;
        assert_closed(&b);
        assert_eq!(numbers(&supervisor).await, (0, 0));
    }
    Ok(())
}
