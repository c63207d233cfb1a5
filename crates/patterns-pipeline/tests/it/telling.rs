//! What nobody is there to be told is an event of tracing.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

use patterns_pipeline::Pipeline;
use testing::quiet;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::support::{Log, fail};

/// Writes events into a log.
struct Events(Log, AtomicU64);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(self.1.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.write(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn events(work: impl FnOnce()) -> String {
    let log = Log::default();
    let events = Events(log.clone(), AtomicU64::new(0));
    tracing::subscriber::with_default(events, work);
    log.take()
}

#[test]
fn without_a_hook_an_undo_that_was_not_done_is_an_error_event() {
    quiet();
    let pipeline = Pipeline::new()
        .step("a", Ok)
        .undo(|_| ())
        .step("b", Ok)
        .undo(|_| Err::<(), _>("stuck"))
        .step("c", fail);
    assert_eq!(
        events(|| assert_eq!(pipeline.run_sync(0), Err("no"))),
        "ERROR message=a step was not undone step=b outcome=stuck"
    );
    let lost = Pipeline::<u32, &str>::new()
        .step("a", Ok)
        .undo(|_| ())
        .step_async("b", |_| std::future::pending::<Result<u32, _>>());
    let dropped = events(|| {
        let mut run = Box::pin(lost.run(0));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(run.as_mut().poll(&mut cx).is_pending());
    });
    assert_eq!(
        dropped,
        "ERROR message=a step was not undone step=a outcome=not run, there is no runtime for it"
    );
}

#[test]
fn a_hook_is_told_instead_unless_it_panics() {
    quiet();
    let pipeline = |panics: bool| {
        Pipeline::new()
            .step("a", Ok)
            .undo(|_| Err::<(), _>("stuck"))
            .step("b", fail)
            .on_undone(move |_| assert!(!panics, "as told"))
    };
    assert_eq!(events(|| assert!(pipeline(false).run_sync(0).is_err())), "");
    assert_eq!(
        events(|| assert!(pipeline(true).run_sync(0).is_err())),
        "ERROR message=a step was not undone step=a outcome=stuck"
    );
}
