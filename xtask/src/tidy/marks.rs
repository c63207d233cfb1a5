//! Rules on what must not be written: unfinished marks, paths of a machine, tests that sleep or do
//! not run.

use super::Finding;
use super::rust_text::{code_lines, has_word};
use super::sources::Sources;

/// Unfinished work is an issue, not a mark in the text. The marks are spelled in two halves, or
/// this file had them.
pub(super) fn unfinished(sources: &Sources) -> Vec<Finding> {
    let words = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("HA", "CK"),
    ];
    let macros = [concat!("to", "do!"), concat!("unimple", "mented!")];
    find(sources, "unfinished", |path, line| {
        let is_code = path.ends_with(".rs");
        let word = words.into_iter().find(|word| has_word(line, word));
        let mark = word.or_else(|| {
            macros
                .into_iter()
                .find(|mark| is_code && line.contains(mark))
        })?;
        Some(format!("`{mark}`"))
    })
}

/// A path that exists on one machine only.
pub(super) fn machine_paths(sources: &Sources) -> Vec<Finding> {
    let roots = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/wo", "rk/"),
        concat!("/Us", "ers/"),
    ];
    find(sources, "machine-path", |_, line| {
        let root = roots.into_iter().find(|root| {
            line.match_indices(root)
                .any(|(at, _)| is_absolute(line, at, root))
        })?;
        Some(format!("a path under `{root}`"))
    })
}

/// Time is paused or passed in.
pub(super) fn sleeps(sources: &Sources) -> Vec<Finding> {
    in_crates(sources, "sleep", &["thread::sleep"])
}

/// A test that does not run, or passes for any panic, shows nothing.
pub(super) fn disabled_tests(sources: &Sources) -> Vec<Finding> {
    in_crates(sources, "tests-run", &["#[ignore", "#[should_panic"])
}

/// Lines of any text file for which `judge` has a message. The lock file is cargo's own text.
fn find(
    sources: &Sources,
    rule: &'static str,
    judge: impl Fn(&str, &str) -> Option<String>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in sources
        .all()
        .filter(|(path, _)| !path.ends_with("Cargo.lock"))
    {
        for (index, line) in text.lines().enumerate() {
            findings.extend(
                judge(path, line).map(|message| Finding::new(path, index + 1, rule, message)),
            );
        }
    }
    findings
}

/// Whether the match at `at` begins a path, and is not the middle of a longer relative one or of an
/// address.
fn is_absolute(line: &str, at: usize, root: &str) -> bool {
    let before = line[..at].chars().next_back();
    let begins = before.is_none_or(|c| !c.is_alphanumeric() && !"_-.~*}>".contains(c));
    begins && line[at + root.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Code under `src` or `tests` of a crate of the workspace that holds one of `needles`.
fn in_crates(sources: &Sources, rule: &'static str, needles: &[&str]) -> Vec<Finding> {
    let crates = sources.crates();
    let mut findings = Vec::new();
    for (path, text) in sources.rust() {
        let judged = crates.iter().any(|folder| {
            path.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with("/src/") || rest.starts_with("/tests/"))
        });
        if !judged {
            continue;
        }
        for (line, code) in code_lines(text) {
            let found = needles.iter().find(|needle| code.contains(**needle));
            findings
                .extend(found.map(|needle| Finding::new(path, line, rule, format!("`{needle}`"))));
        }
    }
    findings
}
