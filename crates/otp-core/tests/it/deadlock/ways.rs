//! The ways in which a cycle of calls is closed: each is told at once.

use std::pin::pin;
use std::sync::Arc;

use otp_core::{CallError, ReplyTo, ServerRef};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::{ask, cycle, hello, pids, probes};
use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

/// A request whose handler does `work` with the address of the one who waits for it, and answers with the outcome.
fn does<F>(
    whom: &ServerRef<Msg>,
    work: impl FnOnce(ServerRef<Msg>) -> F + Send + 'static,
) -> impl FnOnce(ReplyTo<String>) -> Msg + Send + 'static
where
    F: Future<Output = String> + Send + 'static,
{
    let whom = whom.clone();
    move |reply| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                reply.send(work(whom).await);
                Ok(())
            })
        })
    }
}

/// `a` asks `b` to do `work` with `a`, and the outcome comes without any time passing.
async fn closed_by<F>(work: impl FnOnce(ServerRef<Msg>) -> F + Send + 'static) -> String
where
    F: Future<Output = String> + Send + 'static,
{
    let [a, b] = probes().await;
    let begun = Instant::now();
    let said = a.call(ask(&b, does(&a, work))).await.unwrap();
    assert_eq!(begun.elapsed(), ms(0), "{said}");
    // Both are free again.
    assert_eq!(a.call(ask(&b, hello)).await.unwrap(), "hello");
    assert_eq!(b.call(ask(&a, hello)).await.unwrap(), "hello");
    said
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_waiting_is_told() -> Outcome {
    let said = [
        closed_by(async |a| shown(&a.call(hello).await)).await,
        closed_by(async |a| shown(&a.call_timeout(hello, ms(20)).await)).await,
        closed_by(async |a| shown(&a.call_timeout(hello, std::time::Duration::MAX).await)).await,
        closed_by(async |a| shown(&a.call_blocking(hello))).await,
        closed_by(async |a| shown(&a.stop().await)).await,
        closed_by(async |a| shown(&a.suspend().await.map(drop))).await,
        closed_by(async |a| shown(&a.inspect(|_: &Probe| ()).await)).await,
    ];
    for said in said {
        assert!(said.contains("Deadlock"), "{said}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_select_and_a_join_close_it_as_well() -> Outcome {
    let selects = closed_by(async |a| {
        tokio::select! {
            biased;
            outcome = a.call(hello) => shown(&outcome),
            () = tokio::time::sleep(secs(1)) => "slept".to_owned(),
        }
    });
    assert!(selects.await.contains("Deadlock"));
    let joins = closed_by(async |a| {
        let (one, other) = tokio::join!(a.call(hello), a.call(hello));
        shown(&[one, other].map(|outcome| outcome.unwrap_err().to_string()))
    });
    assert_eq!(joins.await.matches("in a circle").count(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_moved_to_a_task_is_still_its_first_pollers() -> Outcome {
    let [a, b] = probes().await;
    let (of_b, begun, gate) = (b.clone(), Instant::now(), Arc::new(Notify::new()));
    let opens = Arc::clone(&gate);
    let back = does(&a, move |a| async move {
        opens.notified().await;
        shown(&a.call(hello).await)
    });
    let moves = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let mut call = Box::pin(async move { of_b.call(back).await });
                assert!(poll_now(call.as_mut()).is_pending());
                let task = tokio::spawn(call);
                tokio::task::yield_now().await;
                gate.notify_one();
                reply.send(task.await??);
                Ok(())
            })
        })
    };
    let said = a.call(moves).await?;
    assert!(said.contains("Deadlock"), "{said}");
    assert_eq!(begun.elapsed(), ms(0));
    // The drop of it, in the task, took the wait along.
    assert_eq!(b.call(ask(&a, hello)).await?, "hello");
    Ok(())
}

/// A bounded server with a full mailbox, whose handler waits for `gate` and then calls `of`; what comes of that is
/// sent where the receiver is.
async fn full(
    of: &ServerRef<Msg>,
    gate: &Arc<Notify>,
) -> (ServerRef<Msg>, oneshot::Receiver<Result<String, CallError>>) {
    let full = Probe::new(&Log::default()).start_bounded(1).await.unwrap();
    let (tell, told) = oneshot::channel();
    let (of, gate) = (of.clone(), Arc::clone(gate));
    full.cast(Msg::run(move |_, _| {
        Box::pin(async move {
            gate.notified().await;
            let _ = tell.send(of.call_timeout(hello, secs(100)).await);
            Ok(())
        })
    }))
    .unwrap();
    quiet().await;
    full.cast(Msg::Note("takes the place")).unwrap();
    (full, told)
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_closes_it_too() -> Outcome {
    // The one with the full mailbox waits first.
    let ([a], gate) = (probes().await, Arc::new(Notify::new()));
    let (full_one, told) = full(&a, &gate).await;
    let (of_full, opens, begun) = (full_one.clone(), Arc::clone(&gate), Instant::now());
    let asks = a.call(move |reply: ReplyTo<Vec<_>>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                opens.notify_one();
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                reply.send(cycle(&of_full.call(hello).await.unwrap_err()));
                Ok(())
            })
        })
    });
    assert_eq!(asks.await?, pids([&a, &full_one]));
    assert!(matches!(told.await?, Ok(said) if said == "hello"));
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_who_waits_for_room_is_part_of_it() -> Outcome {
    // The one who wants to send waits first.
    let ([a], gate) = (probes().await, Arc::new(Notify::new()));
    let (full_one, told) = full(&a, &gate).await;
    let begun = Instant::now();
    let mut asks = pin!(a.call(ask(&full_one, hello)));
    assert!(poll_now(asks.as_mut()).is_pending());
    tokio::task::yield_now().await;
    gate.notify_one();
    let error = told.await?.err().ok_or("no deadlock")?;
    assert_eq!(cycle(&error), pids([&full_one, &a]));
    assert_eq!(asks.await?, "hello");
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_terminate_that_calls_the_one_who_stops_it_is_told() -> Outcome {
    let ([a], log) = (probes().await, Log::default());
    let (of_a, begun) = (a.clone(), Instant::now());
    let stopped = Probe::new(&log).on_terminate(move |probe, _| {
        Box::pin(async move {
            let outcome = of_a.call(hello).await;
            probe.log.note(shown(&outcome));
            Ok(())
        })
    });
    let stopped = stopped.start().await?;
    let stops = move |reply: ReplyTo<bool>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                reply.send(stopped.stop().await.is_ok());
                Ok(())
            })
        })
    };
    assert!(a.call(stops).await?);
    assert!(log.take()[1].contains("Deadlock"));
    assert_eq!(begun.elapsed(), ms(0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_many_calls_only_the_one_in_the_cycle_fails() -> Outcome {
    let servers: [ServerRef<Msg>; 10] = probes().await;
    let back = ask(&servers[0], hello);
    let others = servers[1..].to_vec();
    let asks = servers[0].call(move |reply: ReplyTo<Vec<String>>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let mut back = Some(back);
                let mut calls = tokio::task::JoinSet::new();
                let mut own = Vec::new();
                for (at, server) in others.iter().enumerate() {
                    let request: Box<dyn FnOnce(ReplyTo<String>) -> Msg + Send> = match at {
                        4 => Box::new(back.take().unwrap()),
                        _ => Box::new(hello),
                    };
                    own.push(Box::pin(server.call(request)));
                }
                calls.spawn(async {});
                let mut said = Vec::new();
                for call in &mut own {
                    // All are in flight from before the first is waited for.
                    let _ = poll_now(call.as_mut());
                }
                for call in own {
                    said.push(call.await.unwrap_or_else(|error| shown(&error)));
                }
                reply.send(said);
                Ok(())
            })
        })
    });
    let said = asks.await?;
    assert!(said[4].contains("Deadlock"), "{said:?}");
    assert_eq!(said.iter().filter(|said| *said == "hello").count(), 8);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_cycles_through_one_server_are_each_told() -> Outcome {
    let [a, b, c] = probes().await;
    let (of_b, of_c) = (b.clone(), c.clone());
    let (by_b, by_c) = (ask(&a, hello), ask(&a, hello));
    let both = move |reply: ReplyTo<String>| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let (one, other) = tokio::join!(of_b.call(by_b), of_c.call(by_c));
                reply.send(shown(&[one, other]));
                Ok(())
            })
        })
    };
    let said = a.call(both).await?;
    assert_eq!(said.matches("Deadlock").count(), 2, "{said}");
    Ok(())
}
