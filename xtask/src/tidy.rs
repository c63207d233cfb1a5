//! The project's own rules, as far as a program can judge them.

mod crates;
mod files;
mod links;
mod manifests;
mod marks;
mod readmes;
mod rust_text;
mod sources;
#[cfg(test)]
mod tests;
mod top_level;
mod tree_size;

use std::fmt;

use crate::runner::Verdict;
use crate::steps::no_arguments;
use crate::workspace::Workspace;
use sources::Sources;

/// The rules that judge by the files alone.
const RULES: [fn(&Sources) -> Vec<Finding>; 16] = [
    top_level::only_the_agreed_entries,
    crates::skeleton,
    crates::unique_examples,
    manifests::direction,
    manifests::inheritance,
    files::header,
    files::length,
    files::no_mod_rs,
    files::index_without_logic,
    marks::unfinished,
    marks::machine_paths,
    marks::sleeps,
    marks::disabled_tests,
    readmes::included,
    readmes::types_named,
    links::targets_exist,
];

/// A place where a rule is broken.
#[derive(Debug)]
struct Finding {
    file: String,
    line: usize,
    rule: &'static str,
    message: String,
}

impl Finding {
    fn new(file: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            rule,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {}: {}",
            self.file, self.line, self.rule, self.message
        )
    }
}

pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result<Verdict, String> {
    no_arguments(args)?;
    let sources = Sources::read(workspace)?;
    let mut findings: Vec<Finding> = RULES.iter().flat_map(|rule| rule(&sources)).collect();
    findings.extend(tree_size::within_bounds(workspace)?);
    findings.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} files judged", sources.all().count());
    match findings.len() {
        0 => Ok(Verdict::Passed),
        1 => Err("1 finding, listed above".to_owned()),
        count => Err(format!("{count} findings, listed above")),
    }
}
