//! `ReplyTo`: who may answer and when, and what the caller hears if nobody does.

use std::pin::pin;

use otp_core::{CallError, ReplyTo, ServerRef, inbox};
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, OnDrop, Outcome, Probe, ms, poll_now, quiet, secs, shown};

type Waiting<T> = tokio::task::JoinHandle<Result<T, CallError>>;

/// Calls from a task of its own.
pub(crate) fn ask<T: Send + 'static>(
    server: &ServerRef<Msg>,
    request: impl FnOnce(ReplyTo<T>) -> Msg + Send + 'static,
) -> Waiting<T> {
    let server = server.clone();
    tokio::spawn(async move { server.call(request).await })
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_is_dropped() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let inside = log.on_drop("reply dropped");
    let late = ask(&server, |reply| {
        Msg::run(|probe, _| {
            Box::pin(async move {
                sleep(secs(10)).await;
                probe.log.note("answers");
                reply.send(inside);
                probe.log.note("has answered");
                Ok(())
            })
        })
    });
    assert_eq!(shown(&late.await?), "Err(Timeout)");
    assert_eq!(log.take(), [""; 0]);
    sleep(secs(10)).await;
    assert_eq!(log.take(), ["answers", "reply dropped", "has answered"]);
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_reaches_the_caller_once_and_whole() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let inside = log.on_drop("reply dropped");
    let reply: OnDrop = ask(&server, |reply| {
        Msg::act(move |_, _| {
            reply.send(inside);
            Ok(())
        })
    })
    .await??;
    assert_eq!(log.take(), [""; 0]);
    drop(reply);
    assert_eq!(log.take(), ["reply dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kept_call_is_answered_later() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let (first, second) = (ask(&server, Msg::Keep), ask(&server, Msg::Keep));
    quiet().await;
    assert!(!first.is_finished() && !second.is_finished());
    server.cast(Msg::Answer(1))?;
    assert_eq!(first.await??, 1);
    server.cast(Msg::Answer(2))?;
    assert_eq!(second.await??, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn anybody_may_answer() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let by_task = ask(&server, |reply| {
        Msg::act(|_, _| {
            tokio::spawn(async move {
                sleep(secs(1)).await;
                reply.send("a task");
            });
            Ok(())
        })
    });
    assert_eq!(by_task.await??, "a task");

    let by_own_task = ask(&server, |reply| {
        Msg::act(|_, ctx| {
            ctx.spawn_task(async { reply.send("its own task") }, |_| Msg::Note("done"));
            Ok(())
        })
    });
    assert_eq!(by_own_task.await??, "its own task");

    let other = Probe::new(&Log::default()).start().await?;
    let by_other = ask(&server, |reply| {
        Msg::act(move |_, _| {
            other.cast(Msg::Echo(5, reply)).unwrap();
            Ok(())
        })
    });
    assert_eq!(by_other.await??, 5);
    Ok(())
}

// On a real clock: a paused one does not wait for other threads.
#[tokio::test]
async fn another_thread_may_answer() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let by_thread = ask(&server, |reply| {
        Msg::act(|_, _| {
            std::thread::spawn(|| reply.send("a thread"));
            Ok(())
        })
    });
    assert_eq!(by_thread.await??, "a thread");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reply_is_seen_before_the_handler_ends() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let begun = Instant::now();
    let early = ask(&server, |reply| {
        Msg::run(|_, _| {
            Box::pin(async {
                reply.send(1);
                sleep(secs(60)).await;
                Ok(())
            })
        })
    });
    assert_eq!(early.await??, 1);
    assert!(begun.elapsed() < secs(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_gets_no_reply_from_a_server_that_lives() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let dropped = |request: fn(ReplyTo<u32>) -> Msg| ask(&server, request);
    let in_handler = dropped(|reply| {
        Msg::act(|_, _| {
            drop(reply);
            Ok(())
        })
    });
    assert_eq!(shown(&in_handler.await?), "Err(NoReply)");

    let in_state = dropped(Msg::Keep);
    quiet().await;
    server.cast(Msg::act(|probe, _| {
        probe.kept.clear();
        Ok(())
    }))?;
    assert_eq!(shown(&in_state.await?), "Err(NoReply)");

    let in_task = dropped(|reply| {
        Msg::act(|_, _| {
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                drop(reply);
            });
            Ok(())
        })
    });
    assert_eq!(shown(&in_task.await?), "Err(NoReply)");

    let in_own_task = dropped(|reply| {
        Msg::act(|_, ctx| {
            ctx.spawn_task(async move { drop(reply) }, |_| Msg::Note("done"));
            Ok(())
        })
    });
    assert_eq!(shown(&in_own_task.await?), "Err(NoReply)");

    let in_own_task_that_panics = dropped(|reply| {
        Msg::act(|_, ctx| {
            let work = async move {
                let _reply = reply;
                panic!("boom");
            };
            ctx.spawn_task(work, |_: Result<(), _>| Msg::Note("done"));
            Ok(())
        })
    });
    assert_eq!(shown(&in_own_task_that_panics.await?), "Err(NoReply)");
    assert!(server.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inbox_may_drop_a_call() -> Outcome {
    let (address, mut inbox) = inbox::<Msg>();
    let dropped = ask(&address, |reply| Msg::Echo(1, reply));
    drop(inbox.recv().await);
    assert_eq!(shown(&dropped.await?), "Err(NoReply)");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_by_a_look_gets_no_reply() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let (address, mut inbox) = inbox::<ReplyTo<u32>>();
    let asked = tokio::spawn(async move { address.call(|reply| reply).await });
    let reply = inbox.recv().await.ok_or("no call")?;
    server.inspect(move |_: &Probe| drop(reply)).await?;
    assert_eq!(shown(&asked.await?), "Err(NoReply)");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_with_the_result_of_an_aborted_task_gets_no_reply() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let dropped = ask(&server, |reply: ReplyTo<u32>| {
        Msg::run(|_, ctx| {
            Box::pin(async {
                let task = ctx.spawn_task(async { reply }, |_| Msg::Note("never handled"));
                // It is done by then, and its result waits.
                sleep(secs(1)).await;
                assert!(ctx.abort_task(task));
                Ok(())
            })
        })
    });
    assert_eq!(shown(&dropped.await?), "Err(NoReply)");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_inbox_is_not_the_end_of_the_server_that_drops_it() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let (_address, inbox) = inbox::<Msg>();
    let dropped = ask(&server, |reply: ReplyTo<u32>| {
        Msg::act(|_, _| {
            drop(reply);
            drop(inbox);
            Ok(())
        })
    });
    assert_eq!(shown(&dropped.await?), "Err(NoReply)");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_is_settled_when_the_handler_returns() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let begun = Instant::now();
    let dropped = ask::<u32>(&server, |reply| {
        Msg::run(|_, _| {
            Box::pin(async {
                drop(reply);
                sleep(secs(2)).await;
                Ok(())
            })
        })
    });
    assert_eq!(shown(&dropped.await?), "Err(NoReply)");
    assert!(begun.elapsed() >= secs(2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whether_the_caller_has_gone_can_be_seen() -> Outcome {
    let (address, mut inbox) = inbox::<ReplyTo<u32>>();
    let asked = address.clone();
    let timed_out = tokio::spawn(async move { asked.call_timeout(|reply| reply, secs(1)).await });
    let reply = inbox.recv().await.unwrap();
    assert_eq!(
        (reply.is_closed(), shown(&reply)),
        (false, "ReplyTo { is_closed: false }".to_owned())
    );
    assert_eq!(shown(&timed_out.await?), "Err(Timeout)");
    assert_eq!(
        (reply.is_closed(), shown(&reply)),
        (true, "ReplyTo { is_closed: true }".to_owned())
    );

    let given_up = {
        let mut call = pin!(address.call(|reply| reply));
        assert!(poll_now(call.as_mut()).is_pending());
        let reply = inbox.recv().await.unwrap();
        assert!(!reply.is_closed());
        reply
    };
    assert!(given_up.is_closed());
    given_up.send(1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_can_wait_until_its_caller_has_gone() -> Outcome {
    let (address, mut inbox) = inbox::<ReplyTo<u32>>();
    let (asked, begun) = (address.clone(), Instant::now());
    let timed_out = tokio::spawn(async move { asked.call_timeout(|reply| reply, secs(1)).await });
    let mut reply = inbox.recv().await.unwrap();
    // Giving up the wait changes nothing.
    assert!(poll_now(pin!(reply.closed())).is_pending());
    reply.closed().await;
    assert!(begun.elapsed() >= secs(1) && begun.elapsed() <= secs(1) + ms(20));
    assert_eq!(shown(&timed_out.await?), "Err(Timeout)");
    // It stays so.
    reply.closed().await;

    let asked = address.clone();
    let given_up = tokio::spawn(async move { asked.call(|reply| reply).await });
    let mut reply = inbox.recv().await.unwrap();
    let watcher = tokio::spawn(async move { reply.closed().await });
    quiet().await;
    assert!(!watcher.is_finished());
    given_up.abort();
    watcher.await?;
    Ok(())
}
