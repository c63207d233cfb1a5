//! What concerns a whole program: its panic hook, its abort.

use std::panic::{catch_unwind, panic_any, resume_unwind, set_hook, take_hook};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Poll;
use std::time::Duration;

use otp_core::{CaughtPanic, ExitReason, ServerRef, record_panic_locations};

use super::{PanicsOnDrop, message_of, panic_of, reason_after, that_panics};
use crate::cancel::ByHand;
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe, quiet};

/// Runs `body` as a test process of its own, for what concerns a whole process: its panic hook, its abort.
fn alone(test: &str, body: impl Future<Output = Outcome>) -> Outcome {
    const ALONE: &str = "OTP_CORE_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?
            .block_on(body);
    }
    let test = format!("{}::{test}", module_path!().trim_start_matches("it::"));
    let output = Command::new(std::env::current_exe()?)
        .args([&test, "--exact", "--test-threads=1"])
        .env(ALONE, "1")
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = output.status.success() && said.contains("1 passed");
    assert!(
        passed,
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Why a new server ends that does `panics`.
async fn reason_of(
    panics: impl FnOnce() + Send + 'static,
) -> Result<ExitReason, Box<dyn std::error::Error>> {
    let server = Probe::new(&Log::default()).start().await?;
    reason_after(&server, vec![that_panics(panics)]).await
}

#[test]
fn a_location_is_known_once_that_is_asked_for_and_the_earlier_hook_still_runs() -> Outcome {
    alone(
        "a_location_is_known_once_that_is_asked_for_and_the_earlier_hook_still_runs",
        async {
            let seen = Arc::new(AtomicU32::new(0));
            let counts = Arc::clone(&seen);
            drop(take_hook());
            set_hook(Box::new(move |_| {
                counts.fetch_add(1, Ordering::SeqCst);
            }));

            let reason = reason_of(|| panic!("somewhere")).await?;
            assert_eq!(panic_of(&reason).and_then(CaughtPanic::location), None);
            assert_eq!(reason.to_string(), "panicked: somewhere");
            assert_eq!(seen.load(Ordering::SeqCst), 1);

            record_panic_locations();
            record_panic_locations();
            let line = line!() + 1;
            let reason = reason_of(|| panic!("here")).await?;
            let location = format!("{}:{line}:", file!());
            let found = panic_of(&reason)
                .and_then(CaughtPanic::location)
                .unwrap_or("unknown");
            assert!(found.starts_with(&location), "{found}");
            let column = found[location.len()..].parse::<u32>()?;
            assert!(column > 1, "{found}");
            assert_eq!(reason.to_string(), format!("panicked at {found}: here"));
            assert_eq!(seen.load(Ordering::SeqCst), 2);
            Ok(())
        },
    )
}

#[test]
fn a_payload_that_panics_when_dropped_does_not_hide_the_location() -> Outcome {
    alone(
        "a_payload_that_panics_when_dropped_does_not_hide_the_location",
        async {
            record_panic_locations();
            let line = line!() + 1;
            let reason = reason_of(|| panic_any(PanicsOnDrop("a payload"))).await?;
            let found = panic_of(&reason)
                .and_then(CaughtPanic::location)
                .unwrap_or("unknown");
            assert!(
                found.starts_with(&format!("{}:{line}:", file!())),
                "{found}"
            );
            Ok(())
        },
    )
}

#[test]
fn a_panic_without_a_hook_does_not_take_the_location_of_an_earlier_one() -> Outcome {
    alone(
        "a_panic_without_a_hook_does_not_take_the_location_of_an_earlier_one",
        async {
            record_panic_locations();
            let reason = reason_of(|| {
                let _ = catch_unwind(|| panic!("caught by its own code"));
                // No hook runs for this one.
                resume_unwind(Box::new("carried on"));
            })
            .await?;
            assert_eq!(message_of(&reason), Some("carried on"));
            assert_eq!(panic_of(&reason).and_then(CaughtPanic::location), None);
            Ok(())
        },
    )
}

#[test]
fn several_panics_in_the_drops_of_one_process_do_not_abort_the_program() -> Outcome {
    alone(
        "several_panics_in_the_drops_of_one_process_do_not_abort_the_program",
        async {
            let log = Log::default();
            let server = Probe::new(&log).start().await?;
            let sets = Msg::act(|_, ctx| {
                for _ in 0..2 {
                    ctx.send_after(Duration::from_secs(9), holding(PanicsOnDrop("in a timer")));
                    ctx.continue_with(holding(PanicsOnDrop("in a continue")));
                }
                ctx.idle_after(Duration::from_secs(9), holding(PanicsOnDrop("in an idle")));
                Err(ExitReason::Shutdown)
            });
            let reason = reason_after(&server, vec![sets]).await?;
            assert!(matches!(reason, ExitReason::Shutdown));
            assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
            Ok(())
        },
    )
}

/// A server whose handler and whose state both panic when they are dropped.
async fn doubly_panicking() -> Result<ServerRef<Msg>, Box<dyn std::error::Error>> {
    let server = Probe::new(&Log::default()).start().await?;
    server.cast(Msg::run(|probe, _| {
        let in_state = PanicsOnDrop("in the state");
        let in_local = PanicsOnDrop("in a local");
        *probe = Probe::new(&probe.log.clone()).on_init(move |_, _| {
            drop(in_state);
            Box::pin(async { Ok(()) })
        });
        Box::pin(async {
            let _local = in_local;
            std::future::pending().await
        })
    }))?;
    quiet().await;
    Ok(server)
}

#[test]
fn a_kill_with_panics_in_the_handler_and_in_the_state_is_survived() -> Outcome {
    alone(
        "a_kill_with_panics_in_the_handler_and_in_the_state_is_survived",
        async {
            let reason = reason_after(&doubly_panicking().await?, vec![]).await?;
            assert_eq!(message_of(&reason), Some("in the state"));
            Ok(())
        },
    )
}

#[test]
fn a_dropped_runtime_with_panics_in_the_handler_and_in_the_state_is_survived() -> Outcome {
    alone(
        "a_dropped_runtime_with_panics_in_the_handler_and_in_the_state_is_survived",
        async {
            let thread = std::thread::spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_time()
                    .build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                let server = runtime
                    .block_on(doubly_panicking())
                    .map_err(|error| error.to_string())?;
                let mut end = ByHand::new(server.pid().ok_or("it has ended")?.monitor());
                let pending = end.poll().is_pending();
                drop(runtime);
                Ok::<_, String>((
                    pending,
                    matches!(end.poll(), Poll::Ready(ExitReason::Killed)),
                ))
            });
            assert_eq!(
                thread.join().map_err(|_| "the drop panicked")??,
                (true, true)
            );
            Ok(())
        },
    )
}
