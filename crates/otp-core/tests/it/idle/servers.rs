//! What becomes of a server's mailbox, its callers and its supervisor when it stops.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use otp_core::{CallError, Child, DynamicSupervisor, Restart, Strategy, Supervisor};
use tokio::time::{Instant, sleep};

use super::{end_of, idle};
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_bounded_server_with_a_full_mailbox_works_it_off_first() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = Probe::new(&log).start_bounded(1).await?;
    inside(&server, |_, ctx| ctx.stop_when_idle(secs(2), || true)).await;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("one"))?;
    let waits = tokio::spawn({
        let server = server.clone();
        async move { server.cast_wait(Msg::Note("two")).await }
    });
    sleep(secs(10)).await;
    drop(resting);
    assert_eq!(end_of(&server, begun).await, secs(12));
    waits.await??;
    assert_eq!(
        log.take(),
        ["one", "two", "terminate: normal", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_left_unanswered_is_told_of_the_end() -> Outcome {
    let server = idle(&Log::default(), secs(2), || true).await;
    let call = server.call_timeout(Msg::Keep, secs(60)).await;
    assert!(
        matches!(&call, Err(CallError::Exited(reason)) if reason.is_normal()),
        "{call:?}"
    );
    Ok(())
}

/// A child that stops when it has been idle for two seconds.
fn child(restart: Restart, made: &Arc<AtomicUsize>) -> Child<Msg> {
    let made = Arc::clone(made);
    let child = Child::server("a", move || {
        made.fetch_add(1, Ordering::Relaxed);
        Probe::new(&Log::default()).on_init(|_, ctx| {
            ctx.stop_when_idle(secs(2), || true);
            Box::pin(async { Ok(()) })
        })
    });
    child.restart(restart)
}

#[tokio::test(start_paused = true)]
async fn a_child_that_has_stopped_is_restarted_if_it_is_permanent() -> Outcome {
    for (restart, expected) in [
        (Restart::Permanent, 5),
        (Restart::Transient, 1),
        (Restart::Temporary, 1),
    ] {
        let made = Arc::new(AtomicUsize::new(0));
        let one = child(restart, &made);
        let server = one.server_ref();
        let tree = Supervisor::new(Strategy::OneForOne)
            .intensity(9, secs(9))
            .child(one)
            .start()
            .await?;
        sleep(secs(9)).await;
        assert_eq!(made.swap(0, Ordering::Relaxed), expected);
        assert_eq!(
            server.cast(Msg::Note("heard")).is_ok(),
            restart == Restart::Permanent
        );
        tree.stop().await?;
        for plan in [DynamicSupervisor::new(), DynamicSupervisor::new().at_once()] {
            let supervisor = plan.intensity(9, secs(9)).start().await?;
            let server = supervisor.start_child(child(restart, &made)).await?;
            sleep(secs(9)).await;
            assert_eq!(made.swap(0, Ordering::Relaxed), expected);
            let kept = restart == Restart::Permanent;
            assert_eq!(server.cast(Msg::Note("heard")).is_ok(), kept);
            assert_eq!(supervisor.count_children().await?.specs, usize::from(kept));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn background_work_does_not_keep_a_server() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = idle(&log, secs(3), || true).await;
    let gone = log.on_drop("work dropped");
    inside(&server, move |_, ctx| {
        let work = async move {
            let _gone = gone;
            pending::<()>().await;
        };
        ctx.spawn_task(work, |_| Msg::Note("never"));
    })
    .await;
    assert_eq!(end_of(&server, begun).await, secs(3));
    quiet().await;
    assert!(log.has("work dropped"));
    Ok(())
}
