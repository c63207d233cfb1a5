//! Starts that are dropped half-way.

use std::time::Duration;

use otp_core::{ServerOptions, StartError, start_with};

use super::{at_every_poll, count, dropped_after};
use crate::support::{Log, Outcome, Probe, quiet};

#[tokio::test(start_paused = true)]
async fn start_that_is_dropped_leaves_nothing() -> Outcome {
    for timeout in [Duration::MAX, Duration::from_secs(1)] {
        at_every_poll(async |polls, drops| {
            let log = Log::default();
            let probe = Probe::new(&log).on_init(|probe, _| {
                Box::pin(async {
                    let _local = probe.log.on_drop("init dropped");
                    tokio::task::yield_now().await;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    Ok(())
                })
            });
            let options = ServerOptions::default().start_timeout(timeout);
            let started = dropped_after(polls, drops, start_with(probe, options)).await;
            let done = started.is_some();
            drop(started.transpose()?);
            quiet().await;
            let lines = log.take();
            assert_eq!(count(&lines, "state dropped"), 1, "{lines:?}");
            assert_eq!(
                count(&lines, "terminate: normal"),
                usize::from(done),
                "{lines:?}"
            );
            Ok(done)
        })
        .await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn start_that_takes_too_long_leaves_nothing() -> Outcome {
    at_every_poll(async |polls, drops| {
        let log = Log::default();
        let probe = Probe::new(&log).on_init(|_, _| Box::pin(std::future::pending()));
        let options = ServerOptions::default().start_timeout(Duration::from_millis(5));
        let started = dropped_after(polls, drops, start_with(probe, options)).await;
        assert!(
            started
                .as_ref()
                .is_none_or(|end| matches!(end, Err(StartError::Timeout)))
        );
        quiet().await;
        assert_eq!(log.take(), ["state dropped"]);
        Ok(started.is_some())
    })
    .await
}
