//! Rules on single Rust files: how they begin, how long they are, what an index may hold.

use super::Finding;
use super::rust_text::{code_lines, code_lines_without_tests};
use super::sources::Sources;

/// The most lines of code that a file under `src` may have.
const MOST_LINES: usize = 300;

/// Each file says in its first line what it is about; a crate's index may leave that to the README
/// it includes.
pub(super) fn header(sources: &Sources) -> Vec<Finding> {
    sources
        .rust()
        .filter(|(path, text)| {
            let is_readme =
                path.ends_with("/src/lib.rs") && text.starts_with("#![doc = include_str!");
            !text.starts_with("//!") && !is_readme
        })
        .map(|(path, _)| {
            Finding::new(
                path,
                1,
                "header",
                "the file does not begin with a `//!` line",
            )
        })
        .collect()
}

/// One concept a file; tests, comments and blank lines are not counted.
pub(super) fn length(sources: &Sources) -> Vec<Finding> {
    sources
        .rust()
        .filter(|(path, _)| {
            path.contains("/src/") && !path.contains("/tests/") && !path.ends_with("/tests.rs")
        })
        .filter_map(|(path, text)| {
            let lines = code_lines_without_tests(text);
            let (first_too_many, _) = lines.get(MOST_LINES)?;
            let message = format!(
                "{} lines of code, at most {MOST_LINES} are allowed",
                lines.len()
            );
            Some(Finding::new(path, *first_too_many, "length", message))
        })
        .collect()
}

/// A module is `foo.rs` and its folder `foo/`.
pub(super) fn no_mod_rs(sources: &Sources) -> Vec<Finding> {
    sources
        .rust()
        .filter(|(path, _)| path.ends_with("/mod.rs"))
        .map(|(path, _)| Finding::new(path, 1, "no-mod-rs", "name the file after the module"))
        .collect()
}

/// `lib.rs` lists what there is; what it does stands elsewhere.
pub(super) fn index_without_logic(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in sources.crates() {
        let path = format!("{folder}/src/lib.rs");
        let text = sources.text(&path).unwrap_or_default();
        let functions =
            code_lines(text).filter(|(_, line)| line.split_whitespace().any(|word| word == "fn"));
        findings
            .extend(functions.map(|(line, _)| {
                Finding::new(&path, line, "index", "a function in an index file")
            }));
    }
    findings
}
