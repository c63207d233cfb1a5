//! What errors say.

use std::error::Error;
use std::fmt;

use patterns_registry::{
    BadOption, CallError, CallWorkerError, CastWorkerError, ExitReason, NotFound, StartError,
    StartWorkerError, StopWorkerError,
};

#[test]
fn each_error_has_its_text() {
    let failed = StartWorkerError::Failed(ExitReason::boxed("disk full"));
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(StartError::BadOption(BadOption {
            option: "max_workers",
            allowed: "1 or more",
        })),
        Box::new(StartError::NoRuntime),
        Box::new(StartWorkerError::MaxWorkers),
        Box::new(StartWorkerError::Ignored),
        Box::new(StartWorkerError::Timeout),
        Box::new(failed.clone()),
        Box::new(StartWorkerError::Stopped),
        Box::new(StartWorkerError::Closed),
        Box::new(StartWorkerError::CallingSelf),
        Box::new(CallWorkerError::Start(failed.clone())),
        Box::new(CallWorkerError::Call(CallError::Timeout)),
        Box::new(CastWorkerError::Start {
            error: failed,
            message: 1,
        }),
        Box::new(CastWorkerError::Full(1)),
        Box::new(CastWorkerError::Ended(1)),
        Box::new(StopWorkerError::NotFound),
        Box::new(StopWorkerError::CallingSelf),
        Box::new(NotFound),
    ];
    let texts: Vec<_> = errors.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    option `max_workers` must be 1 or more
    there is no tokio runtime here
    there are as many workers as there may be
    the worker declined to start
    the worker took longer than the start timeout
    the worker did not start: disk full
    the worker was stopped before it had started
    the registry does not run
    a worker cannot wait for itself
    the worker did not start: disk full
    no reply in time
    the worker did not start: disk full
    the worker's mailbox is full
    worker after worker ended before it took the message
    there is no worker under this key
    a worker cannot wait for its own end
    there is no worker under this key
    ");
}

#[test]
fn a_cast_error_prints_its_reason_and_gives_its_message_back() {
    struct Unprintable(u32);
    let error = CastWorkerError::Full(Unprintable(7));
    assert_eq!(format!("{error:?}"), "Full(..)");
    assert_eq!(error.into_message().0, 7);
    let error = CastWorkerError::Ended(Unprintable(8)).without_message();
    assert_eq!(format!("{error:?}"), "Ended(..)");
    let error = CastWorkerError::Start {
        error: StartWorkerError::Ignored,
        message: Unprintable(9),
    };
    assert_eq!(format!("{error:?}"), "Start(Ignored, ..)");
    assert_eq!(error.into_message().0, 9);
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
    let failed = || {
        let cause = Unreachable(std::io::Error::other("no such host"));
        StartWorkerError::Failed(ExitReason::from(cause))
    };
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(failed()),
        Box::new(StartWorkerError::MaxWorkers),
        Box::new(CallWorkerError::Start(failed())),
        Box::new(CallWorkerError::Call(CallError::Timeout)),
        Box::new(CastWorkerError::Start {
            error: failed(),
            message: 1,
        }),
        Box::new(CastWorkerError::Full(1)),
    ];
    let chains: Vec<_> = errors
        .iter()
        .map(|error| {
            let mut chain = error.to_string();
            let mut next = error.source();
            while let Some(error) = next {
                chain = format!("{chain}: {error}");
                next = error.source();
            }
            chain
        })
        .collect();
    insta::assert_snapshot!(chains.join("\n"), @r"
    the worker did not start: no connection: no such host
    there are as many workers as there may be
    the worker did not start: no connection: no such host
    no reply in time
    the worker did not start: no connection: no such host
    the worker's mailbox is full
    ");
}

#[test]
fn only_a_timeout_is_one() {
    let start = StartWorkerError::Timeout;
    assert!(start.is_timeout());
    assert!(CallWorkerError::Start(start.clone()).is_timeout());
    assert!(CallWorkerError::Call(CallError::Timeout).is_timeout());
    let cast = CastWorkerError::Start {
        error: start,
        message: 1,
    };
    assert!(cast.is_timeout());
    assert!(!StartWorkerError::Closed.is_timeout());
    assert!(!CallWorkerError::Start(StartWorkerError::Closed).is_timeout());
    assert!(!CallWorkerError::Call(CallError::NoProc).is_timeout());
    assert!(!CastWorkerError::Full(1).is_timeout());
    assert!(!CastWorkerError::Ended(1).is_timeout());
}
