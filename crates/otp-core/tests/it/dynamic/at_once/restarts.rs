//! Restarts that nobody waits for.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::{Child, ChildState, ServerOptions, Shutdown};
use tokio::time::{Instant, sleep};

use super::supervisor;
use crate::dynamic::{assert_closed, counted, numbers, plain, states};
use crate::supervisor::{boom, crash};
use crate::support::{Log, Msg, Outcome, Probe, quiet, secs};

/// A child that starts at once the first time, and hangs from then on.
fn hangs_later(timeout: std::time::Duration) -> Child<Msg> {
    let made = AtomicUsize::new(0);
    let options = ServerOptions::default().start_timeout(timeout);
    Child::server_with("a", options, move || {
        let first = made.fetch_add(1, Ordering::SeqCst) == 0;
        Probe::new(&Log::default()).on_init(move |_, _| {
            Box::pin(async move { if first { Ok(()) } else { pending().await } })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_hangs_delays_nobody_and_is_tried_again_when_its_time_is_over() -> Outcome {
    let supervisor = supervisor().await;
    let a = supervisor.start_child(hangs_later(secs(2))).await?;
    let pid = a.pid().ok_or("none")?;
    crash(&a).await;
    let mut before = pid.clone();
    for _ in 0..3 {
        let now = a.pid().ok_or("none")?;
        assert_ne!(now, before);
        assert_eq!(
            states(&supervisor).await,
            [("a".to_owned(), ChildState::Starting(now.clone()))]
        );
        let b = supervisor.start_child(plain("b")).await?;
        supervisor.terminate_child(&b.pid().ok_or("none")?).await?;
        sleep(secs(2)).await;
        before = now;
    }
    // By the process that it had, though another one is starting.
    let begun = Instant::now();
    supervisor.terminate_child(&pid).await?;
    assert!(begun.elapsed() <= secs(5));
    assert_closed(&a);
    assert_eq!(numbers(&supervisor).await, (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_that_hangs_is_stopped_by_the_process_that_it_is() -> Outcome {
    let supervisor = supervisor().await;
    let child = hangs_later(std::time::Duration::MAX).shutdown(Shutdown::BrutalKill);
    let a = supervisor.start_child(child).await?;
    let old = a.pid().ok_or("none")?;
    crash(&a).await;
    let new = a.pid().ok_or("none")?;
    supervisor.terminate_child(&new).await?;
    assert_closed(&a);
    for pid in [old, new] {
        assert!(supervisor.terminate_child(&pid).await.is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_ends_while_a_restart_hangs() -> Outcome {
    for brutal in [true, false] {
        let supervisor = supervisor().await;
        let child = hangs_later(std::time::Duration::MAX).shutdown(Shutdown::Timeout(secs(1)));
        let a = supervisor.start_child(child).await?;
        crash(&a).await;
        assert!(a.is_alive());
        if brutal {
            supervisor.pid().ok_or("none")?.kill();
            quiet().await;
        } else {
            supervisor.stop().await?;
        }
        assert_closed(&a);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_right_after_its_start_is_restarted() -> Outcome {
    let supervisor = supervisor().await;
    let (child, made) = counted("a", |_| Ok(()));
    let a = supervisor.start_child(child).await?;
    // Told to end before its supervisor has heard that it runs.
    let resting = supervisor.suspend().await?;
    let (brief, _) = counted("b", |_| Ok(()));
    let address = brief.server_ref();
    let asked = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.start_child(brief).await }
    });
    a.cast(Msg::end(boom()))?;
    address.cast(Msg::end(boom()))?;
    quiet().await;
    drop(resting);
    assert!(asked.await?.is_ok());
    assert_eq!(address.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(a.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(made.load(Ordering::SeqCst), 2);
    assert_eq!(numbers(&supervisor).await, (2, 2));
    Ok(())
}
