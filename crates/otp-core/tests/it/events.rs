//! The events that a process leaves in the log.

use std::sync::{Arc, Mutex};

use otp_core::ExitReason;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::support::{Log, Msg, Outcome, Probe, quiet};

/// Collects events: level, message and reason.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if matches!(field.name(), "message" | "reason" | "name" | "dropped") {
            self.0 += &format!(" {}={value:?}", field.name());
        }
    }
}

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target().starts_with("otp_core") {
            let mut line = Line(event.metadata().level().to_string());
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test(start_paused = true)]
async fn only_a_crash_is_an_error_in_the_log() -> Outcome {
    let ends = [
        (ExitReason::Normal, Level::DEBUG),
        (ExitReason::Shutdown, Level::DEBUG),
        (ExitReason::shutdown_with("moving"), Level::DEBUG),
        (ExitReason::Killed, Level::ERROR),
        (ExitReason::boxed("why"), Level::ERROR),
    ];
    // While one listener exists, tracing asks only the thread that first comes by an event whether anybody wants it,
    // and the other tests here want none. With a second one alive it asks all listeners.
    let _second = tracing::Dispatch::new(Events::default());
    for (reason, _) in &ends {
        let server = Probe::new(&Log::default()).start().await?;
        server.cast(Msg::end(reason.clone()))?;
        quiet().await;
    }
    tracing::callsite::rebuild_interest_cache();
    for (reason, level) in ends {
        let events = Events::default();
        let _listening = tracing::subscriber::set_default(events.clone());
        let server = Probe::new(&Log::default()).start().await?;
        server.cast(Msg::end(reason.clone()))?;
        server.cast(Msg::Note("left"))?;
        quiet().await;
        let events = std::mem::take(&mut *events.0.lock().unwrap());
        let [started, exited] = &events[..] else {
            panic!("{events:?}");
        };
        assert_eq!(started, "DEBUG message=process started");
        assert_eq!(
            *exited,
            format!("{level} message=process exited reason={reason} dropped=1")
        );
    }
    Ok(())
}
