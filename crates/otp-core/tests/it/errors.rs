//! What errors say, and what they carry.

use std::error::Error;
use std::fmt;
use std::num::ParseIntError;

use otp_core::{
    BadOption, CallError, CastError, ChildError, ExitReason, FailedToStartChild, InspectError,
    StartChildError, StartError, StopError,
};

use crate::support::{Log, Msg, Outcome, Probe, shown};

/// What it says, and how it is shown to a programmer.
fn texts(error: &dyn Error) -> (String, String) {
    (error.to_string(), shown(&error))
}

#[test]
fn start_errors_say_what_is_wrong() {
    let cases = [
        (
            StartError::NoRuntime,
            "there is no tokio runtime here",
            "NoRuntime",
        ),
        (
            StartError::NoTimers,
            "the tokio runtime has no timers: build it with `enable_time`",
            "NoTimers",
        ),
        (
            StartError::BadOption(BadOption {
                option: "bounded",
                allowed: "1 or more",
            }),
            "option `bounded` must be 1 or more",
            r#"BadOption(BadOption { option: "bounded", allowed: "1 or more" })"#,
        ),
        (
            StartError::Ignored,
            "the server declined to start",
            "Ignored",
        ),
        (
            StartError::Timeout,
            "init took longer than the start timeout",
            "Timeout",
        ),
        (
            StartError::Failed(ExitReason::boxed("disk full")),
            "init failed: disk full",
            r#"Failed(Error("disk full"))"#,
        ),
        (
            StartError::Failed(ExitReason::Killed),
            "init failed: killed",
            "Failed(Killed)",
        ),
    ];
    for (error, text, debug) in cases {
        assert_eq!(texts(&error), (text.to_owned(), debug.to_owned()));
    }
}

#[test]
fn call_errors_say_what_is_wrong() {
    let exited = CallError::Exited(ExitReason::shutdown_with("moving"));
    let cases = [
        (CallError::Timeout, "no reply in time", "Timeout"),
        (CallError::NoProc, "no such process", "NoProc"),
        (
            exited,
            "the process ended before it replied: shutdown: moving",
            r#"Exited(ShutdownWith("moving"))"#,
        ),
        (
            CallError::NoReply,
            "the server dropped the call without a reply",
            "NoReply",
        ),
        (
            CallError::CallingSelf,
            "a process cannot call itself",
            "CallingSelf",
        ),
    ];
    for (error, text, debug) in cases {
        assert_eq!(texts(&error), (text.to_owned(), debug.to_owned()));
    }
}

#[test]
fn stop_errors_say_what_is_wrong() {
    let exited = StopError::Exited(ExitReason::Normal);
    let cases = [
        (StopError::NoProc, "no such process", "NoProc"),
        (
            exited,
            "the process ended for another reason: normal",
            "Exited(Normal)",
        ),
        (
            StopError::CallingSelf,
            "a process cannot wait for its own end",
            "CallingSelf",
        ),
    ];
    for (error, text, debug) in cases {
        assert_eq!(texts(&error), (text.to_owned(), debug.to_owned()));
    }
}

#[test]
fn inspect_errors_say_what_is_wrong() {
    let cases = [
        (
            InspectError::Call(CallError::NoProc),
            "no such process",
            "Call(NoProc)",
        ),
        (
            InspectError::OtherState {
                expected: "mine::Server",
            },
            "the server's state is no `mine::Server`",
            r#"OtherState { expected: "mine::Server" }"#,
        ),
    ];
    for (error, text, debug) in cases {
        assert_eq!(texts(&error), (text.to_owned(), debug.to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_look_says_so() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let panicked = server.inspect(|_: &Probe| -> () { panic!("boom") }).await;
    let text = panicked.map_err(|error| error.to_string());
    // Between the two stands where, if panics are recorded.
    assert!(
        text.as_ref()
            .is_err_and(|text| text.starts_with("the inspecting closure panicked")),
        "{text:?}"
    );
    assert!(
        text.as_ref().is_err_and(|text| text.ends_with(": boom")),
        "{text:?}"
    );
    Ok(())
}

#[test]
fn cast_errors_say_what_is_wrong_and_give_the_message_back() {
    let (full, gone) = (CastError::Full("message"), CastError::NoProc("message"));
    assert_eq!(
        texts(&full),
        ("the mailbox is full".to_owned(), "Full(..)".to_owned())
    );
    assert_eq!(
        texts(&gone),
        ("no such process".to_owned(), "NoProc(..)".to_owned())
    );
    assert!(full.is_full() && !gone.is_full());
    assert_eq!(
        (full.into_message(), gone.into_message()),
        ("message", "message")
    );
    // Messages need no traits for it.
    assert_eq!(shown(&CastError::Full(Msg::Note("note"))), "Full(..)");
}

/// An error with a cause of its own.
#[derive(Debug)]
struct BadPort(ParseIntError);

impl fmt::Display for BadPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bad port")
    }
}

impl Error for BadPort {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

fn bad_port() -> ExitReason {
    match "x".parse::<u16>() {
        Ok(port) => ExitReason::boxed(format!("{port} is a number")),
        Err(error) => BadPort(error).into(),
    }
}

#[test]
fn a_chain_of_errors_tells_each_cause_once() {
    let errors: [&dyn Error; 8] = [
        &StartError::Failed(bad_port()),
        &CallError::Exited(bad_port()),
        &StopError::Exited(bad_port()),
        &InspectError::Call(CallError::Exited(bad_port())),
        &InspectError::Panicked(bad_port()),
        &StartChildError::Failed(bad_port()),
        &ChildError::Failed(bad_port()),
        &FailedToStartChild {
            id: "web".into(),
            reason: bad_port(),
        },
    ];
    for error in errors {
        // The text has the first cause in it, so what comes next is the cause of that.
        assert!(error.to_string().ends_with("a bad port"), "{error}");
        let source = error
            .source()
            .and_then(|source| source.downcast_ref::<ParseIntError>());
        assert_eq!(
            source.map(ToString::to_string).as_deref(),
            Some("invalid digit found in string"),
            "{error:?}"
        );
    }
    let causeless: [&dyn Error; 6] = [
        &StartError::Failed(ExitReason::Killed),
        &StartError::Ignored,
        &CallError::Timeout,
        &CallError::Exited(ExitReason::Normal),
        &StopError::NoProc,
        &InspectError::OtherState {
            expected: "mine::Server",
        },
    ];
    for error in causeless {
        assert!(error.source().is_none(), "{error:?}");
    }
}

#[test]
fn errors_are_passed_on_by_the_question_mark() {
    fn call() -> Result<(), ExitReason> {
        Err(CallError::Timeout)?
    }
    assert_eq!(
        call()
            .err()
            .and_then(|reason| reason.downcast_ref::<CallError>().map(shown)),
        Some("Timeout".to_owned())
    );
}
