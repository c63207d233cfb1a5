//! What becomes of messages and callers when a child ends.

use otp_core::{CallError, Child, ExitReason, ReplyTo, ServerOptions, ServerState, Strategy};
use tokio::time::Instant;

use crate::supervisor::{boom, crash, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, inside, ms, poll_now, quiet, shown};

#[tokio::test(start_paused = true)]
async fn messages_that_wait_are_kept_in_order_for_the_next_incarnation() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    // These are swapped out together, and the rest comes while the handler is at work.
    let resting = server.suspend().await?;
    server.cast(Msg::run(|_, _| {
        Box::pin(async {
            tokio::time::sleep(ms(10)).await;
            Err(boom())
        })
    }))?;
    server.cast(Msg::Note("swapped out"))?;
    let mut call = Box::pin(server.call(|reply| Msg::Echo(7, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    server.cast(Msg::Note("swapped out after the call"))?;
    drop(resting);
    quiet().await;
    server.cast(Msg::Note("came later"))?;
    assert_eq!(call.await?, 7);
    quiet().await;
    assert_eq!(
        log.take(),
        [
            "terminate: boom",
            "state dropped",
            "swapped out",
            "swapped out after the call",
            "came later"
        ]
    );
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_message_in_hand_is_not_replayed_and_its_caller_is_told_the_reason() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    // One that the state keeps, one whose handler panics while it holds the reply.
    let mut kept = Box::pin(server.call(Msg::Keep));
    assert!(poll_now(kept.as_mut()).is_pending());
    let outcome = server
        .call(|reply: ReplyTo<()>| {
            Msg::act(move |probe, _| {
                probe.log.note("in hand");
                let _reply = reply;
                panic!("boom")
            })
        })
        .await;
    let Err(CallError::Exited(ExitReason::Panic(panic))) = outcome else {
        return Err(shown(&outcome).into());
    };
    assert_eq!(panic.message(), "boom");
    let kept = kept.await;
    assert!(
        matches!(kept, Err(CallError::Exited(ExitReason::Panic(_)))),
        "{kept:?}"
    );
    quiet().await;
    assert!(server.is_alive());
    let times = log.take().iter().filter(|line| *line == "in hand").count();
    assert_eq!(times, 1);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_call_runs_on_over_restarts() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let begun = Instant::now();
    server.cast(Msg::run(|_, _| {
        Box::pin(async {
            tokio::time::sleep(ms(3_000)).await;
            Err(boom())
        })
    }))?;
    server.cast(Msg::hang())?;
    let outcome = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(outcome, Err(CallError::Timeout)), "{outcome:?}");
    assert!(begun.elapsed() >= ms(5_000) && begun.elapsed() <= ms(5_020));
    drop(tree);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_terminated_child_comes_back_and_it_opens_again() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let resting = server.suspend().await?;
    let held = log.on_drop("message dropped");
    server.cast(Msg::act(move |_, _| {
        drop(held);
        Ok(())
    }))?;
    let mut call = Box::pin(server.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    let begun = Instant::now();
    tree.terminate_child("a").await?;
    let outcome = call.await;
    assert!(matches!(outcome, Err(CallError::NoProc)), "{outcome:?}");
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(
        log.take(),
        ["terminate: shutdown", "state dropped", "message dropped"]
    );
    let info = server.info();
    assert_eq!((info.state, info.mailbox_len), (ServerState::Ended, 0));
    assert!(server.cast(Msg::Note("refused")).is_err());
    let outcome = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(outcome, Err(CallError::NoProc)), "{outcome:?}");
    assert!(server.cast_wait(Msg::Note("refused")).await.is_err());

    tree.restart_child("a").await?;
    assert_eq!(server.call(|reply| Msg::Echo(2, reply)).await?, 2);
    assert_eq!(log.take(), Vec::<String>::new());
    drop(resting);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deleted_child_and_those_of_a_stopped_tree_are_closed_for_ever() -> Outcome {
    let (a, b) = (probe("a", &Log::default()), probe("b", &Log::default()));
    let (to_a, to_b) = (a.server_ref(), b.server_ref());
    let plan = patient(Strategy::OneForOne).child(a).child(b);
    let tree = plan.start().await?;
    tree.terminate_child("a").await?;
    tree.delete_child("a").await?;
    assert!(to_a.cast(Msg::Note("refused")).is_err());
    // An id that is free again is no way back for the old address.
    let again = tree.start_child(probe("a", &Log::default())).await?;
    assert!(again.is_alive() && !to_a.is_alive());
    assert!(to_a.cast(Msg::Note("refused")).is_err());

    let resting = to_b.suspend().await?;
    let mut call = Box::pin(to_b.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    tree.stop().await?;
    let outcome = call.await;
    assert!(
        matches!(outcome, Err(CallError::Exited(ExitReason::Shutdown))),
        "{outcome:?}"
    );
    for server in [to_a, to_b, again] {
        assert!(server.cast(Msg::Note("refused")).is_err());
        let outcome = server.call(|reply| Msg::Echo(1, reply)).await;
        assert!(matches!(outcome, Err(CallError::NoProc)), "{outcome:?}");
        assert_eq!(server.info().state, ServerState::Ended);
    }
    drop(resting);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_wait_for_a_child_that_a_group_restart_has_stopped() -> Outcome {
    let log = Log::default();
    let (first, second) = (probe("first", &Log::default()), probe("second", &log));
    let (to_first, to_second) = (first.server_ref(), second.server_ref());
    let tree = patient(Strategy::OneForAll)
        .child(first)
        .child(second)
        .start()
        .await?;
    let resting = to_second.suspend().await?;
    to_second.cast(Msg::Note("waits"))?;
    let mut call = Box::pin(to_second.call(|reply| Msg::Echo(4, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    crash(&to_first).await;
    assert_eq!(call.await?, 4);
    assert_eq!(
        log.take(),
        ["terminate: shutdown", "state dropped", "waits"]
    );
    drop(resting);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn forgotten_messages_are_dropped_and_their_callers_told_at_once() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log).forget_messages();
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let resting = server.suspend().await?;
    server.cast(Msg::end(boom()))?;
    server.cast(Msg::Note("forgotten"))?;
    let mut call = Box::pin(server.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    let begun = Instant::now();
    drop(resting);
    let outcome = call.await;
    let Err(CallError::Exited(reason)) = outcome else {
        return Err(shown(&outcome).into());
    };
    assert_eq!(reason.to_string(), "boom");
    assert_eq!(begun.elapsed(), ms(0));
    server.cast(Msg::Note("after the end"))?;
    quiet().await;
    assert_eq!(
        log.take(),
        ["terminate: boom", "state dropped", "after the end"]
    );
    assert_eq!(server.info().dropped, 2);
    tree.stop().await?;
    Ok(())
}

/// A child with room for two.
fn narrow(log: &Log) -> Child<Msg> {
    let log = log.clone();
    let options = ServerOptions::default().bounded(2);
    Child::server_with("narrow", options, move || Probe::new(&log))
}

#[tokio::test(start_paused = true)]
async fn a_bounded_mailbox_keeps_its_bound_and_its_line_over_restarts() -> Outcome {
    let log = Log::default();
    let child = narrow(&log);
    let server = child.server_ref();
    // Full before it runs: the line begins there.
    server.cast(Msg::hang())?;
    server.cast(Msg::Note("1"))?;
    assert!(
        server
            .cast(Msg::Note("none"))
            .is_err_and(|error| error.is_full())
    );
    let mut third = Box::pin(server.cast_wait(Msg::Note("2")));
    assert!(poll_now(third.as_mut()).is_pending());
    let mut fourth = Box::pin(server.call(|reply| Msg::Echo(3, reply)));
    assert!(poll_now(fourth.as_mut()).is_pending());
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    quiet().await;
    // The hanging one is in hand, so one of the two was let in.
    third.await?;
    assert_eq!(server.info().mailbox_len, 2);
    assert!(poll_now(fourth.as_mut()).is_pending());
    assert!(
        server
            .cast(Msg::Note("none"))
            .is_err_and(|error| error.is_full())
    );
    server.pid().ok_or("no pid")?.kill();
    assert_eq!(fourth.await?, 3);
    assert_eq!(log.take(), ["hangs", "state dropped", "1", "2"]);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn senders_in_line_get_their_messages_back_from_a_terminated_child() -> Outcome {
    let child = narrow(&Log::default());
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("1"))?;
    server.cast(Msg::Note("2"))?;
    let mut waits = Box::pin(server.cast_wait(Msg::Note("3")));
    assert!(poll_now(waits.as_mut()).is_pending());
    let mut call = Box::pin(server.call(|reply| Msg::Echo(3, reply)));
    assert!(poll_now(call.as_mut()).is_pending());
    tree.terminate_child("narrow").await?;
    let refused = waits.await.err().ok_or("accepted")?;
    assert!(!refused.is_full());
    assert!(matches!(refused.into_message(), Msg::Note("3")));
    assert!(matches!(call.await, Err(CallError::NoProc)));
    // The line is empty afterwards: there is room again.
    tree.restart_child("narrow").await?;
    server.cast(Msg::Note("4"))?;
    assert_eq!(server.call(|reply| Msg::Echo(5, reply)).await?, 5);
    drop(resting);
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_is_handled_or_dropped_over_all_incarnations() -> Outcome {
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let note = |times: u64| {
        for _ in 0..times {
            server.cast(Msg::Note("one")).unwrap();
        }
    };
    note(3);
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    note(70);
    server.cast(Msg::end(boom()))?;
    note(70);
    quiet().await;
    server.cast(Msg::panic())?;
    note(5);
    quiet().await;
    server.cast(Msg::hang())?;
    note(9);
    quiet().await;
    assert_eq!(server.info().mailbox_len, 9);
    tree.terminate_child("a").await?;
    // The notes, and those that crashed or hung.
    let accepted = 3 + 70 + 70 + 5 + 9 + 3;
    let info = server.info();
    assert_eq!(info.dropped, 9);
    assert_eq!(info.handled + 9, accepted);
    tree.restart_child("a").await?;
    note(2);
    quiet().await;
    let info = server.info();
    assert_eq!(info.handled + 9, accepted + 2);
    assert_eq!((info.mailbox_len, info.state), (0, ServerState::Idle));
    inside(&server, |_, _| ()).await;
    tree.stop().await?;
    Ok(())
}
