//! What the command line asks for.

use std::path::PathBuf;
use std::time::Duration;

/// The scenario groups, in the order in which they run.
pub(crate) const GROUPS: [&str; 16] = [
    "call",
    "cast",
    "start",
    "memory",
    "growth",
    "relations",
    "supervision",
    "registry",
    "cache",
    "store",
    "agent",
    "task",
    "pool",
    "limit",
    "breaker",
    "pubsub",
];

/// What to run, and how long.
#[derive(Debug)]
pub(crate) struct Options {
    /// Few iterations, only to see that everything works.
    pub(crate) quick: bool,
    /// The raw output of the BEAM script, for comparison.
    pub(crate) beam: Option<PathBuf>,
    groups: Vec<String>,
}

impl Options {
    /// Reads the arguments that follow the program's name.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let mut options = Self {
            quick: false,
            beam: None,
            groups: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--beam" => {
                    let file = arguments.next().ok_or("--beam needs a file")?;
                    options.beam = Some(PathBuf::from(file));
                }
                group if GROUPS.contains(&group) => options.groups.push(group.to_owned()),
                other => {
                    return Err(format!(
                        "unknown argument `{other}`; usage: [--quick] [--beam FILE] [{}]...",
                        GROUPS.join("|")
                    ));
                }
            }
        }
        Ok(options)
    }

    /// Whether the group was asked for, by name or by asking for none.
    pub(crate) fn wants(&self, group: &str) -> bool {
        self.groups.is_empty() || self.groups.iter().any(|wanted| wanted == group)
    }

    /// Whether every group runs, so that the document is complete.
    pub(crate) fn is_complete(&self) -> bool {
        !self.quick && GROUPS.iter().all(|group| self.wants(group))
    }

    /// `full`, or 3 when only trying.
    pub(crate) fn runs(&self, full: usize) -> usize {
        if self.quick { 3 } else { full }
    }

    /// How long one run should take.
    pub(crate) fn run_time(&self) -> Duration {
        Duration::from_millis(if self.quick { 5 } else { 120 })
    }

    /// `full`, or a hundredth of it when only trying.
    pub(crate) fn size(&self, full: u64) -> u64 {
        if self.quick {
            (full / 100).max(1)
        } else {
            full
        }
    }
}
