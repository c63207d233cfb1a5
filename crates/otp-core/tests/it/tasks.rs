//! Background tasks of a server, and what comes of them.

use std::future::pending;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use otp_core::{CallError, ExitReason, ReplyTo, TaskRef};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::cancel::ByHand;
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe, quiet};

/// A message that says what came of a task.
fn result(outcome: Result<u32, ExitReason>) -> Msg {
    Msg::act(move |probe, _| {
        probe.log.note(match outcome {
            Ok(number) => format!("result {number}"),
            Err(reason) => format!("failed: {reason}"),
        });
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
async fn a_result_comes_as_a_message_behind_those_accepted_before() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let (finish, finished) = oneshot::channel();
    server.cast(Msg::run(|_, ctx| {
        Box::pin(async move {
            ctx.spawn_task(async move { finished.await.unwrap_or(0) }, result);
            sleep(Duration::from_millis(20)).await;
            Ok(())
        })
    }))?;
    quiet().await;
    server.cast(Msg::Note("accepted before"))?;
    finish.send(7).map_err(|_| "the task has gone")?;
    quiet().await;
    server.cast(Msg::Note("accepted after"))?;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(
        log.take(),
        ["accepted before", "result 7", "accepted after"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_server_works_on_while_its_tasks_run() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        for number in [30_u32, 10, 20] {
            let work = async move {
                sleep(Duration::from_millis(number.into())).await;
                number
            };
            ctx.spawn_task(work, result);
        }
        Ok(())
    }))?;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    sleep(Duration::from_millis(100)).await;
    assert_eq!(log.take(), ["result 10", "result 20", "result 30"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_work_is_its_result() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        ctx.spawn_task(async { panic!("no result") }, |outcome| {
            let panicked =
                matches!(&outcome, Err(ExitReason::Panic(panic)) if panic.message() == "no result");
            assert!(panicked, "{outcome:?}");
            result(Ok(1))
        });
        Ok(())
    }))?;
    quiet().await;
    assert_eq!(log.take(), ["result 1"]);
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_making_the_message_ends_the_process() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().unwrap().monitor();
    server.cast(Msg::act(|_, ctx| {
        ctx.spawn_task(async {}, |_| panic!("no message"));
        Ok(())
    }))?;
    let reason = end.await;
    assert!(
        matches!(&reason, ExitReason::Panic(panic) if panic.message() == "no message"),
        "{reason}"
    );
    assert_eq!(log.take().last().map(String::as_str), Some("state dropped"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tasks_are_aborted_however_their_server_ends() -> Outcome {
    for end in [Msg::end(ExitReason::Normal), Msg::panic(), Msg::hang()] {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let gone = log.on_drop("task dropped");
        server.cast(Msg::act(move |_, ctx| {
            let work = async move {
                let _gone = gone;
                pending::<u32>().await
            };
            ctx.spawn_task(work, result);
            Ok(())
        }))?;
        quiet().await;
        assert_eq!(log.take(), [""; 0]);
        let ended = server.pid().unwrap().monitor();
        server.cast(end)?;
        quiet().await;
        server.pid().inspect(otp_core::Pid::kill);
        ended.await;
        quiet().await;
        assert!(log.has("task dropped"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_may_be_begun_and_is_aborted_in_terminate() -> Outcome {
    let log = Log::default();
    let gone = log.on_drop("task dropped");
    let probe = Probe::new(&log).on_terminate(move |_, ctx| {
        let work = async move {
            let _gone = gone;
            pending::<u32>().await
        };
        ctx.spawn_task(work, result);
        Box::pin(async {
            tokio::task::yield_now().await;
            Ok(())
        })
    });
    probe.start().await?.stop().await?;
    quiet().await;
    assert_eq!(
        log.take(),
        ["terminate: normal", "state dropped", "task dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_arrives_of_an_aborted_task() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let gone = log.on_drop("task dropped");
    let task: TaskRef = server
        .call(|reply| {
            Msg::act(move |_, ctx| {
                let work = async move {
                    let _gone = gone;
                    pending::<u32>().await
                };
                reply.send(ctx.spawn_task(work, result));
                Ok(())
            })
        })
        .await?;
    let abort = move |reply: ReplyTo<bool>| {
        Msg::act(move |_, ctx| {
            reply.send(ctx.abort_task(task));
            Ok(())
        })
    };
    assert!(server.call(abort).await?);
    quiet().await;
    assert_eq!(log.take(), ["task dropped"]);
    assert!(!server.call(abort).await?, "it is unknown now");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_result_that_waits_already_is_aborted_too() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::run(|probe, ctx| {
        Box::pin(async {
            let task = ctx.spawn_task(async { 1 }, result);
            let kept = ctx.spawn_task(async { 2 }, result);
            sleep(Duration::from_millis(5)).await;
            probe
                .log
                .note(format!("{} {}", ctx.abort_task(task), task == kept));
            Ok(())
        })
    }))?;
    sleep(Duration::from_millis(50)).await;
    assert_eq!(log.take(), ["true false", "result 2"]);
    Ok(())
}

/// A message that lets a task hold its call, and hands out the task.
fn held_by_a_task(tasks: otp_core::ServerRef<TaskRef>) -> impl FnOnce(ReplyTo<u32>) -> Msg {
    move |reply| {
        Msg::act(move |_, ctx| {
            let work = async move {
                let _reply = reply;
                pending::<u32>().await
            };
            let _ = tasks.cast(ctx.spawn_task(work, result));
            Ok(())
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_left_unanswered_by_an_ending_servers_task_is_told_of_the_end() -> Outcome {
    for killed in [true, false] {
        let server = Probe::new(&Log::default()).start().await?;
        let (tasks, _inbox) = otp_core::inbox();
        let mut call = ByHand::new(server.call(held_by_a_task(tasks)));
        assert!(call.poll().is_pending());
        quiet().await;
        if killed {
            server.pid().unwrap().kill();
        } else {
            server.stop_with(ExitReason::Shutdown).await?;
        }
        quiet().await;
        match call.poll() {
            Poll::Ready(Err(CallError::Exited(ExitReason::Killed))) => assert!(killed),
            Poll::Ready(Err(CallError::Exited(ExitReason::Shutdown))) => assert!(!killed),
            other => return Err(format!("{other:?}").into()),
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_left_unanswered_by_an_aborted_task_is_told_at_once() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let (tasks, mut inbox) = otp_core::inbox();
    let mut call = ByHand::new(server.call(held_by_a_task(tasks)));
    assert!(call.poll().is_pending());
    let task = inbox.recv().await.ok_or("no task")?;
    server.cast(Msg::act(move |_, ctx| {
        assert!(ctx.abort_task(task));
        Ok(())
    }))?;
    quiet().await;
    let told = call.poll();
    assert!(
        matches!(told, Poll::Ready(Err(CallError::NoReply))),
        "{told:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_in_a_result_that_was_aborted_is_told_at_once() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let mut call = ByHand::new(server.call(|reply: ReplyTo<u32>| {
        Msg::run(move |_, ctx| {
            Box::pin(async move {
                let task = ctx.spawn_task(async move { reply }, holding);
                sleep(Duration::from_millis(5)).await;
                assert!(ctx.abort_task(task));
                Ok(())
            })
        })
    }));
    assert!(call.poll().is_pending());
    sleep(Duration::from_millis(10)).await;
    let told = call.poll();
    assert!(
        matches!(told, Poll::Ready(Err(CallError::NoReply))),
        "{told:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_comes_after_the_end_reaches_nobody() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let (begun, has_begun) = oneshot::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let call = tokio::spawn({
        let server = server.clone();
        async move {
            server
                .call(|reply: ReplyTo<u32>| {
                    Msg::act(move |_, ctx| {
                        let work = async move {
                            let _ = begun.send(());
                            // Busy without an await: it cannot be aborted.
                            let _ = goes_on.recv();
                            reply
                        };
                        ctx.spawn_task(work, |_| Msg::Note("never"));
                        Ok(())
                    })
                })
                .await
        }
    });
    has_begun.await?;
    let end = server.pid().unwrap().monitor();
    server.pid().unwrap().kill();
    assert!(matches!(end.await, ExitReason::Killed));
    go_on.send(())?;
    let told = call.await?;
    assert!(
        matches!(told, Err(CallError::Exited(ExitReason::Killed))),
        "{told:?}"
    );
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}
