//! What is asked of a child, over its restarts.

use std::time::Duration;

use otp_core::{
    CallError, CastError, Child, ExitReason, InspectError, ServerOptions, Strategy, Supervisor,
};
use tokio::time::{Instant, sleep};

use super::{boom, crash, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn threads_that_block_on_calls_are_answered_over_restarts() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let before = {
        // It is not started yet.
        let server = server.clone();
        std::thread::spawn(move || server.call_blocking(|reply| Msg::Echo(7, reply)))
    };
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    assert_eq!(before.join().map_err(|_| "it panicked")??, 7);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let server = server.clone();
            std::thread::spawn(move || {
                let (mut answered, mut told) = (0, 0);
                for number in 0..200 {
                    match server.call_blocking(|reply| Msg::Echo(number, reply)) {
                        Ok(answer) => {
                            assert_eq!(answer, number);
                            answered += 1;
                        }
                        Err(CallError::Exited(_)) => told += 1,
                        Err(error) => panic!("{error}"),
                    }
                }
                (answered, told)
            })
        })
        .collect();
    for _ in 0..50 {
        server.cast(Msg::end(boom()))?;
        tokio::task::yield_now().await;
    }
    for thread in threads {
        let (answered, told) = tokio::task::spawn_blocking(|| thread.join())
            .await?
            .map_err(|_| "it panicked")?;
        assert_eq!(answered + told, 200);
        assert!(answered > 0);
    }
    tree.terminate_child("a").await?;
    let refused = tokio::task::spawn_blocking({
        let server = server.clone();
        move || server.call_blocking(|reply| Msg::Echo(1, reply))
    });
    assert!(matches!(refused.await?, Err(CallError::NoProc)));
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_look_into_the_state_means_the_incarnation_of_its_moment() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let kept = |probe: &Probe| probe.kept.len();
    let early = server.inspect(kept).await;
    assert!(
        matches!(early, Err(InspectError::Call(CallError::NoProc))),
        "{early:?}"
    );
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let caller = {
        let server = server.clone();
        tokio::spawn(async move { server.call(Msg::Keep).await })
    };
    quiet().await;
    assert_eq!(server.inspect(kept).await?, 1);
    // One that waits for the handler in hand, and is not the next one's.
    server.cast(Msg::run(|_, _| {
        Box::pin(async {
            sleep(secs(1)).await;
            Err(boom())
        })
    }))?;
    quiet().await;
    let late = server.inspect(kept).await;
    assert!(
        matches!(&late, Err(InspectError::Call(CallError::Exited(reason))) if reason.to_string() == "boom"),
        "{late:?}"
    );
    assert!(matches!(caller.await?, Err(CallError::Exited(_))));
    quiet().await;
    assert_eq!(server.inspect(kept).await?, 0);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_child_that_waits_for_its_start_ends_at_its_deadline_and_not_before() -> Outcome
{
    let log = Log::default();
    let backoff = otp_core::backoff::Backoff::constant(secs(60));
    let child = probe("a", &log).backoff(backoff);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    crash(&server).await;
    log.take();
    for limit in [ms(0), ms(50), secs(1), secs(5)] {
        let begun = Instant::now();
        let outcome = server
            .call_timeout(|reply| Msg::Echo(1, reply), limit)
            .await;
        assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
        let took = begun.elapsed();
        assert!(
            limit <= took && took <= limit + ms(20),
            "{limit:?}: {took:?}"
        );
    }
    // They were accepted, and are handled though nobody waits.
    assert_eq!(server.info().mailbox_len, 4);
    let begun = Instant::now();
    let patiently = server.call_timeout(|reply| Msg::Echo(2, reply), Duration::MAX);
    assert_eq!(patiently.await?, 2);
    assert!(begun.elapsed() > secs(50));
    assert_eq!(server.info().mailbox_len, 0);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_bounded_mailbox_keeps_its_bound_between_two_incarnations() -> Outcome {
    let log = Log::default();
    let own = log.clone();
    let options = ServerOptions::default().bounded(2);
    let backoff = otp_core::backoff::Backoff::constant(secs(1));
    let child = Child::server_with("a", options, move || Probe::new(&own)).backoff(backoff);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    for _ in 0..3 {
        crash(&server).await;
        server.cast(Msg::Note("one"))?;
        server.cast(Msg::Note("two"))?;
        let full = server.cast(Msg::Note("three"));
        assert!(matches!(full, Err(CastError::Full(Msg::Note("three")))));
        let mut waits = Box::pin(server.cast_wait(Msg::Note("three")));
        let mut calls = Box::pin(server.call(|reply| Msg::Echo(4, reply)));
        assert!(poll_now(waits.as_mut()).is_pending() && poll_now(calls.as_mut()).is_pending());
        log.take();
        waits.await?;
        assert_eq!(calls.await?, 4);
        assert_eq!(log.take(), ["one", "two", "three"]);
    }
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_forgets_drops_what_waited_and_keeps_what_comes_after_its_end() -> Outcome {
    let log = Log::default();
    let backoff = otp_core::backoff::Backoff::constant(secs(1));
    let child = probe("a", &log).forget_messages().backoff(backoff);
    let server = child.server_ref();
    let plan = Supervisor::new(Strategy::OneForOne);
    server.cast(Msg::Note("before the start"))?;
    let tree = plan.child(child).start().await?;
    quiet().await;
    assert_eq!(log.take(), ["before the start"]);
    server.cast(Msg::end(ExitReason::boxed("boom")))?;
    for _ in 0..10 {
        server.cast(Msg::Note("forgotten"))?;
    }
    let mut told = Box::pin(server.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(told.as_mut()).is_pending());
    quiet().await;
    server.cast(Msg::Note("after the end"))?;
    match poll_now(told.as_mut()) {
        std::task::Poll::Ready(Err(CallError::Exited(_))) => {}
        other => return Err(shown(&other).into()),
    }
    assert_eq!(server.info().dropped, 11);
    assert_eq!(server.call(|reply| Msg::Echo(2, reply)).await?, 2);
    assert_eq!(
        log.take(),
        ["terminate: boom", "state dropped", "after the end"]
    );
    tree.stop().await?;
    Ok(())
}
