//! What waits for another process and has no error for a cycle: the call that closes one is refused.

use otp_core::ReplyTo;
use tokio::time::Instant;

use super::{cycle, hello, pids, probes};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

/// A message whose handler, a moment later, calls `whom` and ends with what came of it.
fn calls_later(whom: &otp_core::ServerRef<Msg>) -> Msg {
    let whom = whom.clone();
    Msg::run(move |_, _| {
        Box::pin(async move {
            tokio::time::sleep(ms(10)).await;
            whom.call_timeout(hello, secs(100)).await.map(drop)?;
            Ok(())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_waits_for_room_is_part_of_a_cycle() -> Outcome {
    let ([a], b) = (
        probes().await,
        Probe::new(&Log::default()).start_bounded(1).await?,
    );
    let (begun, members) = (Instant::now(), pids([&b, &a]));
    let end = b.pid().ok_or("no pid")?.monitor();
    b.cast(calls_later(&a))?;
    quiet().await;
    b.cast(Msg::Note("takes the place"))?;
    let of_b = b.clone();
    let waits = move |reply: ReplyTo<bool>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                reply.send(of_b.cast_wait(Msg::Note("waits")).await.is_ok());
                Ok(())
            })
        })
    };
    // `b` ends with the error, so the message comes back.
    assert!(!a.call(waits).await?);
    let reason = end.await;
    assert_eq!(cycle(reason.downcast_ref().ok_or("no deadlock")?), members);
    assert!(begun.elapsed() < secs(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_end_of_a_process_is_part_of_a_cycle() -> Outcome {
    let [a, b] = probes().await;
    let (begun, members) = (Instant::now(), pids([&b, &a]));
    let b_pid = b.pid().ok_or("no pid")?;
    b.cast(calls_later(&a))?;
    let waits = move |reply: ReplyTo<_>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                reply.send(b_pid.monitor().await);
                Ok(())
            })
        })
    };
    let reason = a.call(waits).await?;
    assert_eq!(cycle(reason.downcast_ref().ok_or("no deadlock")?), members);
    assert!(begun.elapsed() < secs(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_an_end_that_was_given_up_is_part_of_none() -> Outcome {
    let [a, b] = probes().await;
    let b_pid = b.pid().ok_or("no pid")?;
    b.cast(calls_later(&a))?;
    let gives_up = move |_: &mut Probe, ctx: &mut otp_core::Context<Msg>| {
        let mut end = Box::pin(b_pid.monitor());
        let pending = crate::support::poll_now(end.as_mut()).is_pending();
        drop(end);
        ctx.continue_with(Msg::run(|_, _| {
            Box::pin(async {
                tokio::time::sleep(secs(1)).await;
                Ok(())
            })
        }));
        pending
    };
    assert!(crate::support::inside(&a, gives_up).await);
    tokio::time::sleep(secs(2)).await;
    assert!(b.is_alive(), "its call was refused");
    Ok(())
}
