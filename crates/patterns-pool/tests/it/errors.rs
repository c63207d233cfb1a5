//! What errors say.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use patterns_pool::{
    BadOption, CallError, CheckoutError, CreateError, ExitReason, ProcessError, StartError,
    TransactionError, WaitedFor,
};
use testing::ms;

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
fn causes_are_found_by_source_and_none_is_told_twice() {
    let unreachable = || Unreachable(std::io::Error::other("no such host"));
    let failed = || CreateError::Failed(Arc::new(unreachable()));
    let reason = || ExitReason::from(unreachable());
    let chain = |error: &dyn Error| {
        let mut chain = error.to_string();
        let mut next = error.source();
        while let Some(error) = next {
            chain = format!("{chain}: {error}");
            next = error.source();
        }
        chain
    };
    let chains = [
        chain(&failed()),
        chain(&CreateError::Ended(reason())),
        chain(&timeout(WaitedFor::Create(failed()))),
        chain(&timeout(WaitedFor::Start { starting: 1 })),
        chain(&StartError::Create(failed())),
        chain(&StartError::Server(otp_core::StartError::NoRuntime)),
        chain(&TransactionError::from(timeout(
            WaitedFor::Create(failed()),
        ))),
        chain(&TransactionError::WorkerCrashed(reason())),
        chain(&ProcessError::from(timeout(WaitedFor::Create(failed())))),
        chain(&ProcessError::WorkerCrashed(reason())),
        chain(&ProcessError::Call(CallError::Timeout)),
    ];
    insta::assert_snapshot!(chains.join("\n"), @r"
    creating a member failed: no connection: no such host
    a member ended before it was used: no connection: no such host
    no member after 250ms: creating a member failed: no connection: no such host
    no member after 250ms: 1 still being made
    one of the first members could not be made: creating a member failed: no connection: no such host
    the pool's process did not start: there is no tokio runtime here
    no member after 250ms: creating a member failed: no connection: no such host
    the worker ended in the transaction: no connection: no such host
    no member after 250ms: creating a member failed: no connection: no such host
    the worker ended over the job: no connection: no such host
    the worker did not reply: no reply in time
    ");
}

#[test]
fn only_a_timeout_is_one() {
    assert!(timeout(WaitedFor::Start { starting: 1 }).is_timeout());
    assert!(!CheckoutError::Closed.is_timeout());
    assert!(!CheckoutError::Shed { waited: ms(1) }.is_timeout());
    assert!(CreateError::Timeout.is_timeout());
    assert!(!CreateError::Ended(ExitReason::Killed).is_timeout());

    let checkout = || timeout(WaitedFor::Start { starting: 1 });
    assert!(TransactionError::from(checkout()).is_timeout());
    assert!(!TransactionError::from(CheckoutError::Closed).is_timeout());
    assert!(!TransactionError::WorkerCrashed(ExitReason::Killed).is_timeout());
    assert!(ProcessError::from(checkout()).is_timeout());
    assert!(ProcessError::Call(CallError::Timeout).is_timeout());
    assert!(!ProcessError::Call(CallError::NoReply).is_timeout());
    assert!(!ProcessError::from(CheckoutError::Closed).is_timeout());
    assert!(!ProcessError::WorkerCrashed(ExitReason::Killed).is_timeout());
}
