//! `call_blocking`: calls from threads outside any runtime.

use std::thread;
use std::time::{Duration, Instant};

use otp_core::{ReplyTo, ServerRef, inbox};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Log, Msg, Outcome, Probe, shown};

fn started() -> Result<(Runtime, ServerRef<Msg>), Box<dyn std::error::Error>> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()?;
    let server = runtime.block_on(Probe::new(&Log::default()).start())?;
    Ok((runtime, server))
}

#[test]
fn a_thread_may_call_and_wait() -> Outcome {
    let (_runtime, server) = started()?;
    assert_eq!(server.call_blocking(|reply| Msg::Echo(7, reply))?, 7);
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let server = server.clone();
            thread::spawn(move || server.call_blocking(|reply| Msg::Echo(number, reply)))
        })
        .collect();
    for (number, thread) in (0..).zip(threads) {
        assert_eq!(thread.join().map_err(|_| "panicked")??, number);
    }
    Ok(())
}

#[test]
fn a_thread_waits_until_the_answer_comes() -> Outcome {
    let (address, mut inbox) = inbox::<ReplyTo<u32>>();
    let answering = thread::spawn(move || match crate::support::block_on(inbox.recv()) {
        Some(reply) => reply.send(3),
        None => panic!("nobody asked"),
    });
    assert_eq!(address.call_blocking(|reply| reply)?, 3);
    answering.join().map_err(|_| "panicked")?;
    Ok(())
}

#[test]
fn a_blocking_call_to_an_ended_server_fails_at_once() -> Outcome {
    let (runtime, server) = started()?;
    runtime.block_on(server.stop())?;
    assert_eq!(shown(&server.call_blocking(Msg::Keep)), "Err(NoProc)");
    Ok(())
}

#[test]
fn a_blocking_call_is_told_of_the_end() -> Outcome {
    let (runtime, server) = started()?;
    let asked = server.clone();
    let waiting = thread::spawn(move || asked.call_blocking(Msg::Keep));
    // Its turn comes after that of the call, or before it; the thread is told either way.
    crate::support::block_on(server.stop())?;
    let told = shown(&waiting.join().map_err(|_| "panicked")?);
    assert!(
        ["Err(Exited(Normal))", "Err(NoProc)"].contains(&told.as_str()),
        "{told}"
    );
    assert_eq!(
        shown(
            &server
                .call_blocking(|_| Msg::Note("too late"))
                .map(|(): ()| ())
        ),
        "Err(NoProc)"
    );
    drop(runtime);
    Ok(())
}

#[test]
fn a_blocking_call_is_told_of_the_end_of_the_runtime() -> Outcome {
    let (runtime, server) = started()?;
    let (begun, has_begun) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        server.call_blocking(|reply: ReplyTo<u32>| {
            Msg::run(move |_, _| {
                Box::pin(async move {
                    let _reply = reply;
                    assert!(begun.send(()).is_ok());
                    std::future::pending().await
                })
            })
        })
    });
    has_begun.recv()?;
    drop(runtime);
    assert_eq!(
        shown(&waiting.join().map_err(|_| "panicked")?),
        "Err(Exited(Killed))"
    );
    Ok(())
}

#[test]
fn a_dropped_blocking_call_gets_no_reply() -> Outcome {
    let (_runtime, server) = started()?;
    let dropped = server.call_blocking(|reply: ReplyTo<u32>| {
        Msg::act(|_, _| {
            drop(reply);
            Ok(())
        })
    });
    assert_eq!(shown(&dropped), "Err(NoReply)");
    Ok(())
}

// The one test that has to wait for as long as it says.
#[test]
fn a_blocking_call_waits_for_five_seconds_of_the_machine() -> Outcome {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let server = runtime.block_on(Probe::new(&Log::default()).start())?;
    // That clock stands at an hour, and goes as it likes.
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let driver = thread::spawn(move || {
        runtime.block_on(async {
            tokio::time::advance(Duration::from_secs(3_600)).await;
            ended.await.is_err()
        })
    });
    let begun = Instant::now();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let timed_out = server.call_blocking(|mut reply: ReplyTo<u32>| {
        Msg::run(|_, _| {
            Box::pin(async move {
                reply.closed().await;
                assert!(closed.send(()).is_ok());
                Ok(())
            })
        })
    });
    assert_eq!(shown(&timed_out), "Err(Timeout)");
    assert!(begun.elapsed() >= Duration::from_secs(5));
    // The server can tell.
    is_closed.recv()?;
    drop(end);
    assert!(driver.join().is_ok_and(|ended| ended));
    Ok(())
}
