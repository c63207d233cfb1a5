//! Every future of the API, dropped after each of its polls: nothing is lost and nothing leaks.

mod by_hand;
mod start;
mod start_link;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use otp_core::{ExitReason, ReplyTo, ServerRef, inbox};

use crate::support::{Log, Msg, Outcome, Probe, quiet};

pub(crate) use by_hand::{ByHand, waker};

/// When a future is dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Drops {
    /// Right after its last poll.
    AtOnce,
    /// When all that could go on without it has gone on, and it was woken.
    Late,
}

/// Polls `future`, each time once it is woken, `polls` times at most, and drops it.
pub(crate) async fn dropped_after<T>(
    polls: usize,
    drops: Drops,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut left = polls;
    let mut future = pin!(future);
    let output = poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await;
    if let (Drops::Late, None) = (drops, &output) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    output
}

/// Tries `case` with more polls each time, until the operation in it gets done.
pub(crate) async fn at_every_poll(
    case: impl AsyncFn(usize, Drops) -> Result<bool, Box<dyn std::error::Error>>,
) -> Outcome {
    for drops in [Drops::AtOnce, Drops::Late] {
        let mut polls = 0;
        while !case(polls, drops).await? {
            polls += 1;
            assert!(polls < 20, "it never gets done");
        }
        assert!(polls > 1, "this was never dropped half-way");
    }
    Ok(())
}

pub(crate) fn count(lines: &[String], what: &str) -> usize {
    lines.iter().filter(|line| *line == what).count()
}

/// A server with one place in its mailbox, which is taken, and a handler that is busy for ten milliseconds.
async fn busy(log: &Log) -> Result<ServerRef<Msg>, Box<dyn std::error::Error>> {
    let server = Probe::new(log).start_bounded(1).await?;
    let takes_its_time = || {
        Msg::run(|_, _| {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(10)).await;
                Ok(())
            })
        })
    };
    server.cast(takes_its_time())?;
    quiet().await;
    server.cast(takes_its_time())?;
    Ok(server)
}

/// The server serves, its mailbox has room again, and it ends as it should.
async fn is_sound(server: ServerRef<Msg>, log: &Log) -> Outcome {
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(server.info().mailbox_len, 0);
    server.cast(Msg::Note("takes the one place"))?;
    assert!(
        server
            .cast(Msg::Note("finds none"))
            .is_err_and(|refused| refused.is_full())
    );
    server.stop().await?;
    let lines = log.take();
    assert_eq!(count(&lines, "state dropped"), 1, "{lines:?}");
    assert_eq!(count(&lines, "terminate: normal"), 1, "{lines:?}");
    assert_eq!(server.info().dropped, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_loses_only_its_reply() -> Outcome {
    for timeout in [
        Duration::MAX,
        Duration::from_secs(5),
        Duration::from_millis(50),
    ] {
        at_every_poll(async |polls, drops| {
            let log = Log::default();
            let server = busy(&log).await?;
            let gone = log.on_drop("request gone");
            let call = server.call_timeout(
                |reply: ReplyTo<u32>| {
                    Msg::act(move |probe, _| {
                        probe.log.note("request handled");
                        drop(gone);
                        reply.send(5);
                        Ok(())
                    })
                },
                timeout,
            );
            let outcome = dropped_after(polls, drops, call).await.transpose()?;
            assert!(outcome.is_none_or(|reply| reply == 5));
            tokio::time::sleep(Duration::from_millis(100)).await;
            let lines = log.take();
            assert_eq!(count(&lines, "request gone"), 1, "{lines:?}");
            assert!(
                outcome.is_none() || count(&lines, "request handled") == 1,
                "{lines:?}"
            );
            is_sound(server, &log).await?;
            Ok(outcome.is_some())
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_is_dropped_while_it_waits_is_out_of_the_line() -> Outcome {
    at_every_poll(async |polls, drops| {
        let log = Log::default();
        let server = busy(&log).await?;
        let gone = log.on_drop("message gone");
        let message = Msg::act(move |probe, _| {
            probe.log.note("message handled");
            drop(gone);
            Ok(())
        });
        let done = dropped_after(polls, drops, server.cast_wait(message))
            .await
            .transpose()?
            .is_some();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let lines = log.take();
        assert_eq!(count(&lines, "message gone"), 1, "{lines:?}");
        let handled = count(&lines, "message handled");
        match (done, drops) {
            (true, _) => assert_eq!(handled, 1),
            (false, Drops::AtOnce) => assert_eq!(handled, 0),
            // Let in before it was dropped, or never polled.
            (false, Drops::Late) => assert_eq!(handled, usize::from(polls > 0)),
        }
        is_sound(server, &log).await?;
        Ok(done)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_dropped_after_its_first_poll_goes_on() -> Outcome {
    at_every_poll(async |polls, drops| {
        let log = Log::default();
        let server = busy(&log).await?;
        let end = server.pid().unwrap().monitor();
        let done = dropped_after(polls, drops, server.stop())
            .await
            .transpose()?
            .is_some();
        if polls == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            is_sound(server, &log).await?;
        } else {
            assert!(end.await.is_normal());
            assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
        }
        Ok(done)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_suspend_that_is_dropped_suspends_nothing() -> Outcome {
    at_every_poll(async |polls, drops| {
        let log = Log::default();
        let server = busy(&log).await?;
        let suspended = dropped_after(polls, drops, server.suspend())
            .await
            .transpose()?;
        let done = suspended.is_some();
        drop(suspended);
        tokio::time::sleep(Duration::from_millis(100)).await;
        is_sound(server, &log).await?;
        Ok(done)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn an_inspect_that_is_dropped_does_no_harm() -> Outcome {
    at_every_poll(async |polls, drops| {
        let log = Log::default();
        let server = busy(&log).await?;
        let gone = log.on_drop("look gone");
        let look = move |_: &Probe| drop(gone);
        let done = dropped_after(polls, drops, server.inspect(look))
            .await
            .transpose()?
            .is_some();
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(log.take(), ["look gone"]);
        is_sound(server, &log).await?;
        Ok(done)
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_monitor_that_is_dropped_leaves_the_others() -> Outcome {
    at_every_poll(async |polls, drops| {
        let log = Log::default();
        let server = busy(&log).await?;
        let pid = server.pid().unwrap();
        let (before, dropped) = (pid.monitor(), pid.monitor());
        let ends = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            server.cast(Msg::end(ExitReason::Shutdown)).is_ok()
        };
        let (reason, ended) = tokio::join!(dropped_after(polls, drops, dropped), ends);
        assert!(ended);
        assert!(matches!(before.await, ExitReason::Shutdown));
        assert!(
            reason
                .as_ref()
                .is_none_or(|reason| matches!(reason, ExitReason::Shutdown))
        );
        assert!(matches!(pid.monitor().await, ExitReason::NoProc));
        assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
        Ok(reason.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_dropped_wait_for_the_caller_to_go_leaves_the_reply_usable() -> Outcome {
    at_every_poll(async |polls, drops| {
        let (server, mut requests) = inbox::<ReplyTo<u32>>();
        let mut call = ByHand::new(server.call(|reply| reply));
        assert!(call.poll().is_pending());
        let mut reply = requests.recv().await.ok_or("no request")?;
        let hangs_up = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(call);
        };
        let (gone, ()) = tokio::join!(dropped_after(polls, drops, reply.closed()), hangs_up);
        assert!(reply.is_closed());

        let mut call = ByHand::new(server.call(|reply| reply));
        assert!(call.poll().is_pending());
        let mut reply = requests.recv().await.ok_or("no request")?;
        let never = dropped_after(polls.min(1), drops, reply.closed()).await;
        assert!(never.is_none() && !reply.is_closed());
        reply.send(4);
        assert!(matches!(call.poll(), Poll::Ready(Ok(4))));
        Ok(gone.is_some())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_is_dropped_loses_no_message() -> Outcome {
    at_every_poll(async |polls, drops| {
        let (address, mut inbox) = inbox::<u32>();
        let sends = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            (0..3).try_for_each(|number| address.cast(number))
        };
        let (received, sent) = tokio::join!(dropped_after(polls, drops, inbox.recv()), sends);
        sent?;
        let done = received.is_some();
        let mut all: Vec<_> = received.flatten().into_iter().collect();
        drop(address);
        while let Some(number) = inbox.recv().await {
            all.push(number);
        }
        assert_eq!(all, [0, 1, 2]);
        Ok(done)
    })
    .await
}
