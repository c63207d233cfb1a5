//! What is to be handled next, and chains that never end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use otp_core::{Context, ExitReason};
use tokio::time::sleep;

use super::{ms, with};
use crate::support::{Log, Msg, Outcome, Probe, quiet};

/// What `next` sets up handles itself again, up to 1,000 times or until another task has had its turn.
fn chain(left: u32, turns: Arc<AtomicU32>, next: fn(&mut Context<Msg>, Msg)) -> Msg {
    Msg::act(move |probe, ctx| {
        match (left, turns.load(Ordering::SeqCst)) {
            (0, 0) => probe.log.note("nobody else got a turn"),
            (_, 0) => next(ctx, chain(left - 1, turns, next)),
            _ => probe.log.note("others had their turn"),
        }
        Ok(())
    })
}

async fn lets_others_run(next: fn(&mut Context<Msg>, Msg)) -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let turns = Arc::new(AtomicU32::new(0));
    server.cast(chain(1_000, Arc::clone(&turns), next))?;
    tokio::spawn(async move { turns.fetch_add(1, Ordering::SeqCst) });
    quiet().await;
    assert_eq!(log.take(), ["others had their turn"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn endless_continues_let_others_run() -> Outcome {
    lets_others_run(Context::continue_with).await
}

#[tokio::test(start_paused = true)]
async fn endless_idle_messages_let_others_run() -> Outcome {
    lets_others_run(|ctx, message| ctx.idle_after(Duration::ZERO, message)).await
}

#[tokio::test(start_paused = true)]
async fn endless_timers_let_others_run() -> Outcome {
    lets_others_run(|ctx, message| {
        ctx.send_after(Duration::ZERO, message);
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn an_endless_chain_of_continues_can_be_killed() -> Outcome {
    fn endless() -> Msg {
        Msg::act(|_, ctx| {
            ctx.continue_with(endless());
            Ok(())
        })
    }
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().unwrap();
    let end = pid.monitor();
    server.cast(endless())?;
    let killer = tokio::spawn(async move { pid.kill() });
    assert!(matches!(end.await, ExitReason::Killed));
    killer.await?;
    assert_eq!(log.take(), ["state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn continues_come_before_anything_that_waits_in_the_order_given() -> Outcome {
    let log = Log::default();
    let probe = Probe::new(&log).on_init(|_, ctx| {
        let _ = ctx.self_ref().cast(Msg::Note("message"));
        ctx.send_after(Duration::ZERO, Msg::Note("timer"));
        ctx.continue_with(Msg::act(|probe, ctx| {
            probe.log.note("first");
            ctx.continue_with(Msg::Note("third"));
            Ok(())
        }));
        ctx.continue_with(Msg::Note("second"));
        Box::pin(async { Ok(()) })
    });
    let server = probe.start().await?;
    sleep(ms(10)).await;
    let lines = log.take();
    assert_eq!(lines[..3], ["first", "second", "third"]);
    assert_eq!(lines.len(), 5);
    server.cast(with(|ctx| ctx.continue_with(Msg::Note("next"))))?;
    server.cast(Msg::Note("waited"))?;
    quiet().await;
    assert_eq!(log.take(), ["next", "waited"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn continues_take_no_room_in_a_bounded_mailbox() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(1).await?;
    server.cast(Msg::run(|_, ctx| {
        Box::pin(async {
            (0..10).for_each(|_| ctx.continue_with(Msg::Note("continue")));
            sleep(ms(10)).await;
            Ok(())
        })
    }))?;
    quiet().await;
    server.cast(Msg::Note("message"))?;
    assert!(
        server
            .cast(Msg::Note("one too many"))
            .is_err_and(|refused| refused.is_full())
    );
    sleep(ms(50)).await;
    assert_eq!(log.take().len(), 11);
    assert_eq!((server.info().mailbox_len, server.info().handled), (0, 2));
    Ok(())
}
