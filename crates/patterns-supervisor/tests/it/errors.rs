//! The errors, as texts.

use std::error::Error;

use patterns_supervisor::otp_core::CallError;
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

#[test]
fn the_cause_of_a_fault_that_hit_nobody_is_kept() {
    let cause = std::io::Error::other("disk full");
    let error = FaultError::Call(CallError::Exited(ExitReason::from(cause)));
    assert_eq!(error.source().unwrap().to_string(), "disk full");
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
