//! Panics: each ends one process and harms nobody else.

mod alone;
mod bound;

use std::panic::panic_any;
use std::task::Poll;
use std::time::Duration;

use otp_core::{CallError, CaughtPanic, ExitReason, ReplyTo, ServerRef, StartError};
use tokio::time::sleep;

use crate::cancel::ByHand;
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe};

/// Panics when it is dropped.
struct PanicsOnDrop(&'static str);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        panic_any(self.0);
    }
}

fn panic_of(reason: &ExitReason) -> Option<&CaughtPanic> {
    match reason {
        ExitReason::Panic(panic) => Some(panic),
        _ => None,
    }
}

fn message_of(reason: &ExitReason) -> Option<&str> {
    panic_of(reason).map(CaughtPanic::message)
}

/// A message whose handler does `panics`.
fn that_panics(panics: impl FnOnce() + Send + 'static) -> Msg {
    Msg::act(move |_, _| {
        panics();
        Ok(())
    })
}

/// Sends `messages` to a server beside a bystander and returns why it ended, after a look at who waited for it.
async fn reason_after(
    server: &ServerRef<Msg>,
    messages: Vec<Msg>,
) -> Result<ExitReason, Box<dyn std::error::Error>> {
    let bystander = Probe::new(&Log::default()).start().await?;
    let mut kept = ByHand::new(server.call(Msg::Keep));
    assert!(kept.poll().is_pending());
    messages
        .into_iter()
        .try_for_each(|message| server.cast(message))?;
    let mut queued = ByHand::new(server.call(|reply| Msg::Echo(1, reply)));
    assert!(queued.poll().is_pending());
    let end = server.pid().ok_or("it has ended")?.monitor();
    sleep(Duration::from_millis(10)).await;
    server.pid().inspect(otp_core::Pid::kill);
    let reason = end.await;
    for call in [&mut kept, &mut queued] {
        match call.poll() {
            Poll::Ready(Err(CallError::Exited(told))) => {
                assert_eq!(told.to_string(), reason.to_string());
            }
            other => return Err(format!("a caller was told {other:?}").into()),
        }
    }
    assert_eq!(bystander.call(|reply| Msg::Echo(2, reply)).await?, 2);
    Ok(reason)
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_init_fails_the_start() -> Outcome {
    for waits in [false, true] {
        let log = Log::default();
        let probe = Probe::new(&log).on_init(move |_, _| {
            Box::pin(async move {
                if waits {
                    sleep(Duration::from_millis(5)).await;
                }
                panic!("in init")
            })
        });
        let started = probe.start().await;
        let Err(StartError::Failed(reason)) = started else {
            return Err(format!("{started:?}").into());
        };
        assert_eq!(message_of(&reason), Some("in init"));
        assert_eq!(log.take(), ["state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_handler_ends_the_process_in_order() -> Outcome {
    for waits in [false, true] {
        let log = Log::default();
        let panics = Msg::run(move |_, _| {
            Box::pin(async move {
                if waits {
                    sleep(Duration::from_millis(5)).await;
                }
                panic!("in {}", "handle")
            })
        });
        let server = Probe::new(&log).start().await?;
        let reason = reason_after(&server, vec![panics, Msg::Note("never")]).await?;
        assert_eq!(message_of(&reason), Some("in handle"));
        assert_eq!(
            log.take(),
            [&format!("terminate: {reason}"), "state dropped"]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_terminate_takes_the_place_of_the_reason() -> Outcome {
    for first in [Msg::end(ExitReason::Shutdown), Msg::panic()] {
        let log = Log::default();
        let probe =
            Probe::new(&log).on_terminate(|_, _| Box::pin(async { panic!("in terminate") }));
        let reason = reason_after(&probe.start().await?, vec![first]).await?;
        assert_eq!(message_of(&reason), Some("in terminate"));
        assert_eq!(log.take().last().map(String::as_str), Some("state dropped"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_the_state_is_the_reason() -> Outcome {
    let log = Log::default();
    let bomb = PanicsOnDrop("in the state");
    // A `Probe` drops what it never did.
    let probe = Probe::new(&log).on_init(|probe, _| {
        *probe = Probe::new(&probe.log.clone()).on_init(move |_, _| {
            drop(bomb);
            Box::pin(async { Ok(()) })
        });
        Box::pin(async { Ok(()) })
    });
    let server = probe.start().await?;
    log.take();
    let reason = reason_after(&server, vec![Msg::end(ExitReason::Normal)]).await?;
    assert_eq!(message_of(&reason), Some("in the state"));
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn panics_in_the_drops_of_queued_messages_cost_nobody_else_theirs() -> Outcome {
    let log = Log::default();
    let mut messages = vec![Msg::end(ExitReason::Shutdown)];
    for _ in 0..3 {
        messages.push(holding(PanicsOnDrop("in a message")));
        messages.push(holding(log.on_drop("message dropped")));
    }
    let server = Probe::new(&log).start().await?;
    let reason = reason_after(&server, messages).await?;
    assert!(matches!(reason, ExitReason::Shutdown));
    assert_eq!(log.take()[2..], ["message dropped"; 3]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_request_that_is_dropped_leaves_its_caller_told() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let request = |reply: ReplyTo<u32>| holding((PanicsOnDrop("in a request"), reply));
    server.cast(Msg::hang())?;
    let mut call = ByHand::new(server.call(request));
    assert!(call.poll().is_pending());
    let reason = reason_after(&server, vec![]).await?;
    assert!(matches!(reason, ExitReason::Killed));
    let told = call.poll();
    assert!(
        matches!(
            told,
            Poll::Ready(Err(CallError::Exited(ExitReason::Killed)))
        ),
        "{told:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_what_a_killed_handler_held_does_not_change_the_reason() -> Outcome {
    let log = Log::default();
    let hangs = Msg::run(|_, _| {
        Box::pin(async {
            let _bomb = PanicsOnDrop("in a local");
            std::future::pending().await
        })
    });
    let reason = reason_after(&Probe::new(&log).start().await?, vec![hangs]).await?;
    assert!(matches!(reason, ExitReason::Killed));
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_timers_message_that_is_dropped_does_not_change_the_reason() -> Outcome {
    let log = Log::default();
    let sets = Msg::act(|_, ctx| {
        ctx.send_after(Duration::from_secs(9), holding(PanicsOnDrop("in a timer")));
        Ok(())
    });
    let server = Probe::new(&log).start().await?;
    let reason = reason_after(&server, vec![sets, Msg::end(ExitReason::Shutdown)]).await?;
    assert!(matches!(reason, ExitReason::Shutdown));
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_payload_that_is_no_text_has_a_message_too() -> Outcome {
    let payloads: [(fn(), &str); 3] = [
        (|| panic_any(7_u32), "Box<dyn Any>"),
        (|| panic_any(String::from("owned text")), "owned text"),
        (|| panic_any(PanicsOnDrop("a payload")), "Box<dyn Any>"),
    ];
    for (panics, message) in payloads {
        let server = Probe::new(&Log::default()).start().await?;
        let panics = that_panics(panics);
        let reason = reason_after(&server, vec![panics]).await?;
        assert_eq!(message_of(&reason), Some(message));
    }
    Ok(())
}
