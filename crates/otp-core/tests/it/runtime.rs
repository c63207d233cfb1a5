//! Runtimes that go away under their servers, and callers that live elsewhere.

use std::future::pending;
use std::task::Poll;
use std::time::Duration;

use otp_core::{CallError, CastError, ExitReason, ReplyTo, ServerRef, StartError, start};
use tokio::runtime::{Builder, Runtime};

use crate::cancel::ByHand;
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe};

/// The ways in which a runtime goes away.
const WAYS: [fn(Runtime); 3] = [drop, Runtime::shutdown_background, |runtime| {
    runtime.shutdown_timeout(Duration::from_secs(9));
}];

fn single() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_time();
    builder
}

fn multi() -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_time();
    builder
}

/// Waits in a runtime of its own. What is waited for comes at once, or as soon as the other runtime's threads are gone.
fn elsewhere<T>(future: impl Future<Output = T>) -> Result<T, Box<dyn std::error::Error>> {
    let limited = async { tokio::time::timeout(Duration::from_secs(60), future).await };
    Ok(single().build()?.block_on(limited)?)
}

/// Runs `test` with each kind of runtime and each way in which it goes away.
fn in_every_way(test: impl Fn(Runtime, fn(Runtime)) -> Outcome) -> Outcome {
    for way in WAYS {
        test(single().build()?, way)?;
        test(multi().build()?, way)?;
    }
    Ok(())
}

#[test]
fn an_idle_server_is_killed_with_its_runtime() -> Outcome {
    in_every_way(|runtime, goes_away| {
        let log = Log::default();
        let server = runtime.block_on(Probe::new(&log).start())?;
        let pid = server.pid().unwrap();
        let end = pid.monitor();
        goes_away(runtime);
        assert!(matches!(elsewhere(end)?, ExitReason::Killed));
        assert_eq!(log.take(), ["state dropped"]);
        assert!(!server.is_alive() && !pid.is_alive());
        assert!(matches!(
            server.cast(Msg::Note("back")),
            Err(CastError::NoProc(Msg::Note("back")))
        ));
        assert!(matches!(elsewhere(pid.monitor())?, ExitReason::NoProc));
        pid.kill();
        Ok(())
    })
}

/// A call to `server` from a thread and a runtime of its own.
fn call_from_another_runtime(
    server: &ServerRef<Msg>,
    request: impl FnOnce(ReplyTo<u32>) -> Msg + Send + 'static,
) -> std::thread::JoinHandle<Result<Result<u32, CallError>, std::io::Error>> {
    let server = server.clone();
    std::thread::spawn(move || {
        Ok(single()
            .build()?
            .block_on(server.call_timeout(request, Duration::MAX)))
    })
}

#[test]
fn everybody_who_waits_for_a_busy_server_is_told() -> Outcome {
    in_every_way(|runtime, goes_away| {
        let log = Log::default();
        let server = runtime.block_on(Probe::new(&log).start_bounded(2))?;
        let (begun, has_begun) = std::sync::mpsc::channel();
        let in_hand = call_from_another_runtime(&server, move |reply| {
            Msg::run(move |probe, ctx| {
                Box::pin(async move {
                    let (_local, _reply) = (probe.log.on_drop("handler dropped"), reply);
                    ctx.send_after(Duration::from_secs(99), Msg::Note("never"));
                    ctx.spawn_task(pending::<u32>(), |_| Msg::Note("never"));
                    let _ = begun.send(());
                    pending().await
                })
            })
        });
        // A runtime of one thread works only while somebody waits in it.
        runtime.block_on(async {
            while has_begun.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
        });
        let gone = log.on_drop("message dropped");
        server.cast(holding(gone))?;
        let mut queued = ByHand::new(server.call(|reply| Msg::Echo(1, reply)));
        let mut waiting = ByHand::new(server.cast_wait(Msg::Note("waits")));
        let mut stop = ByHand::new(server.stop());
        let mut suspend = ByHand::new(server.suspend());
        let mut inspect = ByHand::new(server.inspect(|_: &Probe| ()));
        assert!(
            queued.poll().is_pending() && waiting.poll().is_pending() && stop.poll().is_pending()
        );
        assert!(suspend.poll().is_pending() && inspect.poll().is_pending());
        // The last to be told.
        let end = server.pid().unwrap().monitor();

        goes_away(runtime);
        assert!(matches!(elsewhere(end)?, ExitReason::Killed));
        let told = in_hand.join().map_err(|_| "the caller panicked")??;
        assert!(
            matches!(told, Err(CallError::Exited(ExitReason::Killed))),
            "{told:?}"
        );
        let told = queued.poll();
        assert!(
            matches!(
                told,
                Poll::Ready(Err(CallError::Exited(ExitReason::Killed)))
            ),
            "{told:?}"
        );
        assert!(matches!(
            waiting.poll(),
            Poll::Ready(Err(CastError::NoProc(Msg::Note("waits"))))
        ));
        assert!(stop.poll().is_ready() && suspend.poll().is_ready() && inspect.poll().is_ready());
        assert_eq!(
            log.take(),
            ["handler dropped", "state dropped", "message dropped"]
        );
        assert_eq!((server.info().handled, server.info().dropped), (1, 2));
        Ok(())
    })
}

#[test]
fn a_terminate_that_waits_goes_with_the_runtime() -> Outcome {
    in_every_way(|runtime, goes_away| {
        let log = Log::default();
        let probe = Probe::new(&log).on_terminate(|_, _| Box::pin(pending()));
        let server = runtime.block_on(probe.start())?;
        let end = server.pid().unwrap().monitor();
        server.cast(Msg::end(ExitReason::Shutdown))?;
        runtime.block_on(async {
            while !log.has("terminate: shutdown") {
                tokio::task::yield_now().await;
            }
        });
        goes_away(runtime);
        assert!(matches!(elsewhere(end)?, ExitReason::Killed));
        assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
        Ok(())
    })
}

#[test]
fn a_start_that_waits_is_told_when_its_runtime_goes() -> Outcome {
    in_every_way(|runtime, goes_away| {
        let log = Log::default();
        let probe = Probe::new(&log).on_init(|_, _| Box::pin(pending()));
        let mut starting = Box::pin(probe.start());
        {
            let _inside = runtime.enter();
            assert!(ByHand::new(starting.as_mut()).poll().is_pending());
        }
        goes_away(runtime);
        let started = elsewhere(starting)?;
        assert!(
            matches!(started, Err(StartError::Failed(ExitReason::Killed))),
            "{started:?}"
        );
        assert_eq!(log.take(), ["state dropped"]);
        Ok(())
    })
}

#[test]
fn a_start_in_a_runtime_that_is_gone_fails() -> Outcome {
    in_every_way(|runtime, goes_away| {
        let log = Log::default();
        let gone = runtime.handle().clone();
        goes_away(runtime);
        let mut starting = Box::pin(Probe::new(&log).start());
        let begun = {
            let _inside = gone.enter();
            ByHand::new(starting.as_mut()).poll()
        };
        let started = match begun {
            Poll::Ready(started) => started,
            Poll::Pending => elsewhere(starting)?,
        };
        assert!(started.is_err(), "{started:?}");
        assert_eq!(log.take(), ["state dropped"]);
        Ok(())
    })
}

#[test]
fn what_is_dropped_after_the_runtime_does_no_harm() -> Outcome {
    in_every_way(|runtime, goes_away| {
        let server = runtime.block_on(Probe::new(&Log::default()).start())?;
        let suspended = runtime.block_on(server.suspend())?;
        let (weak, recipient) = (server.downgrade(), server.recipient::<Msg>());
        let end = server.pid().unwrap().monitor();
        goes_away(runtime);
        elsewhere(end)?;
        drop((suspended, server));
        assert!(weak.upgrade().is_some_and(|server| !server.is_alive()));
        assert!(recipient.cast(Msg::Note("back")).is_err());
        drop(recipient);
        assert!(weak.upgrade().is_none());
        Ok(())
    })
}

#[test]
fn a_later_runtime_serves_as_the_first_did() -> Outcome {
    for _ in 0..3 {
        let runtime = single().start_paused(true).build()?;
        let server = runtime.block_on(start(Probe::new(&Log::default())))?;
        let timeout = runtime.block_on(server.call_timeout(Msg::Keep, Duration::from_millis(200)));
        assert!(matches!(timeout, Err(CallError::Timeout)));
        assert_eq!(
            runtime.block_on(server.call(|reply| Msg::Echo(3, reply)))?,
            3
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_task_is_aborted_leaves_the_server_unharmed() -> Outcome {
    let (server, mut requests) = otp_core::inbox::<ReplyTo<u32>>();
    let caller = tokio::spawn({
        let server = server.clone();
        async move { server.call(|reply| reply).await }
    });
    let mut reply = requests.recv().await.ok_or("no request")?;
    caller.abort();
    reply.closed().await;
    assert!(caller.await.is_err_and(|error| error.is_cancelled()));
    reply.send(1);
    let (answer, ()) = tokio::join!(server.call(|reply| reply), async {
        requests.recv().await.unwrap().send(2);
    });
    assert_eq!(answer?, 2);
    Ok(())
}
