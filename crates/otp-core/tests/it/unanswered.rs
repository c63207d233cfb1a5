//! Calls that go down with their server: each is told how it ended.

use std::sync::Arc;

use otp_core::{CallError, ExitReason, ReplyTo};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::reply::ask;
use crate::support::{Log, Msg, Outcome, Probe, panic_message, quiet, secs, shown};

/// What the caller hears whose call meets with an end.
async fn fate(
    request: impl FnOnce(ReplyTo<u32>) -> Msg + Send + 'static,
    then: Option<Msg>,
) -> String {
    let server = Probe::new(&Log::default()).start().await.unwrap();
    let waiting = ask(&server, request);
    quiet().await;
    if let Some(then) = then {
        server.cast(then).unwrap();
    }
    match waiting.await.unwrap() {
        Err(CallError::Exited(reason)) => match panic_message(&reason) {
            Some(message) => format!("panicked: {message}"),
            None => reason.to_string(),
        },
        other => shown(&other),
    }
}

fn end(reason: ExitReason) -> Option<Msg> {
    Some(Msg::end(reason))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_by_a_failing_handler_is_told_of_the_end() {
    let in_hand = |reply: ReplyTo<u32>| {
        Msg::act(|_, _| {
            let _reply = reply;
            Err(ExitReason::boxed("why"))
        })
    };
    assert_eq!(fate(in_hand, None).await, "why");

    let dropped_first = |reply| {
        Msg::act(|_, _| {
            drop(reply);
            Err(ExitReason::Shutdown)
        })
    };
    assert_eq!(fate(dropped_first, None).await, "shutdown");

    let asked_to_stop = |reply| {
        Msg::act(|_, ctx| {
            drop(reply);
            Err(ExitReason::Normal).inspect_err(|_| ctx.stop(ExitReason::Shutdown))
        })
    };
    assert_eq!(fate(asked_to_stop, None).await, "normal");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_by_a_panic_is_told_of_it() {
    let in_hand = |reply: ReplyTo<u32>| {
        Msg::act(|_, _| {
            let _reply = reply;
            panic!("boom")
        })
    };
    assert_eq!(fate(in_hand, None).await, "panicked: boom");

    let before_an_await = |reply: ReplyTo<u32>| {
        Msg::run(|_, _| {
            Box::pin(async {
                drop(reply);
                sleep(secs(1)).await;
                panic!("boom")
            })
        })
    };
    assert_eq!(fate(before_an_await, None).await, "panicked: boom");

    let across_an_await = |reply: ReplyTo<u32>| {
        Msg::run(|_, _| {
            Box::pin(async move {
                sleep(secs(1)).await;
                let _reply = reply;
                panic!("boom")
            })
        })
    };
    assert_eq!(fate(across_an_await, None).await, "panicked: boom");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_killed_in_its_handler_is_told_so() -> Outcome {
    for drop_first in [true, false] {
        let server = Probe::new(&Log::default()).start().await?;
        let waiting = ask::<u32>(&server, move |reply| {
            Msg::run(move |_, _| {
                Box::pin(async move {
                    let kept = Some(reply).filter(|_| !drop_first);
                    std::future::pending::<()>().await;
                    drop(kept);
                    Ok(())
                })
            })
        });
        quiet().await;
        server.pid().unwrap().kill();
        assert_eq!(shown(&waiting.await?), "Err(Exited(Killed))");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_kept_by_a_server_that_ends_is_told_why() {
    assert_eq!(fate(Msg::Keep, end(ExitReason::Normal)).await, "normal");
    assert_eq!(
        fate(Msg::Keep, end(ExitReason::shutdown_with("moving"))).await,
        "shutdown: moving"
    );
    assert_eq!(fate(Msg::Keep, Some(Msg::panic())).await, "panicked: boom");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_timer_of_a_server_that_ends_is_told_why() {
    let in_timer = |reply| {
        Msg::act(|_, ctx| {
            ctx.send_after(secs(60), Msg::Keep(reply));
            Ok(())
        })
    };
    assert_eq!(fate(in_timer, end(ExitReason::Shutdown)).await, "shutdown");

    let in_idle = |reply| {
        Msg::act(|_, ctx| {
            ctx.idle_after(secs(60), Msg::Keep(reply));
            Ok(())
        })
    };
    // The message that ends the server has called the idle time-out off before.
    assert_eq!(fate(in_idle, end(ExitReason::Normal)).await, "Err(NoReply)");

    let in_continue = |reply| {
        Msg::act(|_, ctx| {
            ctx.continue_with(Msg::Keep(reply));
            Err(ExitReason::Shutdown)
        })
    };
    assert_eq!(fate(in_continue, None).await, "shutdown");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_task_of_a_server_that_ends_is_told_why() {
    let in_task = |reply: ReplyTo<u32>| {
        Msg::act(|_, ctx| {
            let work = async move {
                let _reply = reply;
                std::future::pending::<()>().await;
            };
            ctx.spawn_task(work, |_| Msg::Note("done"));
            Ok(())
        })
    };
    assert_eq!(fate(in_task, end(ExitReason::Shutdown)).await, "shutdown");
    assert_eq!(fate(in_task, end(ExitReason::Normal)).await, "normal");
    assert_eq!(fate(in_task, Some(Msg::panic())).await, "panicked: boom");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_still_waits_in_the_mailbox_is_told_of_the_end() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let go = Arc::new(Notify::new());
    let handler = Arc::clone(&go);
    server.cast(Msg::run(|_, _| {
        Box::pin(async move {
            handler.notified().await;
            Err(ExitReason::boxed("why"))
        })
    }))?;
    // One is swapped out along with the message in hand, the other arrives later.
    let swapped_out = ask(&server, |reply| Msg::Echo(1, reply));
    quiet().await;
    let waiting = ask(&server, |reply| Msg::Echo(2, reply));
    quiet().await;
    go.notify_one();
    assert_eq!(shown(&swapped_out.await?), r#"Err(Exited(Error("why")))"#);
    assert_eq!(shown(&waiting.await?), r#"Err(Exited(Error("why")))"#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_in_terminate_is_told_of_the_end() -> Outcome {
    let forgetful = Probe::new(&Log::default()).on_terminate(|probe, _| {
        probe.kept.clear();
        Box::pin(async { Ok(()) })
    });
    let server = forgetful.start().await?;
    let waiting = ask(&server, Msg::Keep);
    quiet().await;
    server.stop().await?;
    assert_eq!(shown(&waiting.await?), "Err(Exited(Normal))");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_may_be_answered_in_terminate() -> Outcome {
    let polite = Probe::new(&Log::default()).on_terminate(|probe, _| {
        probe.kept.drain(..).for_each(|reply| reply.send(9));
        Box::pin(async { Ok(()) })
    });
    let server = polite.start().await?;
    let waiting = ask(&server, Msg::Keep);
    quiet().await;
    server.stop().await?;
    assert_eq!(waiting.await??, 9);
    Ok(())
}
