//! What errors say.

use std::error::Error;
use std::sync::Arc;

use patterns_pool::{
    BadOption, CallError, CheckoutError, CreateError, ExitReason, ProcessError, StartError,
    TransactionError, WaitedFor,
};

use crate::support::ms;

fn timeout(cause: WaitedFor) -> CheckoutError {
    CheckoutError::Timeout {
        waited: ms(250),
        cause,
    }
}

#[test]
fn texts_say_what_happened() {
    let io = || std::io::Error::other("no such host");
    let failed = || CreateError::Failed(Arc::new(io()));
    let lines = [
        timeout(WaitedFor::Return {
            in_use: 3,
            waiting: 2,
        })
        .to_string(),
        timeout(WaitedFor::Start { starting: 1 }).to_string(),
        timeout(WaitedFor::Create(failed())).to_string(),
        CheckoutError::Shed { waited: ms(101) }.to_string(),
        CheckoutError::Closed.to_string(),
        CreateError::Panicked("as told".into()).to_string(),
        CreateError::Timeout.to_string(),
        CreateError::Ended(ExitReason::Killed).to_string(),
        TransactionError::WorkerCrashed(ExitReason::Killed).to_string(),
        TransactionError::from(CheckoutError::Closed).to_string(),
        ProcessError::WorkerCrashed(ExitReason::Killed).to_string(),
        ProcessError::Call(CallError::Timeout).to_string(),
        ProcessError::from(CheckoutError::Closed).to_string(),
        StartError::Create(failed()).to_string(),
        StartError::Server(otp_core::StartError::NoRuntime).to_string(),
        BadOption {
            option: "size",
            allowed: "1 or more",
        }
        .to_string(),
        StartError::BadOption(BadOption {
            option: "size",
            allowed: "1 or more",
        })
        .to_string(),
    ];
    insta::assert_snapshot!(lines.join("\n"), @r"
    no member after 250ms: exhausted, 3 in use and 2 waiting
    no member after 250ms: 1 still being made
    no member after 250ms: creating a member failed: no such host
    turned away after 101ms: the pool is overloaded
    the pool is closed
    creating a member panicked: as told
    creating a member took longer than `create_timeout`
    a member ended before it was used: killed
    the worker ended in the transaction: killed
    the pool is closed
    the worker ended over the job: killed
    the worker did not reply: no reply in time
    the pool is closed
    one of the first members could not be made
    the pool's process did not start
    option `size` must be 1 or more
    option `size` must be 1 or more
    ");
}

#[test]
fn causes_are_found_by_source() {
    let error = timeout(WaitedFor::Create(CreateError::Timeout));
    assert_eq!(
        error.source().unwrap().to_string(),
        CreateError::Timeout.to_string()
    );
    assert!(timeout(WaitedFor::Start { starting: 1 }).source().is_none());
    let error = StartError::Create(CreateError::Timeout);
    assert_eq!(
        error.source().unwrap().to_string(),
        CreateError::Timeout.to_string()
    );
    let reason = ExitReason::boxed("disk full");
    let error = TransactionError::WorkerCrashed(reason.clone());
    assert_eq!(error.source().unwrap().to_string(), "disk full");
    let error = ProcessError::WorkerCrashed(reason);
    assert_eq!(error.source().unwrap().to_string(), "disk full");
    assert!(error.to_string().ends_with("disk full"));
}

#[test]
fn only_a_timeout_is_one() {
    assert!(timeout(WaitedFor::Start { starting: 1 }).is_timeout());
    assert!(!CheckoutError::Closed.is_timeout());
    assert!(!CheckoutError::Shed { waited: ms(1) }.is_timeout());
}
