//! Time-outs of calls between runtimes: the clock is that of the server's runtime.

use std::pin::pin;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use otp_core::{CallError, ServerRef, inbox};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::support::{Log, Msg, Outcome, Probe, block_on, ms, poll_now, secs, shown};

/// Short enough for a real clock, long enough to go by the log.
const SHORT: Duration = ms(120);

fn many_threads() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// A server whose runtime, of one thread, is driven until the sender is dropped.
fn elsewhere(runtime: Runtime) -> (ServerRef<Msg>, oneshot::Sender<()>, JoinHandle<Duration>) {
    let (end, ended) = oneshot::channel::<()>();
    let server = runtime
        .block_on(Probe::new(&Log::default()).start())
        .unwrap();
    let driven = thread::spawn(move || {
        runtime.block_on(async {
            let begun = tokio::time::Instant::now();
            assert!(ended.await.is_err());
            begun.elapsed()
        })
    });
    (server, end, driven)
}

/// A call that nobody answers, by the machine's clock.
async fn times_out(server: &ServerRef<Msg>) {
    let begun = Instant::now();
    assert_eq!(
        shown(&server.call_timeout(Msg::Keep, SHORT).await),
        "Err(Timeout)"
    );
    assert!(begun.elapsed() >= SHORT, "{:?}", begun.elapsed());
}

async fn answers(server: &ServerRef<Msg>) {
    assert_eq!(
        shown(&server.call(|reply| Msg::Echo(1, reply)).await),
        "Ok(1)"
    );
}

#[test]
fn calls_time_out_in_every_kind_of_runtime() -> Outcome {
    for runtime in [many_threads(), one_thread()] {
        runtime.block_on(async {
            let server = Probe::new(&Log::default()).start().await?;
            times_out(&server).await;
            answers(&server).await;
            Ok::<(), otp_core::StartError>(())
        })?;
    }
    Ok(())
}

#[test]
fn calls_time_out_in_one_runtime_after_the_other() -> Outcome {
    for runtime in [many_threads(), one_thread(), many_threads(), one_thread()] {
        runtime.block_on(async {
            let server = Probe::new(&Log::default()).start().await?;
            let asked = server.clone();
            // In flight when the runtime goes, along with the ticker that watches over it.
            tokio::spawn(async move { asked.call(Msg::Keep).await });
            times_out(&server).await;
            Ok::<(), otp_core::StartError>(())
        })?;
    }
    Ok(())
}

#[test]
fn calls_time_out_in_runtimes_side_by_side() -> Outcome {
    let (one, other) = (many_threads(), many_threads());
    let of_one = one.block_on(Probe::new(&Log::default()).start())?;
    let of_other = other.block_on(Probe::new(&Log::default()).start())?;
    let mut waiting = Vec::new();
    for (runtime, server) in [
        (&one, &of_one),
        (&one, &of_other),
        (&other, &of_one),
        (&other, &of_other),
    ] {
        let server = server.clone();
        waiting.push(runtime.spawn(async move {
            times_out(&server).await;
            answers(&server).await;
        }));
    }
    for waiting in waiting {
        block_on(waiting)?;
    }
    Ok(())
}

#[test]
fn a_call_from_outside_any_runtime_times_out() -> Outcome {
    let runtime = many_threads();
    let server = runtime.block_on(Probe::new(&Log::default()).start())?;
    block_on(times_out(&server));
    block_on(answers(&server));
    Ok(())
}

#[test]
fn callers_are_told_when_the_servers_runtime_is_dropped() -> Outcome {
    let (callers, servers) = (many_threads(), many_threads());
    let server = servers.block_on(Probe::new(&Log::default()).start())?;
    let timeouts = [secs(60), secs(61), Duration::MAX]
        .into_iter()
        .cycle()
        .take(30);
    let waiting: Vec<_> = timeouts
        .map(|timeout| {
            let server = server.clone();
            let mut call = Box::pin(async move { server.call_timeout(Msg::Keep, timeout).await });
            assert!(poll_now(call.as_mut()).is_pending());
            callers.spawn(call)
        })
        .collect();
    drop(servers);
    for waiting in waiting {
        assert_eq!(shown(&block_on(waiting)?), "Err(Exited(Killed))");
    }
    // The one left over is as good as before, and so is a new one.
    for runtime in [callers, many_threads()] {
        assert_eq!(
            shown(&runtime.block_on(server.call(Msg::Keep))),
            "Err(NoProc)"
        );
        let server = runtime.block_on(Probe::new(&Log::default()).start())?;
        runtime.block_on(times_out(&server));
    }
    Ok(())
}

#[test]
fn a_call_outlives_the_runtime_it_was_made_in() -> Outcome {
    let servers = many_threads();
    let server = servers.block_on(Probe::new(&Log::default()).start())?;
    let begun = Instant::now();
    let mut call = pin!(server.call_timeout(Msg::Keep, SHORT));
    let callers = one_thread();
    {
        let _inside = callers.enter();
        assert!(poll_now(call.as_mut()).is_pending());
    }
    drop(callers);
    assert_eq!(shown(&block_on(call)), "Err(Timeout)");
    assert!(begun.elapsed() >= SHORT);
    Ok(())
}

#[test]
fn a_call_to_a_paused_runtime_goes_by_its_clock() -> Outcome {
    let (server, end, driven) = elsewhere(paused());
    // Nobody else moves that clock: it goes as far as the time-outs need.
    assert_eq!(shown(&block_on(server.call(Msg::Keep))), "Err(Timeout)");
    let hour = secs(3_600);
    assert_eq!(
        shown(&block_on(server.call_timeout(Msg::Keep, hour))),
        "Err(Timeout)"
    );
    let callers = many_threads();
    assert_eq!(
        shown(&callers.block_on(server.call_timeout(Msg::Keep, hour))),
        "Err(Timeout)"
    );
    drop(end);
    let passed = driven.join().map_err(|_| "the runtime's thread panicked")?;
    assert!(
        passed >= hour * 2 + secs(5) && passed <= hour * 2 + secs(6),
        "{passed:?}"
    );
    Ok(())
}

#[test]
fn a_call_from_a_paused_runtime_goes_by_the_clock_of_the_server() -> Outcome {
    let servers = many_threads();
    let server = servers.block_on(Probe::new(&Log::default()).start())?;
    let callers = paused();
    callers.block_on(async {
        let begun = tokio::time::Instant::now();
        // An hour here is nothing there.
        let asked = server.clone();
        let waiting = tokio::spawn(async move { times_out(&asked).await });
        tokio::task::yield_now().await;
        tokio::time::advance(secs(3_600)).await;
        waiting.await?;
        answers(&server).await;
        assert!(begun.elapsed() >= secs(3_600));
        Ok(())
    })
}

#[test]
fn two_paused_runtimes_have_a_clock_each() -> Outcome {
    let (one, other) = (paused(), paused());
    let of_one = one.block_on(Probe::new(&Log::default()).start())?;
    let of_other = other.block_on(Probe::new(&Log::default()).start())?;
    let mut to_one = pin!(of_one.call(Msg::Keep));
    let mut to_other = pin!(of_other.call(Msg::Keep));
    assert!(poll_now(to_one.as_mut()).is_pending());
    assert!(poll_now(to_other.as_mut()).is_pending());
    one.block_on(async { tokio::time::sleep(secs(6)).await });
    assert_eq!(shown(&poll_now(to_one)), "Ready(Err(Timeout))");
    other.block_on(async { tokio::time::sleep(secs(4)).await });
    assert!(poll_now(to_other.as_mut()).is_pending());
    other.block_on(async { tokio::time::sleep(secs(2)).await });
    assert_eq!(shown(&poll_now(to_other)), "Ready(Err(Timeout))");
    Ok(())
}

#[test]
fn a_call_to_an_inbox_goes_by_the_callers_clock_wherever_the_inbox_was_made() -> Outcome {
    let (maker, callers) = (paused(), paused());
    let (address, mut inbox) = maker.block_on(async { inbox::<Msg>() });
    let mut call = pin!(address.call(Msg::Keep));
    {
        let _inside = callers.enter();
        assert!(poll_now(call.as_mut()).is_pending());
    }
    maker.block_on(async { tokio::time::sleep(secs(3_600)).await });
    callers.block_on(async { tokio::time::sleep(ms(4_990)).await });
    assert!(poll_now(call.as_mut()).is_pending());
    callers.block_on(async { tokio::time::sleep(ms(30)).await });
    assert_eq!(shown(&poll_now(call)), "Ready(Err(Timeout))");
    assert!(inbox.try_recv().is_some());
    Ok(())
}

#[test]
fn every_caller_of_an_inbox_has_a_time_out_in_its_own_runtime() -> Outcome {
    let (address, _inbox) = inbox::<Msg>();
    for callers in [paused(), paused()] {
        let passed = callers.block_on(async {
            let begun = tokio::time::Instant::now();
            assert_eq!(shown(&address.call(Msg::Keep).await), "Err(Timeout)");
            begun.elapsed()
        });
        assert!(
            passed >= secs(5) && passed <= secs(5) + ms(20),
            "{passed:?}"
        );
    }
    Ok(())
}

#[test]
fn callers_of_an_inbox_have_a_clock_each() -> Outcome {
    let (address, _inbox) = inbox::<Msg>();
    let (one, other) = (paused(), paused());
    one.block_on(tokio::time::advance(secs(3_600)));
    let mut of_one = pin!(address.call(Msg::Keep));
    let mut of_other = pin!(address.call(Msg::Keep));
    for (runtime, call) in [(&one, &mut of_one), (&other, &mut of_other)] {
        let _inside = runtime.enter();
        assert!(poll_now(call.as_mut()).is_pending());
    }
    one.block_on(async { tokio::time::sleep(secs(6)).await });
    assert_eq!(shown(&poll_now(of_one)), "Ready(Err(Timeout))");
    assert_eq!(shown(&poll_now(of_other.as_mut())), "Pending");
    other.block_on(async { tokio::time::sleep(secs(6)).await });
    assert_eq!(shown(&poll_now(of_other)), "Ready(Err(Timeout))");
    Ok(())
}

#[test]
fn a_call_to_an_inbox_waits_without_limit_where_there_is_no_runtime() -> Outcome {
    let (address, mut inbox) = inbox::<Msg>();
    let mut call = pin!(address.call(Msg::Keep));
    assert!(poll_now(call.as_mut()).is_pending());
    let late = paused();
    assert!(
        late.block_on(async { tokio::time::timeout(secs(3_600), call.as_mut()).await })
            .is_err()
    );
    match inbox.try_recv() {
        Some(Msg::Keep(reply)) => reply.send(1),
        _ => return Err("no message".into()),
    }
    assert_eq!(block_on(call)?, 1);
    Ok(())
}

#[test]
fn a_call_to_an_inbox_whose_runtime_is_gone_does_not_hang() -> Outcome {
    let (address, _inbox) = one_thread().block_on(async { inbox::<Msg>() });
    let outcome = paused()
        .block_on(async { tokio::time::timeout(secs(3_600), address.call(Msg::Keep)).await });
    assert!(
        matches!(outcome, Ok(Err(CallError::Timeout | CallError::NoProc))),
        "{outcome:?}"
    );
    Ok(())
}

#[test]
fn a_call_in_flight_to_an_inbox_whose_runtime_goes_does_not_hang() -> Outcome {
    let (runtime, callers) = (one_thread(), paused());
    let (address, _inbox) = runtime.block_on(async { inbox::<Msg>() });
    let mut calls =
        [secs(5), ms(50)].map(|timeout| Box::pin(address.call_timeout(Msg::Keep, timeout)));
    let _inside = callers.enter();
    for call in &mut calls {
        assert!(poll_now(call.as_mut()).is_pending());
    }
    drop(runtime);
    for call in calls {
        let outcome = callers.block_on(async { tokio::time::timeout(secs(3_600), call).await });
        assert_eq!(shown(&outcome), "Ok(Err(Timeout))");
    }
    Ok(())
}

#[test]
fn a_call_waits_while_the_servers_runtime_stands_still() -> Outcome {
    let runtime = one_thread();
    let server = runtime.block_on(Probe::new(&Log::default()).start())?;
    let begun = Instant::now();
    let mut call = pin!(server.call_timeout(Msg::Keep, SHORT));
    assert!(poll_now(call.as_mut()).is_pending());
    // Another thread drives the runtime from now on.
    let (end, ended) = oneshot::channel::<()>();
    let driver = thread::spawn(move || runtime.block_on(ended).is_err());
    assert_eq!(shown(&block_on(call)), "Err(Timeout)");
    assert!(begun.elapsed() >= SHORT);
    drop(end);
    assert!(driver.join().is_ok_and(|ended| ended));
    Ok(())
}
