//! What errors say.

use std::error::Error;
use std::io;

use patterns_task::{
    Failure, GaveUp, ItemError, PipelineError, RaceError, RetryError, StartTaskError,
    SupervisedError, TaskError,
};

use crate::support::panicked;

#[test]
fn errors_say_what_has_happened() {
    let failed = || Failure::Failed("no route");
    let late = Failure::<&str>::Task(TaskError::Timeout);
    let item = ItemError {
        index: 3,
        input: "a",
        error: panicked("boom"),
    };
    let retried = |attempts, gave_up| {
        RetryError {
            attempts,
            failure: failed(),
            gave_up,
        }
        .to_string()
    };
    for (text, expected) in [
        (panicked("boom").to_string(), "panicked: boom"),
        (TaskError::Aborted.to_string(), "aborted"),
        (TaskError::Timeout.to_string(), "timed out"),
        (
            TaskError::NotStarted.to_string(),
            "the time was over before it was begun",
        ),
        (
            TaskError::Consumed.to_string(),
            "its outcome was taken before",
        ),
        (failed().to_string(), "no route"),
        (late.to_string(), "timed out"),
        (item.to_string(), "item 3: panicked: boom"),
        (
            RaceError::<&str>::Empty.to_string(),
            "there was nobody to race",
        ),
        (
            RaceError::Failed(vec![failed(), failed()]).to_string(),
            "none succeeded: no route; no route",
        ),
        (
            RaceError::Timeout(vec![failed(), late]).to_string(),
            "none succeeded in time: no route; timed out",
        ),
        (
            retried(1, GaveUp::Exhausted),
            "failed after 1 attempt: no route",
        ),
        (
            retried(3, GaveUp::Exhausted),
            "failed after 3 attempts: no route",
        ),
        (
            retried(2, GaveUp::NotWorthIt),
            "failed after 2 attempts, not to be tried again: no route",
        ),
        (
            retried(2, GaveUp::NoTime),
            "out of time after 2 attempts: no route",
        ),
        (
            PipelineError {
                step: 1,
                failure: failed(),
            }
            .to_string(),
            "step 1: no route",
        ),
        (
            StartTaskError::MaxChildren.to_string(),
            "the supervisor has as many tasks as it may have",
        ),
        (
            StartTaskError::Closed.to_string(),
            "the supervisor of the tasks does not run",
        ),
        (
            SupervisedError::Start(StartTaskError::Closed).to_string(),
            "the supervisor of the tasks does not run",
        ),
        (
            SupervisedError::Task(TaskError::Aborted).to_string(),
            "aborted",
        ),
    ] {
        assert_eq!(text, expected);
    }
}

#[test]
fn the_cause_of_an_error_is_its_source() {
    let cause = io::Error::other(TaskError::Aborted);
    let failure = Failure::Failed(cause);
    // The failure stands for its error: it says the same, and has the same source.
    assert_eq!(failure.to_string(), "aborted");
    let errors: [Box<dyn Error>; 3] = [
        Box::new(ItemError {
            index: 0,
            input: (),
            error: Failure::Failed(nested()),
        }),
        Box::new(RetryError {
            attempts: 1,
            failure: Failure::Failed(nested()),
            gave_up: GaveUp::Exhausted,
        }),
        Box::new(PipelineError {
            step: 0,
            failure: Failure::Failed(nested()),
        }),
    ];
    for error in errors {
        assert_eq!(error.source().unwrap().to_string(), "the cause");
    }
}

#[derive(Debug)]
struct Nested(io::Error);

fn nested() -> Nested {
    Nested(io::Error::other("the cause"))
}

impl std::fmt::Display for Nested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nested")
    }
}

impl Error for Nested {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn handles_can_be_sent_and_shared() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    send::<patterns_task::Task<std::cell::Cell<u8>>>();
    sync::<patterns_task::Task<u8>>();
    send::<patterns_task::SupervisedTask<u8>>();
    send::<patterns_task::ScopedTask<u8>>();
    send::<patterns_task::Scope>();
    sync::<patterns_task::Scope>();
    sync::<patterns_task::TaskSupervisor>();
    sync::<TaskError>();
    send::<TaskError>();
}

#[test]
fn only_a_timeout_is_one() {
    let late = || Failure::<&str>::Task(TaskError::Timeout);
    let failed = || Failure::Failed("no route");
    assert!(TaskError::Timeout.is_timeout() && TaskError::NotStarted.is_timeout());
    assert!(!TaskError::Aborted.is_timeout() && !panicked("boom").is_timeout());
    assert!(late().is_timeout() && !failed().is_timeout());

    let item = |error| ItemError {
        index: 0,
        input: (),
        error,
    };
    assert!(item(TaskError::Timeout).is_timeout() && !item(TaskError::Aborted).is_timeout());
    let item = |error| ItemError {
        index: 0,
        input: (),
        error,
    };
    assert!(item(late()).is_timeout() && !item(failed()).is_timeout());

    assert!(RaceError::Timeout(vec![late()]).is_timeout());
    assert!(!RaceError::Failed(vec![failed()]).is_timeout());
    assert!(!RaceError::<&str>::Empty.is_timeout());

    let retry = |failure, gave_up| RetryError {
        attempts: 2,
        failure,
        gave_up,
    };
    assert!(retry(late(), GaveUp::Exhausted).is_timeout());
    assert!(retry(failed(), GaveUp::NoTime).is_timeout());
    assert!(!retry(failed(), GaveUp::Exhausted).is_timeout());

    let step = |failure| PipelineError { step: 0, failure };
    assert!(step(late()).is_timeout() && !step(failed()).is_timeout());
    assert!(step(Failure::Task(TaskError::NotStarted)).is_timeout());

    assert!(SupervisedError::Task(TaskError::NotStarted).is_timeout());
    assert!(!SupervisedError::Task(TaskError::Aborted).is_timeout());
    assert!(!SupervisedError::Start(StartTaskError::Closed).is_timeout());
}
