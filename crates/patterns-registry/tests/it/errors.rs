//! What errors say.

use std::error::Error;

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
        Box::new(StartWorkerError::NotRunning),
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
    let causes: Vec<_> = errors
        .iter()
        .filter_map(|error| Some(error.source()?.to_string()))
        .collect();
    insta::assert_snapshot!(causes.join("\n"), @r"
    disk full
    disk full
    disk full
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
