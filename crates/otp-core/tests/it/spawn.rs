//! Processes without a server.

use std::collections::HashSet;
use std::future::{pending, ready};

use otp_core::{ExitReason, Pid, StartError};
use tokio::sync::oneshot;

use crate::exits::{Kind, Subject, boom};
use crate::support::{Log, Outcome, inside, panic_message, quiet};

#[tokio::test(start_paused = true)]
async fn a_future_ends_with_the_reason_that_it_returns() -> Outcome {
    for (returned, text) in [
        (Ok(()), "normal"),
        (Err(ExitReason::Normal), "normal"),
        (Err(ExitReason::Shutdown), "shutdown"),
        (Err(ExitReason::Kill), "kill"),
        (Err(boom()), "boom"),
    ] {
        let pid = otp_core::spawn(ready(returned))?;
        assert!(pid.is_alive() && pid.name().is_none());
        assert_eq!(pid.monitor().await.to_string(), text);
        assert!(!pid.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn any_error_is_a_reason() -> Outcome {
    let pid = otp_core::spawn(async {
        "no number".parse::<u32>()?;
        Ok(())
    })?;
    let reason = pid.monitor().await;
    assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_ends_the_process_and_nobody_else() -> Outcome {
    let bystander = otp_core::spawn(pending())?;
    for waits in [false, true] {
        let pid = otp_core::spawn(async move {
            if waits {
                tokio::task::yield_now().await;
            }
            panic!("in a future")
        })?;
        let reason = pid.monitor().await;
        assert_eq!(panic_message(&reason), Some("in a future"));
    }
    assert!(bystander.is_alive());
    Ok(())
}

#[test]
fn there_must_be_a_runtime() -> Outcome {
    let log = Log::default();
    let gone = log.on_drop("future dropped");
    let spawned = otp_core::spawn(async move {
        drop(gone);
        Ok(())
    });
    assert!(matches!(spawned, Err(StartError::NoRuntime)));
    assert_eq!(log.take(), ["future dropped"]);

    // It needs no timers.
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let reason = runtime.block_on(async {
        Ok::<_, StartError>(otp_core::spawn(ready(Err(boom())))?.monitor().await)
    });
    assert_eq!(reason?.to_string(), "boom");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_the_pid_does_not_end_the_process() -> Outcome {
    let (tell, told) = oneshot::channel();
    drop(otp_core::spawn(async move {
        tokio::task::yield_now().await;
        let _ = tell.send(Pid::current());
        Ok(())
    })?);
    assert!(told.await?.is_some());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_killed_before_it_began_never_begins() -> Outcome {
    for (reason, text) in [
        (ExitReason::Kill, "killed"),
        (boom(), "boom"),
        (ExitReason::Shutdown, "shutdown"),
    ] {
        let log = Log::default();
        let (notes, held) = (log.clone(), log.on_drop("future dropped"));
        let pid = otp_core::spawn(async move {
            let _held = held;
            notes.note("never");
            Ok(())
        })?;
        let end = pid.monitor();
        pid.exit(ExitReason::Normal);
        pid.exit(reason);
        assert_eq!(end.await.to_string(), text);
        assert_eq!(log.take(), ["future dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_linked_process_killed_before_it_began_tells_its_parent() -> Outcome {
    let parent = Subject::new(Kind::Trapping).await;
    let server = parent.server.as_ref().ok_or("no server")?;
    let pid = inside(server, |_, ctx| {
        let pid = ctx.spawn_link(async { Ok(()) });
        pid.exit(boom());
        pid
    })
    .await;
    pid.monitor().await;
    quiet().await;
    assert_eq!(parent.log.take(), [format!("EXIT {pid}: boom")]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_end_and_a_kill_at_once_are_the_kill() -> Outcome {
    let pid = otp_core::spawn(async {
        if let Some(own) = Pid::current() {
            own.kill();
        }
        Ok(())
    })?;
    assert!(matches!(pid.monitor().await, ExitReason::Killed));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_what_it_held_tells_those_linked_all_the_same() -> Outcome {
    struct PanicsOnDrop;

    impl Drop for PanicsOnDrop {
        fn drop(&mut self) {
            panic!("in a drop");
        }
    }

    for killed in [true, false] {
        let parent = Subject::new(Kind::Trapping).await;
        let server = parent.server.as_ref().ok_or("no server")?;
        let bomb = PanicsOnDrop;
        let (tell, told) = oneshot::channel::<()>();
        let work = async move {
            let _bomb = bomb;
            let _ = told.await;
            Err(boom())
        };
        let pid = inside(server, |_, ctx| ctx.spawn_link(work)).await;
        let whom = pid.clone();
        inside(server, move |_, ctx| ctx.monitor(&whom)).await;
        let end = pid.monitor();
        if killed {
            pid.kill();
        } else {
            let _ = tell.send(());
        }
        let reason = end.await;
        quiet().await;
        assert!(!killed || matches!(reason, ExitReason::Killed));
        let expected = ["EXIT", "DOWN"].map(|what| format!("{what} {pid}: {reason}"));
        assert_eq!(parent.log.take(), expected);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn pids_are_compared_by_process_and_never_used_again() -> Outcome {
    let mut pids = HashSet::new();
    let mut last = None;
    for _ in 0..100 {
        let pid = otp_core::spawn(ready(Ok(())))?;
        pid.monitor().await;
        assert_eq!(pid, pid.clone());
        assert_eq!(
            pid.to_string(),
            format!("{pid:?}").replace("Pid(", "<").replace(')', ">")
        );
        assert!(last.is_none_or(|last| last < pid));
        last = Some(pid.clone());
        assert!(pids.insert(pid));
    }
    Ok(())
}
