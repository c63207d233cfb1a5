//! What a run writes down while it goes on: the undos of what was done, and the trace if it is asked for.

use std::fmt;

use tokio::time::Instant;

use crate::trace::{Outcome, StepTrace};
use crate::undoing::Undos;
use crate::undone::Name;

/// The notes of one run.
pub struct Journal {
    pub(crate) undos: Undos,
    recorder: Option<Box<Recorder>>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}

/// What makes the trace.
struct Recorder {
    steps: Vec<StepTrace>,
    /// Of the step in hand.
    began: Instant,
    attempts: u32,
}

impl Journal {
    pub(crate) const fn new() -> Self {
        Self {
            undos: Undos::new(),
            recorder: None,
        }
    }

    /// One that makes a trace.
    pub(crate) fn recording() -> Self {
        let recorder = Recorder {
            steps: Vec::new(),
            began: Instant::now(),
            attempts: 1,
        };
        Self {
            undos: Undos::new(),
            recorder: Some(Box::new(recorder)),
        }
    }

    /// A step begins.
    #[inline]
    pub(crate) fn begin(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.began = Instant::now();
            recorder.attempts = 1;
        }
    }

    /// The step in hand is tried once more.
    pub(crate) fn again(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.attempts = recorder.attempts.saturating_add(1);
        }
    }

    /// The step in hand has its output.
    #[inline]
    pub(crate) fn done(&mut self, step: &Name) {
        if self.recorder.is_some() {
            self.close(step, Outcome::Done);
        }
    }

    /// The step in hand is over.
    pub(crate) fn close(&mut self, step: &Name, outcome: Outcome) {
        if let Some(recorder) = &mut self.recorder {
            recorder.steps.push(StepTrace {
                step: step.clone(),
                outcome,
                attempts: recorder.attempts,
                took: recorder.began.elapsed(),
            });
        }
    }

    /// Takes what was recorded.
    pub(crate) fn take_steps(&mut self) -> Vec<StepTrace> {
        match self.recorder.take() {
            Some(recorder) => recorder.steps,
            None => Vec::new(),
        }
    }
}
