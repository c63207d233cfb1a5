//! Addresses of children whose supervisor is restarted itself.

use otp_core::{CallError, Child, Restart, ServerState, Strategy, Supervisor};
use tokio::time::Instant;

use crate::supervisor::{boom, crash, patient, probe, state};
use crate::support::{Log, Msg, Outcome, ms, poll_now, quiet, secs};

#[tokio::test(start_paused = true)]
async fn a_static_child_survives_its_supervisors_restart_and_a_dynamic_one_does_not() -> Outcome {
    let log = Log::default();
    let child = probe("static", &log);
    let server = child.server_ref();
    let nested = Child::supervisor("nested", patient(Strategy::OneForOne).child(child));
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    let dynamic = below.start_child(probe("dynamic", &Log::default())).await?;
    let resting = (server.suspend().await?, dynamic.suspend().await?);
    server.cast(Msg::Note("kept"))?;
    let mut kept = Box::pin(server.call(|reply| Msg::Echo(1, reply)));
    let mut lost = Box::pin(dynamic.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(kept.as_mut()).is_pending());
    assert!(poll_now(lost.as_mut()).is_pending());
    below.stop_with(boom()).await?;
    assert_eq!(kept.await?, 1);
    let outcome = lost.await;
    assert!(matches!(outcome, Err(CallError::Exited(_))), "{outcome:?}");
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped", "kept"]);
    // The address of the supervisor itself has survived as well.
    let children = below.which_children().await?;
    assert_eq!(children.len(), 1);
    assert!(dynamic.cast(Msg::Note("refused")).is_err());
    assert_eq!(dynamic.info().state, ServerState::Ended);
    drop(resting);
    tree.stop().await?;
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn children_below_a_supervisor_that_is_not_restarted_refuse_at_once() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let nested = Supervisor::new(Strategy::OneForOne)
        .intensity(0, secs(5))
        .child(child);
    let nested = Child::supervisor("nested", nested).restart(Restart::Transient);
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    server.cast(Msg::end(boom()))?;
    let begun = Instant::now();
    // It gives up, which is an end in order.
    let outcome = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(outcome, Err(CallError::NoProc)), "{outcome:?}");
    assert_eq!(begun.elapsed(), ms(0));
    assert!(server.cast(Msg::Note("refused")).is_err());
    // With its supervisor it comes back.
    tree.restart_child("nested").await?;
    assert_eq!(server.call(|reply| Msg::Echo(2, reply)).await?, 2);
    tree.terminate_child("nested").await?;
    assert!(server.cast(Msg::Note("refused")).is_err());
    tree.delete_child("nested").await?;
    assert!(server.cast(Msg::Note("refused")).is_err());
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_wait_over_a_supervisor_that_gives_up_and_is_restarted() -> Outcome {
    let log = Log::default();
    let (crashes, other) = (probe("crashes", &Log::default()), probe("other", &log));
    let (to_crashing, to_other) = (crashes.server_ref(), other.server_ref());
    let nested = Supervisor::new(Strategy::OneForOne).intensity(0, secs(5));
    let nested = Child::supervisor("nested", nested.child(crashes).child(other));
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    let resting = to_other.suspend().await?;
    to_other.cast(Msg::Note("waits"))?;
    to_crashing.cast(Msg::end(boom()))?;
    to_crashing.cast(Msg::panic())?;
    let call = to_crashing.call(|reply| Msg::Echo(1, reply));
    assert_eq!(call.await?, 1);
    quiet().await;
    // Twice: its supervisor has given up for each of the two.
    let ends = ["terminate: shutdown", "state dropped"];
    assert_eq!(log.take(), [&ends[..], &["waits"], &ends].concat());
    drop(resting);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deleted_static_child_comes_back_with_its_supervisor() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let nested = Child::supervisor("nested", patient(Strategy::OneForOne).child(child));
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    below.terminate_child("a").await?;
    below.delete_child("a").await?;
    assert!(server.cast(Msg::Note("refused")).is_err());
    below.stop_with(boom()).await?;
    quiet().await;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    crash(&server).await;
    assert!(matches!(
        state(&below, "a").await,
        otp_core::ChildState::Running(_)
    ));
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn requests_to_a_supervisor_end_with_its_incarnation() -> Outcome {
    let nested = Child::supervisor("nested", patient(Strategy::OneForOne));
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne).child(nested).start().await?;
    let resting = below.suspend().await?;
    let mut asks = Box::pin(below.start_child(probe("a", &Log::default())));
    assert!(poll_now(asks.as_mut()).is_pending());
    below.pid().ok_or("no pid")?.kill();
    assert!(asks.await.is_err());
    quiet().await;
    assert!(below.which_children().await?.is_empty());
    drop(resting);
    tree.stop().await?;
    Ok(())
}
