//! What looks like a cycle of calls and is none.

use std::pin::pin;
use std::sync::Arc;

use otp_core::{CallError, ExitReason, ReplyTo, ServerRef, inbox};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep};

use super::{ask, hello, probes};
use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

/// A message whose handler calls `whom` and writes down what came of it.
fn calls(whom: &ServerRef<Msg>) -> Msg {
    let whom = whom.clone();
    Msg::run(move |probe, _| {
        Box::pin(async move {
            let outcome = whom.call_timeout(hello, secs(1_000)).await;
            probe.log.note(shown(&outcome));
            Ok(())
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_started_may_call_the_one_who_started_it() -> Outcome {
    // Its `init` has returned: whoever waited for that goes on, though it may not have run yet.
    for links in [true, false] {
        let (log, [parent]) = (Log::default(), probes().await);
        let of_parent = parent.clone();
        let child = Probe::new(&log).on_init(move |_, ctx| {
            ctx.continue_with(calls(&of_parent));
            Box::pin(async { Ok(()) })
        });
        let started = parent.call(move |reply| {
            Msg::run(move |_, ctx| {
                let linked = links.then_some(());
                Box::pin(async move {
                    reply.send(match linked {
                        Some(()) => ctx.start_link(child).await,
                        None => child.start().await,
                    });
                    Ok(())
                })
            })
        });
        let _child = started.await??;
        quiet().await;
        assert_eq!(log.take(), [r#"Ok("hello")"#], "start_link: {links}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_init_waits_for_nobody() -> Outcome {
    let [b] = probes().await;
    let (keep, kept) = oneshot::channel();
    let of_b = b.clone();
    let a = Probe::new(&Log::default()).on_init(move |_, _| {
        let mut call = Box::pin(async move { of_b.call(Msg::Keep).await });
        assert!(poll_now(call.as_mut()).is_pending());
        let _ = keep.send(call);
        Box::pin(async { Ok(()) })
    });
    let a = a.start().await?;
    let call = kept.await?;
    quiet().await;
    // `b` calls `a`, which waits for nothing but messages.
    assert_eq!(b.call(ask(&a, hello)).await?, "hello");
    drop(call);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_lost_a_select_waits_for_nobody() -> Outcome {
    let [a, b] = probes().await;
    let of_b = b.clone();
    let selects = Msg::run(move |probe, _| {
        Box::pin(async move {
            tokio::select! {
                _ = of_b.call(Msg::Keep) => probe.log.note("answered"),
                () = sleep(ms(10)) => probe.log.note("lost"),
            }
            sleep(secs(1)).await;
            Ok(())
        })
    });
    a.cast(selects)?;
    sleep(ms(20)).await;
    assert_eq!(b.call(ask(&a, hello)).await?, "hello");
    let log = a.inspect(|probe: &Probe| probe.log.clone()).await?;
    assert_eq!(log.take(), ["lost"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_waits_for_nobody() -> Outcome {
    for timeout in [ms(50), ms(500)] {
        let [a, b] = probes().await;
        let of_b = b.clone();
        let (begun, at) = (Instant::now(), timeout * 2);
        a.cast(Msg::run(move |probe, _| {
            Box::pin(async move {
                let outcome = of_b.call_timeout(Msg::Keep, timeout).await;
                probe.log.note(shown(&outcome));
                tokio::time::sleep_until(begun + at * 2).await;
                Ok(())
            })
        }))?;
        sleep(at).await;
        assert_eq!(b.call(ask(&a, hello)).await?, "hello");
        let log = a.inspect(|probe: &Probe| probe.log.clone()).await?;
        assert_eq!(log.take(), ["Err(Timeout)"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_caller_breaks_the_cycle() -> Outcome {
    // a → b → c, and `b` is killed: `a` is told, and `c` may call it.
    let [a, b, c] = probes().await;
    let (of_a, gate) = (a.clone(), Arc::new(Notify::new()));
    let (opens, (tell, told)) = (Arc::clone(&gate), oneshot::channel());
    let later = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                opens.notified().await;
                let _ = tell.send(of_a.call(hello).await);
                reply.send("late".to_owned());
                Ok(())
            })
        })
    };
    let mut chain = pin!(a.call(ask(&b, ask(&c, later))));
    assert!(poll_now(chain.as_mut()).is_pending());
    quiet().await;
    b.pid().ok_or("no pid")?.kill();
    gate.notify_one();
    assert_eq!(chain.await?, "Exited(Killed)");
    assert!(matches!(told.await?, Ok(answer) if answer == "hello"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_and_the_closing_of_the_cycle_at_once_hang_nobody() -> Outcome {
    let [a, b] = probes().await;
    let (of_a, a_pid) = (a.clone(), a.pid().ok_or("no pid")?);
    let begun = Instant::now();
    let kills = move |reply: ReplyTo<String>| {
        Msg::run(move |probe, _| {
            Box::pin(async move {
                a_pid.exit(ExitReason::Shutdown);
                // Its wait is still there: it has not run since.
                let outcome = of_a.call(hello).await;
                probe.log.note(shown(&outcome.is_err()));
                reply.send("done".to_owned());
                Ok(())
            })
        })
    };
    let outcome = a.call(ask(&b, kills)).await;
    assert!(matches!(
        outcome,
        Err(CallError::Exited(ExitReason::Shutdown))
    ));
    let log = b.inspect(|probe: &Probe| probe.log.clone()).await?;
    assert_eq!(log.take(), ["true"]);
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_first_polled_in_a_task_is_the_tasks() -> Outcome {
    let [a, b] = probes().await;
    let (of_a, of_b, begun) = (a.clone(), b.clone(), Instant::now());
    let back = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                reply.send(shown(&of_a.call(hello).await));
                Ok(())
            })
        })
    };
    let by_task = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let task = tokio::spawn(async move { of_b.call_timeout(back, secs(60)).await });
                reply.send(task.await??);
                Ok(())
            })
        })
    };
    // Nobody knows that the handler waits for the task: the time-out ends it.
    let said = a.call_timeout(by_task, secs(100)).await?;
    assert_eq!(said, "Err(Timeout)");
    assert!(begun.elapsed() >= secs(5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inbox_in_the_middle_of_a_cycle_is_told_by_its_time_out() -> Outcome {
    // `a` waits for an answer from an inbox that `b` reads: that it is `b` who would answer nobody knows.
    let [a, b] = probes().await;
    let (address, mut inbox) = inbox::<ReplyTo<String>>();
    let (of_a, of_inbox) = (a.clone(), address.clone());
    let mut asks = pin!(a.call_timeout(
        move |reply: ReplyTo<String>| {
            Msg::run(move |_, _| {
                Box::pin(async move {
                    reply.send(of_inbox.call(|reply| reply).await?);
                    Ok(())
                })
            })
        },
        secs(100),
    ));
    assert!(poll_now(asks.as_mut()).is_pending());
    b.cast(Msg::run(move |probe, _| {
        Box::pin(async move {
            let request = inbox
                .recv()
                .await
                .ok_or("none")
                .map_err(ExitReason::boxed)?;
            let outcome = of_a.call_timeout(hello, secs(1)).await;
            probe.log.note(shown(&outcome));
            request.send("answered".to_owned());
            Ok(())
        })
    }))?;
    assert_eq!(asks.await?, "answered");
    let log = b.inspect(|probe: &Probe| probe.log.clone()).await?;
    assert_eq!(log.take(), ["Err(Timeout)"]);
    drop(address);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_answer_is_there_closes_no_cycle_by_what_it_says_next() -> Outcome {
    // `b` answers and, in the same poll, calls back: the caller will be free.
    let [a, b] = probes().await;
    let of_a = a.clone();
    let answers_and_calls = move |reply: ReplyTo<String>| {
        Msg::run(move |probe, _| {
            Box::pin(async move {
                reply.send("early".to_owned());
                let outcome = of_a.call(hello).await;
                probe.log.note(shown(&outcome));
                Ok(())
            })
        })
    };
    assert_eq!(a.call(ask(&b, answers_and_calls)).await?, "early");
    quiet().await;
    let log = b.inspect(|probe: &Probe| probe.log.clone()).await?;
    assert_eq!(log.take(), [r#"Ok("hello")"#]);
    Ok(())
}
