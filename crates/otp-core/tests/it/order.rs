//! The end of a process: in which order things happen, and what a kill leaves out.

mod kill;

use std::net::TcpListener;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use otp_core::{CallError, Context, ExitReason, GenServer, ReplyTo, ServerRef, start};
use tokio::sync::Semaphore;

use crate::cancel::{ByHand, waker};
use crate::support::{Done, Log, Msg, Outcome, Probe, quiet};

/// A message that does nothing but to hold `value` until it is handled or dropped.
pub(crate) fn holding(value: impl Send + 'static) -> Msg {
    Msg::act(move |_, _| {
        drop(value);
        Ok(())
    })
}

/// A waker that writes down who was told what, and whether the server was still there.
///
/// It looks at the server from inside the wake, which would hang if that came under a lock.
fn told(log: &Log, server: &ServerRef<Msg>, who: &'static str) -> Waker {
    let (log, server) = (log.clone(), server.clone());
    waker(move || {
        let refused = server.cast(Msg::Note("never")).is_err();
        let gone = refused && !server.is_alive() && server.info().mailbox_len == 0;
        log.note(format!(
            "{who} told, {}",
            if gone { "gone" } else { "still there" }
        ));
    })
}

/// Lets a server end in the midst of its work, and returns all that happened.
async fn everything_at_the_end(
    outcome: impl FnOnce() -> Done + Send + 'static,
    end: impl FnOnce(&ServerRef<Msg>, &Semaphore),
) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(1).await?;
    let gate = Arc::new(Semaphore::new(0));
    let (opens, in_timer) = (Arc::clone(&gate), log.on_drop("timer dropped"));
    let in_hand = move |reply: ReplyTo<u32>| {
        Msg::run(move |probe, ctx| {
            Box::pin(async move {
                ctx.send_after(Duration::from_secs(9), holding(in_timer));
                let _unanswered = reply;
                let _local = probe.log.on_drop("handler dropped");
                opens.acquire().await?.forget();
                outcome()
            })
        })
    };
    let told = |who| told(&log, &server, who);
    let mut in_hand = ByHand::woken(server.call(in_hand), told("caller in hand"));
    assert!(in_hand.poll().is_pending());
    quiet().await;

    let in_message = log.on_drop("message dropped");
    let queued = |reply: ReplyTo<u32>| {
        Msg::act(move |_, _| {
            drop((in_message, reply));
            Ok(())
        })
    };
    let mut queued = ByHand::woken(server.call(queued), told("queued caller"));
    let waits = server.cast_wait(Msg::Note("waits for room"));
    let mut waits = ByHand::woken(waits, told("waiting sender"));
    let mut monitor = ByHand::woken(server.pid().unwrap().monitor(), told("monitor"));
    let mut stop = ByHand::woken(server.stop_with(ExitReason::Shutdown), told("stopper"));
    let polls = [
        queued.poll().is_pending(),
        waits.poll().is_pending(),
        monitor.poll().is_pending(),
    ];
    assert!(polls == [true; 3] && stop.poll().is_pending());
    assert_eq!(log.take(), [""; 0]);

    end(&server, &gate);
    quiet().await;
    assert!(in_hand.poll().is_ready() && queued.poll().is_ready() && waits.poll().is_ready());
    assert!(monitor.poll().is_ready() && stop.poll().is_ready());
    assert_eq!(server.info().dropped, 1);
    Ok(log.take())
}

const EVERYBODY_TOLD: [&str; 7] = [
    "state dropped",
    "caller in hand told, gone",
    "message dropped",
    "queued caller told, gone",
    "waiting sender told, gone",
    "monitor told, gone",
    "stopper told, gone",
];

#[tokio::test(start_paused = true)]
async fn an_orderly_end_keeps_its_order() -> Outcome {
    let fails = || Err(ExitReason::boxed("no more"));
    let lines = everything_at_the_end(fails, |_, gate| gate.add_permits(1)).await?;
    assert_eq!(
        lines[..3],
        ["handler dropped", "timer dropped", "terminate: no more"]
    );
    assert_eq!(lines[3..], EVERYBODY_TOLD);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_keeps_the_order_of_an_orderly_end() -> Outcome {
    let lines = everything_at_the_end(|| panic!("boom"), |_, gate| gate.add_permits(1)).await?;
    assert_eq!(lines[..2], ["handler dropped", "timer dropped"]);
    assert!(lines[2].starts_with("terminate: panicked"), "{lines:?}");
    assert_eq!(lines[3..], EVERYBODY_TOLD);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_keeps_the_order_and_leaves_terminate_out() -> Outcome {
    let kill = |server: &ServerRef<Msg>, _: &Semaphore| server.pid().unwrap().kill();
    let lines = everything_at_the_end(|| Ok(()), kill).await?;
    assert_eq!(lines[..2], ["handler dropped", "timer dropped"]);
    assert_eq!(lines[2..], EVERYBODY_TOLD);
    Ok(())
}

/// Holds a port, and the calls to it.
struct Listening {
    _port: TcpListener,
    calls: Vec<ReplyTo<()>>,
}

impl GenServer for Listening {
    type Msg = ReplyTo<()>;

    async fn handle(&mut self, reply: ReplyTo<()>, _: &mut Context<ReplyTo<()>>) -> Done {
        self.calls.push(reply);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_port_of_the_state_is_free_when_anybody_hears_of_the_end() -> Outcome {
    for killed in [true, false] {
        let port = TcpListener::bind("127.0.0.1:0")?;
        let address = port.local_addr()?;
        let server = start(Listening {
            _port: port,
            calls: Vec::new(),
        })
        .await?;
        assert!(TcpListener::bind(address).is_err());
        let log = Log::default();
        let binds = |who: &'static str| {
            let log = log.clone();
            waker(move || log.note(format!("{who}: {}", TcpListener::bind(address).is_ok())))
        };
        let mut call = ByHand::woken(server.call(|reply| reply), binds("call"));
        let mut monitor = ByHand::woken(server.pid().unwrap().monitor(), binds("monitor"));
        let mut stop = ByHand::woken(server.stop(), binds("stop"));
        assert!(
            call.poll().is_pending() && monitor.poll().is_pending() && stop.poll().is_pending()
        );
        if killed {
            server.pid().unwrap().kill();
        }
        quiet().await;
        assert_eq!(log.take(), ["call: true", "monitor: true", "stop: true"]);
        assert_eq!(
            matches!(monitor.poll(), Poll::Ready(ExitReason::Killed)),
            killed
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_swapped_out_is_dropped_in_order_and_counted() -> Outcome {
    for killed in [true, false] {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let gate = Arc::new(Semaphore::new(0));
        for number in 0..10 {
            let (gate, gone) = (Arc::clone(&gate), log.on_drop(format!("{number} dropped")));
            server.cast(Msg::run(move |probe, _| {
                Box::pin(async move {
                    let _gone = gone;
                    probe.log.note(format!("{number} begun"));
                    gate.acquire().await?.forget();
                    if number < 3 {
                        Ok(())
                    } else {
                        Err(ExitReason::Shutdown)
                    }
                })
            }))?;
        }
        gate.add_permits(3);
        quiet().await;
        assert_eq!(log.take().len(), 7, "the fourth is in hand");
        let end = server.pid().unwrap().monitor();
        for number in 10..12 {
            let gone = log.on_drop(format!("{number} dropped"));
            server.cast(holding(gone))?;
        }
        assert_eq!((server.info().handled, server.info().mailbox_len), (4, 8));
        if killed {
            server.pid().unwrap().kill();
        } else {
            gate.add_permits(1);
        }
        end.await;
        let lines = log.take();
        let expected: Vec<_> = (4..12).map(|number| format!("{number} dropped")).collect();
        assert_eq!(lines[0], "3 dropped");
        assert_eq!(lines[lines.len() - 8..], expected);
        assert_eq!((server.info().handled, server.info().dropped), (4, 8));
        assert_eq!(server.info().mailbox_len, 0);
    }
    Ok(())
}

/// Sends to its own server when it is dropped.
struct Clings(ServerRef<Msg>);

impl Drop for Clings {
    fn drop(&mut self) {
        let _ = self.0.cast(Msg::Note("from a drop"));
        let _ = self.0.info();
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_at_the_end_may_use_the_server_meanwhile() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(3).await?;
    let (in_timer, in_local) = (Clings(server.clone()), Clings(server.clone()));
    let (in_queue, in_line) = (Clings(server.clone()), Clings(server.clone()));
    server.cast(Msg::run(move |_, ctx| {
        Box::pin(async move {
            let _local = in_local;
            ctx.send_after(Duration::from_secs(9), holding(in_timer));
            std::future::pending().await
        })
    }))?;
    quiet().await;
    server.cast(holding(in_queue))?;
    (0..2).try_for_each(|_| server.cast(Msg::Note("never")))?;
    let mut waits = ByHand::new(server.cast_wait(holding(in_line)));
    assert!(waits.poll().is_pending());
    let end = server.pid().unwrap().monitor();
    server.pid().unwrap().kill();
    assert!(matches!(end.await, ExitReason::Killed));
    assert!(matches!(waits.poll(), Poll::Ready(Err(_))));
    assert!(server.info().dropped >= 3);
    Ok(())
}

/// A waker that panics.
struct Broken;

impl std::task::Wake for Broken {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[tokio::test(start_paused = true)]
async fn wakers_that_panic_keep_nobody_from_being_told_of_the_end() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    let broken = Waker::from(Arc::new(Broken));
    let mut cx = std::task::Context::from_waker(&broken);
    let mut calls = [
        Box::pin(server.call(Msg::Keep)),
        Box::pin(server.call(Msg::Keep)),
    ];
    for call in &mut calls {
        assert!(call.as_mut().poll(&mut cx).is_pending());
    }
    let call = tokio::spawn({
        let server = server.clone();
        async move { server.call(Msg::Keep).await }
    });
    let mut first = std::pin::pin!(pid.monitor());
    assert!(first.as_mut().poll(&mut cx).is_pending());
    quiet().await;
    server.stop().await?;
    assert!(matches!(
        call.await?,
        Err(CallError::Exited(ExitReason::Normal))
    ));
    for call in calls {
        assert!(matches!(
            call.await,
            Err(CallError::Exited(ExitReason::Normal))
        ));
    }
    assert!(first.await.is_normal());
    Ok(())
}
