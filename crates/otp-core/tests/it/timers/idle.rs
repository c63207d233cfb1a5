//! Idle time-outs.

use std::time::Duration;

use otp_core::Context;
use tokio::time::{Instant, sleep};

use super::{ms, stamped_since, with};
use crate::support::{Log, Msg, Outcome, Probe};

#[tokio::test(start_paused = true)]
async fn idle_fires_when_nothing_comes_and_only_once() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let start = Instant::now();
    server.cast(with(move |ctx| {
        ctx.idle_after(ms(10), stamped_since(start, "idle"));
    }))?;
    sleep(ms(100)).await;
    assert_eq!(log.take(), ["idle 10"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whatever_is_handled_calls_idle_off() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let idle = |ctx: &mut Context<Msg>| ctx.idle_after(ms(10), Msg::Note("never"));
    server.cast(with(idle))?;
    sleep(ms(5)).await;
    server.cast(Msg::Note("message"))?;
    sleep(ms(50)).await;
    server.cast(with(move |ctx| {
        idle(ctx);
        ctx.send_after(ms(5), Msg::Note("timer"));
    }))?;
    sleep(ms(50)).await;
    server.cast(with(move |ctx| {
        idle(ctx);
        ctx.spawn_task(sleep(ms(5)), |_| Msg::Note("task"));
    }))?;
    sleep(ms(50)).await;
    server.cast(with(move |ctx| {
        idle(ctx);
        ctx.continue_with(Msg::Note("continue"));
    }))?;
    sleep(ms(50)).await;
    assert_eq!(log.take(), ["message", "timer", "task", "continue"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn looking_in_does_not_call_idle_off() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let start = Instant::now();
    server.cast(with(move |ctx| {
        ctx.idle_after(ms(20), stamped_since(start, "idle"));
    }))?;
    sleep(ms(5)).await;
    server.inspect(|_: &Probe| ()).await?;
    drop(server.suspend().await?);
    let _ = server.info();
    sleep(ms(50)).await;
    assert_eq!(log.take(), ["idle 20"]);
    let suspended = server.suspend().await?;
    let start = Instant::now();
    server.cast(with(move |ctx| {
        ctx.idle_after(ms(20), stamped_since(start, "idle"));
    }))?;
    sleep(ms(5)).await;
    drop(suspended);
    sleep(ms(50)).await;
    assert_eq!(
        log.take(),
        ["idle 25"],
        "counted from when it has nothing left to do"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_second_idle_takes_the_place_of_the_first() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(with(|ctx| {
        ctx.idle_after(ms(10), Msg::Note("first"));
        ctx.idle_after(ms(30), Msg::Note("second"));
    }))?;
    sleep(ms(100)).await;
    assert_eq!(log.take(), ["second"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_idle_of_zero_fires_at_once_and_only_if_nothing_waits() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let start = Instant::now();
    let idle =
        move || with(move |ctx| ctx.idle_after(Duration::ZERO, stamped_since(start, "idle")));
    server.cast(idle())?;
    server.cast(Msg::Note("message"))?;
    sleep(ms(10)).await;
    assert_eq!(log.take(), ["message"]);
    server.cast(idle())?;
    sleep(ms(10)).await;
    assert_eq!(log.take(), ["idle 10"]);
    Ok(())
}
