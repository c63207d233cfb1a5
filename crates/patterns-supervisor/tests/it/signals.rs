//! Real signals, sent to this very process.

use std::process::Command;
use std::time::Duration;

use patterns_supervisor::{Signal, shutdown_signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::support::{Outcome, deep_tree};

/// A signal is seen by everybody who listens: one test at a time.
async fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::const_new(());
    TURN.lock().await
}

/// Has the shell send this process a signal, as an operator would.
fn kill(signal: &str) {
    let line = format!("kill -{signal} {}", std::process::id());
    let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
    assert!(sent.success());
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn ctrl_c_and_sigterm_are_heard_and_told_apart() -> Outcome {
    let _turn = alone().await;
    for (name, signal) in [("TERM", Signal::Terminate), ("INT", Signal::Interrupt)] {
        let heard = shutdown_signal()?;
        kill(name);
        assert_eq!(timeout(LONG, heard).await?, signal);
    }
    Ok(())
}

#[tokio::test]
async fn a_signal_that_comes_before_the_wait_is_heard() -> Outcome {
    let _turn = alone().await;
    let heard = shutdown_signal()?;
    kill("TERM");
    let tree = deep_tree().await;
    let report = timeout(LONG, tree.run_until(heard)).await?;
    assert!(report.reason.is_normal());
    Ok(())
}

#[tokio::test]
async fn a_signal_stops_a_running_tree_in_order() -> Outcome {
    let _turn = alone().await;
    for name in ["TERM", "INT"] {
        let tree = deep_tree().await;
        let run = tokio::spawn(tree.run_until(shutdown_signal()?));
        tokio::task::yield_now().await;
        assert!(!run.is_finished());
        kill(name);
        let report = timeout(LONG, run).await??;
        assert!(report.reason.is_normal());
        assert_eq!(report.children.len(), 6);
    }
    Ok(())
}

#[tokio::test]
async fn a_signal_does_not_end_a_program_that_has_once_listened() -> Outcome {
    let _turn = alone().await;
    drop(shutdown_signal()?);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    kill("TERM");
    kill("INT");
    timeout(LONG, terminate.recv()).await?;
    timeout(LONG, interrupt.recv()).await?;
    let later = timeout(Duration::ZERO, shutdown_signal()?).await;
    assert!(later.is_err(), "what came before is not heard later");
    Ok(())
}

#[test]
fn a_signal_has_a_name() {
    let names = [Signal::Interrupt, Signal::Terminate].map(|signal| signal.to_string());
    insta::assert_snapshot!(names.join("\n"), @r"
    interrupted
    asked to terminate
    ");
}
