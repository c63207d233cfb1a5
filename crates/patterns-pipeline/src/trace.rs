//! What a run did, step by step.

use std::fmt;
use std::time::Duration;

use crate::error::{Cause, StepError};
use crate::undone::{Name, UndoOutcome, Undone};

/// What [`run_traced`](crate::Pipeline::run_traced) returns.
#[derive(Debug)]
pub struct Traced<T, E> {
    /// The output, or where and why the run ended.
    pub result: Result<T, StepError<E>>,
    /// What it did.
    pub trace: Trace,
}

/// What a run did. As text it is a table.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_pipeline::Pipeline;
///
/// let pipeline = Pipeline::new()
///     .step("parse", |text: &str| text.parse::<u64>().map_err(|_| "not a number"))
///     .step_async("wait", |ms| async move { tokio::time::sleep(Duration::from_millis(ms)).await; Ok(ms) })
///     .undo(|_| ())
///     .step("check", |ms| if ms < 10 { Ok(ms) } else { Err("too long") });
/// let run = pipeline.run_traced("20").await;
/// assert_eq!(run.trace.to_string(), "\
/// step   outcome  attempts    took
/// parse  done            1   0.0ns
/// wait   done            1  20.0ms
/// check  failed          1   0.0ns
/// wait   undone              0.0ns
/// ");
/// # }
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Trace {
    /// The steps that were begun, in their order; the last one is where the run ended.
    pub steps: Vec<StepTrace>,
    /// What became of each undo, in the order in which they were run.
    pub undone: Vec<Undone>,
}

/// What became of one step of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepTrace {
    /// Its name.
    pub step: Name,
    /// How it ended.
    pub outcome: Outcome,
    /// How often it was tried: 1, or more with [`retry`](crate::Pipeline::retry).
    pub attempts: u32,
    /// How long it took, with all attempts and the delays between them.
    pub took: Duration,
}

/// How a step ended. There are no other ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// With an output.
    Done,
    /// With an error.
    Failed,
    /// Its time was over.
    Timeout,
    /// With a panic.
    Panicked,
}

impl Outcome {
    pub(crate) const fn of<E>(cause: &Cause<E>) -> Self {
        match cause {
            Cause::Failed(_) => Self::Failed,
            Cause::Timeout { .. } => Self::Timeout,
            Cause::Panicked(_) => Self::Panicked,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Timeout => "timed out",
            Self::Panicked => "panicked",
        })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = self.steps.iter().map(|step| {
            let attempts = step.attempts.to_string();
            [
                step.step.to_string(),
                step.outcome.to_string(),
                attempts,
                time(step.took),
            ]
        });
        let undone = self.undone.iter().map(|undone| {
            let outcome = match &undone.outcome {
                UndoOutcome::Done => "undone".to_owned(),
                other => format!("not undone: {other}"),
            };
            [
                undone.step.to_string(),
                outcome,
                String::new(),
                time(undone.took),
            ]
        });
        let head = ["step", "outcome", "attempts", "took"].map(String::from);
        let rows: Vec<_> = [head].into_iter().chain(steps).chain(undone).collect();
        let [name, outcome, attempts, took] = [0, 1, 2, 3].map(|column| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        });
        for [a, b, c, d] in &rows {
            writeln!(f, "{a:name$}  {b:outcome$}  {c:>attempts$}  {d:>took$}")?;
        }
        Ok(())
    }
}

fn time(took: Duration) -> String {
    format!("{took:.1?}")
}
