//! Runs steps one after the other, times them, and lists every failure at the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::workspace::Workspace;

/// How a step ended that found no fault.
pub(crate) enum Verdict {
    /// The step did its work.
    Passed,
    /// The step could not do its work, for the reason given; this is no failure, but it is not
    /// silent either.
    Skipped(String),
}

/// The body of a step: its further arguments in, a verdict or the text of the failure out.
pub(crate) type Body = fn(&Workspace, &[String]) -> Result<Verdict, String>;

/// One command of `cargo xtask`.
pub(crate) struct Step {
    pub(crate) synopsis: &'static str,
    pub(crate) about: &'static str,
    body: Body,
}

impl Step {
    pub(crate) const fn new(synopsis: &'static str, about: &'static str, body: Body) -> Self {
        Self {
            synopsis,
            about,
            body,
        }
    }

    /// The word on the command line: the synopsis without its arguments.
    pub(crate) fn name(&self) -> &'static str {
        self.synopsis.split(' ').next().unwrap_or(self.synopsis)
    }
}

/// Runs `steps` to the end even where some fail, so that one run shows all there is to repair.
///
/// The closing table is printed for more than one step only: after `cargo xtask test` the last
/// lines stay cargo's own.
pub(crate) fn run(workspace: &Workspace, steps: &[&Step], args: &[String]) -> ExitCode {
    let results: Vec<_> = steps
        .iter()
        .map(|step| {
            if steps.len() > 1 {
                eprintln!("\n=== {}", step.name());
            }
            let begun = Instant::now();
            let result = (step.body)(workspace, args);
            let took = begun.elapsed();
            if steps.len() > 1 {
                eprintln!(
                    "=== {}: {} in {}",
                    step.name(),
                    word(&result),
                    seconds(took)
                );
            }
            (step.name(), took, result)
        })
        .collect();

    if let [(name, took, result)] = results.as_slice() {
        match result {
            Ok(Verdict::Passed) => eprintln!("{name}: ok in {}", seconds(*took)),
            Ok(Verdict::Skipped(why)) => eprintln!("{name}: SKIPPED: {why}"),
            Err(message) => eprintln!("{name}: FAILED in {}:{}", seconds(*took), indented(message)),
        }
    } else {
        print!("{}", summary(&results));
    }
    if results.iter().any(|(_, _, result)| result.is_err()) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// A duration as a person reads it.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

type Done = (&'static str, Duration, Result<Verdict, String>);

fn word(result: &Result<Verdict, String>) -> &'static str {
    match result {
        Ok(Verdict::Passed) => "ok",
        Ok(Verdict::Skipped(_)) => "SKIPPED",
        Err(_) => "FAILED",
    }
}

/// Several failures of one step stand below each other, each on a line of its own.
fn indented(message: &str) -> String {
    if message.contains('\n') {
        format!("\n{message}").replace('\n', "\n    ")
    } else {
        format!(" {message}")
    }
}

fn summary(results: &[Done]) -> String {
    let mut text = format!("\n{:<10}{:>9}  result\n", "step", "time");
    for (name, took, result) in results {
        text += &format!("{name:<10}{:>9}  {}", seconds(*took), word(result));
        if let Ok(Verdict::Skipped(why)) = result {
            text += &format!(": {why}");
        }
        text.push('\n');
    }
    let failures: Vec<_> = results
        .iter()
        .filter_map(|(name, _, result)| result.as_ref().err().map(|message| (name, message)))
        .collect();
    if failures.is_empty() {
        return text;
    }
    text += &format!("\n{} of {} steps failed:\n", failures.len(), results.len());
    for (name, message) in failures {
        text += &format!("  {name}:{}\n", indented(message));
    }
    text
}
