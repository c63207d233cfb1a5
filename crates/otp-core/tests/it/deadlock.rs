//! Processes that would wait for each other for ever.

mod load;
mod none;
mod noted;
mod ways;

use std::pin::pin;
use std::sync::Arc;

use otp_core::{CallError, ExitReason, Pid, ReplyTo, ServerRef, StopError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

/// A request to call `whom` with what `next` makes, and to answer with the outcome.
fn ask(
    whom: &ServerRef<Msg>,
    next: impl FnOnce(ReplyTo<String>) -> Msg + Send + 'static,
) -> impl FnOnce(ReplyTo<String>) -> Msg + Send + 'static {
    let whom = whom.clone();
    move |reply| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let outcome = whom.call_timeout(next, secs(1_000)).await;
                reply.send(outcome.unwrap_or_else(|error| shown(&error)));
                Ok(())
            })
        })
    }
}

/// A request that is answered at once.
fn hello(reply: ReplyTo<String>) -> Msg {
    Msg::act(move |_, _| {
        reply.send("hello".to_owned());
        Ok(())
    })
}

async fn probes<const N: usize>() -> [ServerRef<Msg>; N] {
    let mut servers = Vec::new();
    for _ in 0..N {
        servers.push(Probe::new(&Log::default()).start().await.unwrap());
    }
    servers.try_into().unwrap()
}

fn pids<const N: usize>(servers: [&ServerRef<Msg>; N]) -> Vec<Pid> {
    servers.map(|server| server.pid().unwrap()).to_vec()
}

/// The members of the cycle that an error names.
fn cycle(error: &CallError) -> Vec<Pid> {
    match error {
        CallError::Deadlock { cycle } => cycle.to_vec(),
        other => panic!("{other:?} is no deadlock"),
    }
}

#[tokio::test(start_paused = true)]
async fn two_servers_that_call_each_other_are_told_at_once() -> Outcome {
    let [a, b] = probes().await;
    let begun = Instant::now();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let (to_a, a_pid) = (a.clone(), a.pid());
    let back = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let error = to_a.call(hello).await.unwrap_err();
                let _ = sender.send(error);
                reply.send("refused".to_owned());
                Ok(())
            })
        })
    };
    assert_eq!(a.call(ask(&b, back)).await?, "refused");
    assert_eq!(begun.elapsed(), ms(0));
    let error = receiver.await?;
    assert_eq!(cycle(&error), pids([&b, &a]));
    let (a_pid, b_pid) = (a_pid.unwrap(), b.pid().unwrap());
    let text = format!("processes wait for each other in a circle: {b_pid} -> {a_pid} -> {b_pid}");
    assert_eq!(error.to_string(), text);
    // Nothing is left of it.
    assert_eq!(a.call(ask(&b, hello)).await?, "hello");
    assert_eq!(b.call(ask(&a, hello)).await?, "hello");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cycle_of_three_names_its_members() -> Outcome {
    let [a, b, c] = probes().await;
    let begun = Instant::now();
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let to_a = a.clone();
    let closes = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let _ = sender.send(to_a.call(hello).await.unwrap_err());
                reply.send("refused".to_owned());
                Ok(())
            })
        })
    };
    assert_eq!(a.call(ask(&b, ask(&c, closes))).await?, "refused");
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(cycle(&receiver.await?), pids([&c, &a, &b]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_long_chain_is_no_cycle() -> Outcome {
    let servers: [ServerRef<Msg>; 200] = probes().await;
    let mut next: Box<dyn FnOnce(ReplyTo<String>) -> Msg + Send> = Box::new(hello);
    for server in servers[1..].iter().rev() {
        next = Box::new(ask(server, next));
    }
    assert_eq!(servers[0].call(next).await?, "hello");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_chain_built_from_its_end_is_no_cycle_until_it_is_closed() -> Outcome {
    let servers: [ServerRef<Msg>; 50] = probes().await;
    // The last one holds everybody up: nobody is answered.
    servers[49].cast(Msg::run(|_, _| {
        Box::pin(async {
            sleep(secs(500)).await;
            Ok(())
        })
    }))?;
    let mut calls = Vec::new();
    for at in (0..49).rev() {
        let mut call = Box::pin(servers[at].call_timeout(ask(&servers[at + 1], hello), secs(900)));
        assert!(poll_now(call.as_mut()).is_pending());
        quiet().await;
        calls.push(call);
    }
    for call in calls {
        assert_eq!(call.await?, "hello");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answered_call_waits_no_more_even_if_its_caller_has_not_run_yet() -> Outcome {
    // `a` answers `c` and goes on to call `b`, which waits for `c`: no cycle, for `c` has its answer.
    let [a, b, c] = probes().await;
    let reached = Arc::new(Notify::new());
    let (of_b, reached_a) = (b.clone(), Arc::clone(&reached));
    let answers_then_calls = move |reply: ReplyTo<String>| {
        Msg::run(move |probe, _| {
            Box::pin(async move {
                reached_a.notified().await;
                reply.send("early".to_owned());
                let outcome = of_b.call(hello).await;
                probe.log.note(shown(&outcome));
                Ok(())
            })
        })
    };
    let mut chain = pin!(b.call(ask(&c, ask(&a, answers_then_calls))));
    assert!(poll_now(chain.as_mut()).is_pending());
    quiet().await;
    reached.notify_one();
    assert_eq!(chain.await?, "early");
    quiet().await;
    let log = a.inspect(|probe: &Probe| probe.log.clone()).await?;
    assert_eq!(log.take(), [r#"Ok("hello")"#]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_closes_no_cycle() -> Outcome {
    let [a, b] = probes().await;
    let (of_a, of_b) = (a.clone(), b.clone());
    let gives_up = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let mut call = Box::pin(of_b.call(Msg::Keep));
                assert!(poll_now(call.as_mut()).is_pending());
                drop(call);
                reply.send("gave up".to_owned());
                sleep(secs(2)).await;
                Ok(())
            })
        })
    };
    assert_eq!(a.call(gives_up).await?, "gave up");
    // `a` is still in that handler, and waits for nobody.
    let asked = b.call(move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                reply.send(shown(&of_a.call(hello).await));
                Ok(())
            })
        })
    });
    assert_eq!(asked.await?, r#"Ok("hello")"#);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_outlives_its_handler_waits_for_nobody() -> Outcome {
    let [a, b] = probes().await;
    let of_b = b.clone();
    let (keep, kept) = tokio::sync::oneshot::channel();
    a.cast(Msg::act(move |_, _| {
        let mut call = Box::pin(async move { of_b.call(Msg::Keep).await });
        assert!(poll_now(call.as_mut()).is_pending());
        let _ = keep.send(call);
        Ok(())
    }))?;
    let call = kept.await?;
    quiet().await;
    // `b` calls `a`, which is free.
    assert_eq!(b.call(ask(&a, hello)).await?, "hello");
    drop(call);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_of_several_calls_at_once_closes_a_cycle() -> Outcome {
    let [a, b, c] = probes().await;
    let (of_b, of_c) = (b.clone(), c.clone());
    let back = ask(&a, hello);
    let both = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let (one, other) = tokio::join!(of_b.call(hello), of_c.call(back));
                reply.send(format!("{one:?} {}", other.unwrap_or_default()));
                Ok(())
            })
        })
    };
    let said = a.call(both).await?;
    assert!(said.starts_with(r#"Ok("hello") Deadlock"#), "{said}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_could_never_end_is_told_so() -> Outcome {
    let [a, b] = probes().await;
    let of_a = a.clone();
    let stops_caller = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let outcome = of_a.stop().await;
                assert!(matches!(outcome, Err(StopError::Deadlock { .. })));
                reply.send("refused".to_owned());
                Ok(())
            })
        })
    };
    assert_eq!(a.call(ask(&b, stops_caller)).await?, "refused");
    assert!(a.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_init_that_calls_the_one_who_starts_it_is_told_at_once() -> Outcome {
    let [a] = probes().await;
    let of_a = a.clone();
    let begun = Instant::now();
    let outcome = a
        .call(move |reply: ReplyTo<String>| {
            Msg::run(move |_, ctx| {
                let child = Probe::new(&Log::default()).on_init(move |_, _| {
                    Box::pin(async move {
                        of_a.call(hello).await?;
                        Ok(())
                    })
                });
                let start = ctx.start_link(child);
                Box::pin(async move {
                    reply.send(shown(&start.await.map(|_| ()).unwrap_err()));
                    Ok(())
                })
            })
        })
        .await?;
    assert!(outcome.contains("Deadlock"), "{outcome}");
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_task_is_no_part_of_a_cycle() -> Outcome {
    let [a] = probes().await;
    let of_a = a.clone();
    let task = a.call(move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                // A plain task calls back: it waits until the handler is done.
                let call = tokio::spawn(async move { of_a.call(hello).await });
                sleep(ms(1)).await;
                reply.send(shown(&call.is_finished()));
                Ok(())
            })
        })
    });
    assert_eq!(task.await?, "false");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_use_the_error() -> Outcome {
    let [a, b] = probes().await;
    let of_a = a.clone();
    let end = b.pid().unwrap().monitor();
    let fails = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let _reply = reply;
                of_a.call(hello).await?;
                Ok(())
            })
        })
    };
    let said = a.call(ask(&b, fails)).await?;
    assert!(said.starts_with("Exited("), "{said}");
    let reason: ExitReason = end.await;
    assert!(matches!(
        reason.downcast_ref::<CallError>(),
        Some(CallError::Deadlock { .. })
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_that_drops_the_reply_that_it_waits_for_is_told_at_once() -> Outcome {
    let [a, b] = probes().await;
    let begun = Instant::now();
    let forgets = move |reply: ReplyTo<String>| {
        drop(reply);
        Msg::Note("no reply in it")
    };
    assert_eq!(a.call(ask(&b, forgets)).await?, "NoReply");
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}
