//! Each rule on a small repository that keeps it, and on the same one with one file changed.

use super::sources::Sources;
use super::{Finding, RULES};
use super::{crates, files, links, manifests, marks, readmes, top_level, tree_size};
use crate::crate_tree;

const MANIFEST: &str = "[package]
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
repository.workspace = true
[dependencies]
tokio = { workspace = true, features = [] }
otp-core.workspace = true
[lints]
workspace = true
";
const INDEX: &str = "//! Index.
#![doc = include_str!(\"../README.md\")]
mod a;
pub use a::{A, limit};
pub use b::Old as New;
";

/// A repository that keeps every rule, with `path` changed to hold `text`.
fn repository(path: &str, text: &str) -> Sources {
    let mut all = vec![
        (
            "Cargo.toml".to_owned(),
            "[workspace]\nexclude = [\"crates/peers\"]\n".to_owned(),
        ),
        (
            "README.md".to_owned(),
            "See [a](crates/patterns-a#use).\n".to_owned(),
        ),
        (
            ".github/SECURITY.md".to_owned(),
            "[up](../README.md), `[x](y)`\n".to_owned(),
        ),
        (
            "xtask/Cargo.toml".to_owned(),
            MANIFEST.replace("otp-core.workspace = true\n", ""),
        ),
        (
            "crates/peers/Cargo.toml".to_owned(),
            "[workspace]\n".to_owned(),
        ),
    ];
    let others = [
        "Cargo.lock",
        "docs/A.md",
        "deny.toml",
        "rust-toolchain.toml",
        ".cargo/config.toml",
        ".ci/run",
    ];
    all.extend(
        others
            .iter()
            .chain(&[".gitignore"])
            .map(|path| ((*path).to_owned(), String::new())),
    );
    for (name, manifest) in [
        ("patterns-a", MANIFEST.to_owned()),
        (
            "otp-core",
            MANIFEST.replace("otp-core.workspace = true\n", ""),
        ),
    ] {
        let example = format!("examples/{name}.rs");
        for (file, text) in [
            ("Cargo.toml", manifest.as_str()),
            ("README.md", "`A` and `New`.\n"),
            ("CHANGELOG.md", ""),
            ("LICENSE-MIT", ""),
            ("LICENSE-APACHE", ""),
            ("src/lib.rs", INDEX),
            ("src/error.rs", "//! Errors.\n"),
            ("tests/it/main.rs", "//! Tests.\n"),
            (&example, "//! Example.\n"),
        ] {
            all.push((format!("crates/{name}/{file}"), text.to_owned()));
        }
    }
    all.retain(|(other, _)| other != path);
    if text != REMOVED {
        all.push((path.to_owned(), text.to_owned()));
    }
    Sources::new(all)
}

/// Stands for the text of a file that is to be missing.
const REMOVED: &str = "\0";

/// What `rule` says after the change, without the messages.
fn found(rule: fn(&Sources) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
    let findings = rule(&repository(path, text));
    findings
        .iter()
        .map(|finding| format!("{}:{}: {}", finding.file, finding.line, finding.rule))
        .collect()
}

#[test]
fn a_repository_that_keeps_the_rules_has_no_findings() {
    let sources = repository("docs/A.md", "");
    let findings: Vec<_> = RULES
        .iter()
        .flat_map(|rule| rule(&sources))
        .map(|finding| finding.to_string())
        .collect();
    assert_eq!(findings, [""; 0]);
}

#[test]
fn a_finding_says_file_line_rule_and_message() {
    let findings = links::targets_exist(&repository("docs/A.md", "\n[x](gone.md)\n"));
    assert_eq!(
        findings[0].to_string(),
        "docs/A.md:2: link: `gone.md` leads nowhere"
    );
}

#[test]
fn an_entry_too_many_or_too_few_at_the_top_level_is_found() {
    let rule = top_level::only_the_agreed_entries;
    assert_eq!(
        found(rule, "notes/plan.md", ""),
        ["notes/plan.md:1: top-level"]
    );
    assert_eq!(
        found(rule, "deny.toml", REMOVED),
        ["deny.toml:1: top-level"]
    );
}

#[test]
fn a_missing_part_of_the_skeleton_is_found() {
    let a = "crates/patterns-a";
    for file in ["LICENSE-MIT", "src/lib.rs", "tests/it/main.rs"] {
        let path = format!("{a}/{file}");
        assert_eq!(
            found(crates::skeleton, &path, REMOVED),
            [format!("{path}:1: skeleton")]
        );
    }
    let examples = found(
        crates::skeleton,
        "crates/patterns-a/examples/patterns-a.rs",
        REMOVED,
    );
    assert_eq!(examples, ["crates/patterns-a/examples/NAME.rs:1: skeleton"]);
}

#[test]
fn an_example_name_used_twice_is_found() {
    let path = "crates/patterns-a/examples/otp-core.rs";
    assert_eq!(
        found(crates::unique_examples, path, "//! x\n"),
        [format!("{path}:1: example-name")]
    );
}

#[test]
fn a_dependency_in_the_wrong_direction_is_found() {
    let sideways = "[dev-dependencies]\npatterns-a = { path = \"../patterns-a\" }\n";
    let path = "crates/patterns-b/Cargo.toml";
    assert_eq!(
        found(manifests::direction, path, sideways),
        [format!("{path}:2: direction")]
    );
    let path = "crates/otp-core/Cargo.toml";
    let downwards = "[dependencies]\nx = { package = \"patterns-a\", workspace = true }\n";
    assert_eq!(
        found(manifests::direction, path, downwards),
        [format!("{path}:2: direction")]
    );
}

#[test]
fn what_a_manifest_does_not_inherit_is_found() {
    let path = "crates/patterns-a/Cargo.toml";
    for (from, to, line) in [
        ("edition.workspace = true", "edition = \"2024\"", 1),
        ("[lints]\nworkspace = true", "", 1),
        (
            "otp-core.workspace = true",
            "otp-core = { path = \"../otp-core\", version = \"1\" }",
            9,
        ),
    ] {
        let changed = found(manifests::inheritance, path, &MANIFEST.replace(from, to));
        assert_eq!(changed, [format!("{path}:{line}: inherit")]);
    }
    let in_tests_by_path =
        format!("{MANIFEST}[dev-dependencies]\notp-core = {{ path = \"../otp-core\" }}\n");
    assert_eq!(
        found(manifests::inheritance, path, &in_tests_by_path),
        [""; 0]
    );
}

#[test]
fn a_file_without_a_header_is_found() {
    let path = "crates/patterns-a/src/a.rs";
    assert_eq!(
        found(files::header, path, "use x;\n"),
        [format!("{path}:1: header")]
    );
    assert_eq!(
        found(files::header, path, "// x\n"),
        [format!("{path}:1: header")]
    );
}

#[test]
fn a_file_with_too_much_code_is_found_and_tests_and_comments_are_not_counted() {
    let path = "crates/patterns-a/src/a.rs";
    let longest = "let x;\n".repeat(300);
    let uncounted = "// x\n\n/* x\nx */\n#[cfg(test)]\nmod tests {\n    x\n}\n".repeat(9);
    assert_eq!(
        found(files::length, path, &format!("{uncounted}{longest}")),
        [""; 0]
    );
    assert_eq!(
        found(files::length, path, &format!("{longest}\nlet y;\n")),
        [format!("{path}:302: length")]
    );
    assert_eq!(
        found(
            files::length,
            "crates/patterns-a/src/a/tests.rs",
            &longest.repeat(2)
        ),
        [""; 0]
    );
}

#[test]
fn a_mod_rs_is_found() {
    let path = "crates/patterns-a/src/a/mod.rs";
    assert_eq!(
        found(files::no_mod_rs, path, "//! x\n"),
        [format!("{path}:1: no-mod-rs")]
    );
}

#[test]
fn a_function_in_an_index_is_found() {
    let path = "crates/patterns-a/src/lib.rs";
    let text = format!("{INDEX}//! fn in a comment\npub const fn x() {{}}\n");
    assert_eq!(
        found(files::index_without_logic, path, &text),
        [format!("{path}:7: index")]
    );
}

#[test]
fn an_unfinished_mark_is_found_where_it_is_a_word() {
    let mark = ["TO", "DO"].concat();
    let path = "docs/A.md";
    assert_eq!(
        found(marks::unfinished, path, &format!("x\n{mark}: y\n")),
        [format!("{path}:2: unfinished")]
    );
    assert_eq!(
        found(marks::unfinished, path, &format!("{mark}S\n")),
        [""; 0]
    );
    let path = "crates/patterns-a/src/a.rs";
    let code = format!("{}!()\n", mark.to_lowercase());
    assert_eq!(
        found(marks::unfinished, path, &code),
        [format!("{path}:1: unfinished")]
    );
}

#[test]
fn a_path_of_one_machine_is_found_and_a_relative_one_is_not() {
    let path = ".ci/run";
    let home = ["/ho", "me/"].concat();
    for text in [format!("cd {home}me\n"), format!("file://{home}me\n")] {
        assert_eq!(
            found(marks::machine_paths, path, &text),
            [format!("{path}:1: machine-path")]
        );
    }
    for text in [format!("cd a{home}me\n"), format!("{home} is a folder\n")] {
        assert_eq!(found(marks::machine_paths, path, &text), [""; 0]);
    }
}

#[test]
fn a_sleeping_thread_is_found_in_code_only() {
    let path = "crates/patterns-a/tests/it/a.rs";
    let text = "//! thread::sleep\nstd::thread::sleep(x);\n";
    assert_eq!(
        found(marks::sleeps, path, text),
        [format!("{path}:2: sleep")]
    );
    assert_eq!(
        found(marks::sleeps, "crates/patterns-a/examples/a.rs", text),
        [""; 0]
    );
}

#[test]
fn a_test_that_shows_nothing_is_found() {
    let path = "crates/patterns-a/tests/it/a.rs";
    for mark in ["#[ignore]", "#[ignore = \"slow\"]", "#[should_panic]"] {
        assert_eq!(
            found(marks::disabled_tests, path, mark),
            [format!("{path}:1: tests-run")]
        );
    }
    assert_eq!(found(marks::disabled_tests, path, "#[test]"), [""; 0]);
}

#[test]
fn a_readme_that_is_not_the_docs_is_found() {
    let path = "crates/patterns-a/src/lib.rs";
    assert_eq!(
        found(readmes::included, path, "//! Index.\n"),
        [format!("{path}:1: readme")]
    );
}

#[test]
fn a_public_type_that_the_readme_does_not_name_is_found() {
    let path = "crates/patterns-a/README.md";
    // `limit` is a function, `Old` is not public by that name, and `Anew` does not name `New`.
    let missing = found(readmes::types_named, path, "`A`, Anew and NewX\n");
    assert_eq!(missing, ["crates/patterns-a/src/lib.rs:5: readme"]);
    let index = format!("{INDEX}pub use c::{{\n    B,\n    LIMIT,\n    d::C as Last,\n}};\n");
    let missing = found(readmes::types_named, "crates/patterns-a/src/lib.rs", &index);
    assert_eq!(
        missing,
        [7, 9].map(|line| format!("crates/patterns-a/src/lib.rs:{line}: readme"))
    );
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let path = "docs/A.md";
    for target in ["gone.md", "../docs/gone", "../../README.md", "/README.md"] {
        assert_eq!(
            found(links::targets_exist, path, &format!("[x]({target})\n")),
            [format!("{path}:1: link")]
        );
    }
    assert_eq!(
        found(links::targets_exist, path, "[x]: gone.md\n"),
        [format!("{path}:1: link")]
    );
    let good = "[a](../README.md#x) [b](https://example.org/x) [c](#here) [d](../crates)\n```\n[e](gone)\n```\n";
    assert_eq!(found(links::targets_exist, path, good), [""; 0]);
}

#[test]
fn a_tree_with_too_many_crates_is_found() {
    assert!(tree_size::judge("patterns-a", crate_tree::MOST).is_none());
    let finding = tree_size::judge("patterns-a", crate_tree::MOST + 1).expect("one too many");
    assert_eq!(
        finding.to_string(),
        "crates/patterns-a/Cargo.toml:1: tree-size: 25 crates in its tree, at most 24 are allowed"
    );
}
