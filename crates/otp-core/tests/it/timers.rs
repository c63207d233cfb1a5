//! Timers, intervals, idle time-outs and what is to be handled next.

mod continues;
mod idle;
mod interval;

use std::sync::Arc;
use std::time::Duration;

use otp_core::{Context, ServerState, TimerRef};
use tokio::time::{Instant, advance, sleep};

use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe, quiet};

const DAY: Duration = Duration::from_secs(86_400);

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Writes down when it is handled, in milliseconds from now.
fn stamped(what: &'static str) -> Msg {
    stamped_since(Instant::now(), what)
}

fn stamped_since(start: Instant, what: &'static str) -> Msg {
    Msg::act(move |probe, _| {
        probe
            .log
            .note(format!("{what} {}", start.elapsed().as_millis()));
        Ok(())
    })
}

/// Does something with the context in a handler.
fn with(work: impl FnOnce(&mut Context<Msg>) + Send + 'static) -> Msg {
    Msg::act(move |_, ctx| {
        work(ctx);
        Ok(())
    })
}

/// Sets one timer in a handler.
fn after(delay: Duration, message: Msg) -> Msg {
    with(move |ctx| {
        ctx.send_after(delay, message);
    })
}

#[tokio::test(start_paused = true)]
async fn timers_fire_by_time_and_equal_ones_in_the_order_set() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(with(|ctx| {
        let timers = [
            ("c", 30),
            ("a", 10),
            ("d", 30),
            ("b", 20),
            ("e", 30),
            ("zero", 0),
        ];
        for (what, delay) in timers {
            ctx.send_after(ms(delay), stamped(what));
        }
    }))?;
    sleep(ms(100)).await;
    assert_eq!(
        log.take(),
        ["zero 0", "a 10", "b 20", "c 30", "d 30", "e 30"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn timers_that_are_due_in_one_wake_keep_their_order() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(with(|ctx| {
        for (what, delay) in [("late", 50), ("early", 10), ("later", 50), ("middle", 30)] {
            ctx.send_after(ms(delay), Msg::Note(what));
        }
    }))?;
    quiet().await;
    advance(ms(60)).await;
    quiet().await;
    assert_eq!(log.take(), ["early", "middle", "late", "later"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_delay_beyond_thirty_years_counts_as_thirty_years() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(with(|ctx| {
        ctx.send_after(Duration::MAX, Msg::Note("once"));
        ctx.send_interval(Duration::MAX, || Msg::Note("tick"));
    }))?;
    quiet().await;
    advance(DAY * 365 * 29).await;
    quiet().await;
    assert_eq!(log.take(), [""; 0]);
    advance(DAY * 365 * 2).await;
    quiet().await;
    assert_eq!(log.take(), ["once", "tick"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cancel_tells_the_time_left_and_nothing_arrives_after_it() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let set_and_cancel = |reply: otp_core::ReplyTo<Vec<Option<Duration>>>| {
        Msg::run(move |_, ctx| {
            Box::pin(async move {
                let timer = ctx.send_after(ms(100), Msg::Note("never"));
                let other = ctx.send_after(ms(100), Msg::Note("other"));
                let beat = ctx.send_interval(ms(100), || Msg::Note("never"));
                sleep(ms(40)).await;
                let left = [ctx.cancel(timer), ctx.cancel(timer), ctx.cancel(beat)];
                assert_ne!(timer, other);
                reply.send(left.into());
                Ok(())
            })
        })
    };
    let left = server.call(set_and_cancel).await?;
    assert_eq!(left, [Some(ms(60)), None, Some(ms(60))]);
    sleep(ms(500)).await;
    assert_eq!(log.take(), ["other"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cancel_after_the_firing_gives_nothing() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let timer: TimerRef = server
        .call(|reply| with(|ctx| reply.send(ctx.send_after(ms(10), Msg::Note("fired")))))
        .await?;
    sleep(ms(20)).await;
    let left = server
        .call(|reply| with(move |ctx| reply.send(ctx.cancel(timer))))
        .await?;
    assert_eq!((left, log.take()), (None, vec!["fired".to_owned()]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_is_due_can_still_be_cancelled_by_the_one_before() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(with(|ctx| {
        let cell = Arc::new(std::sync::OnceLock::new());
        let timers = Arc::clone(&cell);
        ctx.send_after(
            ms(10),
            Msg::act(move |probe, ctx| {
                let timers: &[TimerRef; 2] = timers.get().unwrap();
                let left = timers.map(|timer| ctx.cancel(timer));
                probe.log.note(format!("{left:?}"));
                Ok(())
            }),
        );
        let once = ctx.send_after(ms(10), Msg::Note("never"));
        let beat = ctx.send_interval(ms(10), || Msg::Note("never"));
        let _ = cell.set([once, beat]);
    }))?;
    sleep(ms(100)).await;
    assert_eq!(log.take(), ["[Some(0ns), Some(0ns)]"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn due_timers_come_before_further_messages() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(Msg::run(|_, ctx| {
        Box::pin(async {
            ctx.send_after(ms(10), Msg::Note("timer"));
            sleep(ms(20)).await;
            Ok(())
        })
    }))?;
    server.cast(Msg::Note("swapped out before"))?;
    quiet().await;
    server.cast(Msg::Note("sent before"))?;
    sleep(ms(50)).await;
    assert_eq!(log.take(), ["timer", "swapped out before", "sent before"]);

    server.cast(after(ms(10), Msg::Note("timer")))?;
    quiet().await;
    advance(ms(20)).await;
    server.cast(Msg::Note("sent after"))?;
    quiet().await;
    assert_eq!(log.take(), ["timer", "sent after"]);
    Ok(())
}

/// Sets itself again at once, `left` times.
fn again_at_once(left: u32) -> Msg {
    Msg::act(move |probe, ctx| {
        probe.log.note("timer");
        if left > 0 {
            ctx.send_after(Duration::ZERO, again_at_once(left - 1));
        }
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_sets_itself_again_at_once_keeps_no_message_out() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(again_at_once(10_000))?;
    let other = tokio::spawn(async { 5 });
    server.cast(Msg::Note("message"))?;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(other.await?, 5);
    assert!(log.has("message"));
    assert!(
        log.take().len() < 1_000,
        "the timers come on, but one by one"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn timers_die_with_the_process_and_do_not_keep_it() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().unwrap().monitor();
    let gone = log.on_drop("timer dropped");
    server.cast(with(|ctx| {
        ctx.send_after(ms(10), holding(gone));
        ctx.send_interval(ms(10), || Msg::Note("tick"));
        ctx.idle_after(ms(5), Msg::Note("idle"));
    }))?;
    drop(server);
    assert!(end.await.is_normal());
    sleep(ms(50)).await;
    assert_eq!(
        log.take(),
        ["timer dropped", "terminate: normal", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_fires_its_timers_when_it_goes_on() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    server.cast(after(ms(10), Msg::Note("timer")))?;
    quiet().await;
    let suspended = server.suspend().await?;
    server.cast(Msg::Note("message"))?;
    sleep(ms(50)).await;
    assert_eq!(log.take(), [""; 0]);
    drop(suspended);
    quiet().await;
    assert_eq!(log.take(), ["timer", "message"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_waits_is_not_idle_whatever_woke_its_server() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let waits = || {
        Msg::run(|_, _| {
            Box::pin(async {
                sleep(ms(20)).await;
                Ok(())
            })
        })
    };
    server.cast(after(ms(10), waits()))?;
    sleep(ms(15)).await;
    assert_eq!(server.info().state, ServerState::Busy);
    sleep(ms(20)).await;
    assert_eq!(server.info().state, ServerState::Idle);
    server.cast(with(move |ctx| ctx.idle_after(ms(10), waits())))?;
    sleep(ms(15)).await;
    assert_eq!(server.info().state, ServerState::Busy);
    Ok(())
}
