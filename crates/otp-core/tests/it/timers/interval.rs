//! Intervals: their beat, and what they skip.

use std::time::Duration;

use otp_core::ExitReason;
use tokio::time::{Instant, advance, sleep};

use super::{ms, stamped_since, with};
use crate::support::{Log, Msg, Outcome, Probe};

#[tokio::test(start_paused = true)]
async fn an_interval_keeps_its_beat() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let start = Instant::now();
    server.cast(with(move |ctx| {
        ctx.send_interval(ms(10), move || stamped_since(start, "tick"));
    }))?;
    sleep(ms(45)).await;
    assert_eq!(log.take(), ["tick 10", "tick 20", "tick 30", "tick 40"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_interval_skips_what_was_missed_and_keeps_its_beat() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let start = Instant::now();
    server.cast(with(move |ctx| {
        ctx.send_interval(ms(10), move || stamped_since(start, "tick"));
    }))?;
    tokio::task::yield_now().await;
    advance(ms(105)).await;
    sleep(ms(20)).await;
    assert_eq!(log.take(), ["tick 105", "tick 110", "tick 120"]);
    server.cast(Msg::run(|_, _| {
        Box::pin(async {
            sleep(ms(38)).await;
            Ok(())
        })
    }))?;
    sleep(ms(50)).await;
    assert_eq!(log.take(), ["tick 163", "tick 170"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_interval_of_zero_beats_every_millisecond() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let start = Instant::now();
    server.cast(with(move |ctx| {
        ctx.send_interval(Duration::ZERO, move || stamped_since(start, "tick"));
    }))?;
    sleep(Duration::from_micros(3_500)).await;
    assert_eq!(log.take(), ["tick 1", "tick 2", "tick 3"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_interval_whose_maker_panics_ends_the_process() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().unwrap().monitor();
    server.cast(with(|ctx| {
        ctx.send_interval(ms(10), || panic!("no tick"));
    }))?;
    let reason = end.await;
    assert!(
        matches!(&reason, ExitReason::Panic(panic) if panic.message() == "no tick"),
        "{reason}"
    );
    let lines = log.take();
    assert!(lines[0].starts_with("terminate: panicked"), "{lines:?}");
    assert_eq!(lines[1..], ["state dropped"]);
    Ok(())
}
