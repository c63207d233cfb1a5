//! Calls: how long they wait, whom they may reach, and what is left of one that is given up.

use std::pin::pin;
use std::time::Duration;

use otp_core::{CallError, ExitReason, ReplyTo, ServerRef, inbox};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn a_call_returns_the_reply() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    assert_eq!(server.call(|reply| Msg::Echo(7, reply)).await?, 7);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_each_get_their_own_reply() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let mut callers = JoinSet::new();
    for caller in 0..8 {
        let server = server.clone();
        callers.spawn(async move {
            for number in 0..500 {
                let number = caller * 1_000 + number;
                assert_eq!(server.call(|reply| Msg::Echo(number, reply)).await?, number);
            }
            Ok::<(), CallError>(())
        });
    }
    while let Some(done) = callers.join_next().await {
        done??;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_server_is_not_told_of_a_timeout_and_works_on() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let slow = server.call_timeout(
        |reply| {
            Msg::run(|probe, _| {
                Box::pin(async move {
                    sleep(secs(60)).await;
                    probe.log.note("answers");
                    reply.send(1);
                    Ok(())
                })
            })
        },
        secs(1),
    );
    assert_eq!(shown(&slow.await), "Err(Timeout)");
    assert_eq!(log.take(), [""; 0]);
    assert_eq!(
        server
            .call_timeout(|reply| Msg::Echo(2, reply), secs(70))
            .await?,
        2
    );
    assert_eq!(log.take(), ["answers"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_to_an_ended_server_fails_at_once() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.stop().await?;
    log.take();
    let (begun, inside) = (Instant::now(), log.on_drop("message dropped"));
    let call = server.call(|reply: ReplyTo<()>| {
        Msg::act(move |_, _| {
            drop((inside, reply));
            Ok(())
        })
    });
    assert_eq!(shown(&call.await), "Err(NoProc)");
    assert_eq!(
        (log.take(), begun.elapsed()),
        (vec!["message dropped".to_owned()], Duration::ZERO)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_caller_of_a_killed_server_is_told_at_once() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::hang())?;
    let mut waiting = pin!(server.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(waiting.as_mut()).is_pending());
    quiet().await;
    let begun = Instant::now();
    server.pid().unwrap().kill();
    assert_eq!(shown(&waiting.await), "Err(Exited(Killed))");
    assert_eq!(begun.elapsed(), Duration::ZERO);
    assert_eq!(log.take(), ["hangs", "state dropped"]);
    Ok(())
}

/// All that a server may ask of itself, each refused.
async fn asks_itself(own: &ServerRef<Msg>) -> Vec<String> {
    vec![
        shown(&own.call(|reply| Msg::Echo(1, reply)).await),
        shown(
            &own.call_timeout(|reply| Msg::Echo(1, reply), Duration::MAX)
                .await,
        ),
        shown(&own.call_blocking(|reply| Msg::Echo(1, reply))),
        shown(&own.inspect(|_: &Probe| ()).await),
        shown(&own.suspend().await),
        shown(&own.stop().await),
        shown(&own.stop_with(ExitReason::Shutdown).await),
    ]
}

const REFUSED: [&str; 7] = [
    "Err(CallingSelf)",
    "Err(CallingSelf)",
    "Err(CallingSelf)",
    "Err(Call(CallingSelf))",
    "Err(CallingSelf)",
    "Err(CallingSelf)",
    "Err(CallingSelf)",
];

#[tokio::test(start_paused = true)]
async fn a_server_cannot_call_itself() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = Probe::new(&log)
        .on_init(|_, ctx| {
            Box::pin(async move {
                assert_eq!(asks_itself(&ctx.self_ref()).await, REFUSED);
                Ok(())
            })
        })
        .on_terminate(|probe, ctx| {
            Box::pin(async move {
                assert_eq!(asks_itself(&ctx.self_ref()).await, REFUSED);
                probe.log.note("asked in terminate");
                Ok(())
            })
        });
    let server = server.start().await?;
    let (by_clone, by_weak) = (server.clone(), server.downgrade());
    let done = server.call(|reply| {
        Msg::run(|_, ctx| {
            Box::pin(async move {
                assert_eq!(asks_itself(&ctx.self_ref()).await, REFUSED);
                assert_eq!(asks_itself(&by_clone).await, REFUSED);
                assert_eq!(asks_itself(&by_weak.upgrade().unwrap()).await, REFUSED);
                // Also after it has waited.
                sleep(ms(1)).await;
                assert_eq!(asks_itself(&by_clone).await, REFUSED);
                reply.send(());
                Ok(())
            })
        })
    });
    done.await?;
    assert!(begun.elapsed() < ms(10));
    server.stop().await?;
    assert_eq!(
        log.take(),
        ["terminate: normal", "asked in terminate", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_server_spawns_may_call_it() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::act(|_, ctx| {
        let own = ctx.self_ref();
        ctx.spawn_task(
            async move { own.call(|reply| Msg::Echo(1, reply)).await },
            |answer| {
                Msg::act(move |probe, _| {
                    probe.log.note(format!("its task: {answer:?}"));
                    Ok(())
                })
            },
        );
        Ok(())
    }))?;
    quiet().await;
    assert_eq!(log.take(), ["its task: Ok(Ok(1))"]);
    let done = server.call(|reply| {
        Msg::act(|_, ctx| {
            let own = ctx.self_ref();
            tokio::spawn(async move { reply.send(own.call(|reply| Msg::Echo(2, reply)).await) });
            Ok(())
        })
    });
    assert_eq!(done.await??, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_may_call_another() -> Outcome {
    let other = Probe::new(&Log::default()).start().await?;
    let server = Probe::new(&Log::default()).start().await?;
    let answer = server.call(|reply| {
        Msg::run(|_, _| {
            Box::pin(async move {
                reply.send(other.call(|reply| Msg::Echo(4, reply)).await);
                Ok(())
            })
        })
    });
    assert_eq!(answer.await??, 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_never_polled_sends_nothing() -> Outcome {
    let (address, mut inbox) = inbox::<Msg>();
    drop(address.call(|_: ReplyTo<u32>| unreachable!("nobody asked")));
    assert!(inbox.try_recv().is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_may_still_be_handled() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    {
        let inside = log.on_drop("reply dropped");
        let call = server.call(|reply| {
            Msg::act(move |probe, _| {
                probe.log.note("handled");
                reply.send(inside);
                Ok(())
            })
        });
        assert!(poll_now(pin!(call)).is_pending());
    }
    quiet().await;
    assert_eq!(log.take(), ["handled", "reply dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_after_its_reply_drops_it() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    {
        let inside = log.on_drop("reply dropped");
        let mut call = pin!(server.call(|reply| {
            Msg::act(move |_, _| {
                reply.send(inside);
                Ok(())
            })
        }));
        assert!(poll_now(call.as_mut()).is_pending());
        quiet().await;
        assert_eq!(log.take(), [""; 0]);
    }
    assert_eq!(log.take(), ["reply dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_may_move_to_another_task() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let asked = server.clone();
    let mut call = Box::pin(async move { asked.call(Msg::Keep).await });
    assert!(poll_now(call.as_mut()).is_pending());
    let elsewhere = tokio::spawn(call);
    quiet().await;
    server.cast(Msg::Answer(5))?;
    assert_eq!(elsewhere.await??, 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_making_of_a_request_is_the_callers() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let asked = server.clone();
    let panicked = tokio::spawn(async move { asked.call(|_: ReplyTo<()>| panic!("boom")).await });
    assert!(panicked.await.is_err_and(|error| error.is_panic()));
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_may_be_made_side_by_side() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let mut calls = JoinSet::new();
    for _ in 0..3 {
        let server = server.clone();
        calls.spawn(async move { server.call(Msg::Keep).await });
    }
    quiet().await;
    for number in [1, 2, 3] {
        server.cast(Msg::Answer(number))?;
        assert_eq!(calls.join_next().await.unwrap()??, number);
    }
    Ok(())
}
