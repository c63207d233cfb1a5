//! The errors, as texts.

use std::error::Error;
use std::fmt;

use otp_core::CallError;
use patterns_supervisor::{ChildError, ExitReason, FaultError};

#[test]
fn a_fault_that_hits_nobody_says_why() {
    let texts = [
        FaultError::NotFound,
        FaultError::NotRunning,
        FaultError::Call(CallError::NoProc),
        FaultError::Call(CallError::Exited(ExitReason::boxed("disk full"))),
    ]
    .map(|error| error.to_string());
    insta::assert_snapshot!(texts.join("\n"), @r"
    there is no child at this path
    the child does not run
    no such process
    the process ended before it replied: disk full
    ");
}

/// An error that says what it is about, and why.
#[derive(Debug)]
struct Unreachable(std::io::Error);

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no connection")
    }
}

impl Error for Unreachable {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn the_cause_of_a_fault_that_hit_nobody_is_kept() {
    let cause = Unreachable(std::io::Error::other("no such host"));
    let error = FaultError::Call(CallError::Exited(ExitReason::from(cause)));
    assert!(error.to_string().ends_with("no connection"));
    let mut root = error.source().unwrap();
    while let Some(next) = root.source() {
        root = next;
    }
    assert_eq!(root.to_string(), "no such host");
    assert!(FaultError::NotFound.source().is_none());
    assert!(FaultError::NotRunning.source().is_none());
}

#[test]
fn what_cannot_be_done_with_a_child_says_why() {
    let texts = [
        ChildError::NotFound,
        ChildError::NotSupervisor,
        ChildError::Running,
        ChildError::Restarting,
    ]
    .map(|error| error.to_string());
    insta::assert_snapshot!(texts.join("\n"), @r"
    there is no child with this id
    the child is no supervisor
    the child runs
    the child is being restarted
    ");
}

#[test]
fn only_a_timeout_is_one() {
    assert!(FaultError::Call(CallError::Timeout).is_timeout());
    assert!(!FaultError::Call(CallError::NoProc).is_timeout());
    assert!(!FaultError::NotFound.is_timeout());
    assert!(!FaultError::NotRunning.is_timeout());
}
