//! `ExitReason`: what converts into one, and what it tells.

use std::error::Error;
use std::fmt;

use otp_core::ExitReason;

use crate::support::{Log, Msg, Outcome, Probe};

#[derive(Debug, PartialEq)]
struct DiskFull {
    free: u32,
}

impl fmt::Display for DiskFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "disk full, {} bytes free", self.free)
    }
}

impl Error for DiskFull {}

async fn panic_reason() -> Result<ExitReason, Box<dyn Error>> {
    let server = Probe::new(&Log::default()).start().await?;
    let end = server.pid().ok_or("it has ended")?.monitor();
    server.cast(Msg::panic())?;
    Ok(end.await)
}

#[test]
fn every_error_converts_by_the_question_mark() {
    fn fails() -> Result<(), ExitReason> {
        Err(DiskFull { free: 7 })?;
        Ok(())
    }
    let reason = fails().err();
    let cause = reason
        .as_ref()
        .and_then(ExitReason::downcast_ref::<DiskFull>);
    assert_eq!(cause, Some(&DiskFull { free: 7 }));
}

#[test]
fn a_cause_is_found_under_its_own_type_alone() {
    let error = ExitReason::from(DiskFull { free: 1 });
    let shutdown = ExitReason::shutdown_with(DiskFull { free: 2 });
    assert!(error.downcast_ref::<fmt::Error>().is_none());
    assert_eq!(
        shutdown.downcast_ref::<DiskFull>(),
        Some(&DiskFull { free: 2 })
    );
    assert!(ExitReason::Normal.downcast_ref::<DiskFull>().is_none());
    assert!(ExitReason::Normal.cause().is_none());
    assert_eq!(
        error.cause().map(ToString::to_string).as_deref(),
        Some("disk full, 1 bytes free")
    );
}

#[test]
fn plain_text_and_boxed_errors_make_reasons() {
    assert_eq!(
        ExitReason::boxed("out of paper").to_string(),
        "out of paper"
    );
    assert_eq!(
        ExitReason::boxed(String::from("out of ink")).to_string(),
        "out of ink"
    );
    let boxed: Box<dyn Error + Send + Sync> = Box::new(DiskFull { free: 3 });
    let reason = ExitReason::boxed(boxed);
    assert_eq!(
        reason.downcast_ref::<DiskFull>(),
        Some(&DiskFull { free: 3 })
    );
}

#[tokio::test(start_paused = true)]
async fn only_normal_is_normal_and_only_orderly_ends_are_clean() -> Outcome {
    let table = [
        (ExitReason::Normal, true, true),
        (ExitReason::Shutdown, false, true),
        (ExitReason::shutdown_with("upgrade"), false, true),
        (ExitReason::Kill, false, false),
        (ExitReason::Killed, false, false),
        (ExitReason::NoProc, false, false),
        (ExitReason::boxed("failed"), false, false),
        (panic_reason().await?, false, false),
    ];
    for (reason, normal, clean) in table {
        assert_eq!(
            (reason.is_normal(), reason.is_clean()),
            (normal, clean),
            "{reason}"
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_reason_prints_what_happened() -> Outcome {
    let table = [
        (ExitReason::Normal, "normal", "Normal"),
        (ExitReason::Shutdown, "shutdown", "Shutdown"),
        (
            ExitReason::shutdown_with(DiskFull { free: 0 }),
            "shutdown: disk full, 0 bytes free",
            "ShutdownWith(DiskFull { free: 0 })",
        ),
        (ExitReason::Kill, "kill", "Kill"),
        (ExitReason::Killed, "killed", "Killed"),
        (ExitReason::NoProc, "no such process", "NoProc"),
        (
            DiskFull { free: 5 }.into(),
            "disk full, 5 bytes free",
            "Error(DiskFull { free: 5 })",
        ),
    ];
    for (reason, display, debug) in table {
        assert_eq!(
            (reason.to_string().as_str(), format!("{reason:?}").as_str()),
            (display, debug)
        );
    }
    let panic = panic_reason().await?;
    assert!(
        panic.to_string().starts_with("panicked") && panic.to_string().ends_with(": boom"),
        "{panic}"
    );
    assert!(format!("{panic:?}").starts_with("Panic("), "{panic:?}");
    Ok(())
}

#[test]
fn a_clone_carries_the_same_cause() {
    let reason = ExitReason::from(DiskFull { free: 9 });
    let cause = |reason: &ExitReason| reason.downcast_ref::<DiskFull>().map(std::ptr::from_ref);
    assert!(cause(&reason).is_some());
    assert_eq!(cause(&reason), cause(&reason.clone()));
}
