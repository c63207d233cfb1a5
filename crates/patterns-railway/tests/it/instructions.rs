//! What the compiler makes of chains, beside the same by hand: instruction for instruction.
//!
//! The sources are in `tests/instructions`. They are compiled here, by the compiler of the test, to the text of their instructions, and functions of
//! the same name are compared after their labels are numbered in the order in which they appear.

use std::collections::BTreeMap;

#[cfg(feature = "async")]
use crate::compiler::built_with_cargo;
use crate::compiler::{Folder, cargo, manifest, run};

#[test]
fn a_chain_is_the_hand_written_match() {
    let folder = Folder::new("sync");
    let library = folder.library();
    let ours = functions(&folder.listing("ours", &library));
    let by_hand = functions(&folder.listing("by_hand", &library));

    for function in ["chained", "checked", "placed", "all_of_three"] {
        println!("{function}: {} instructions", count(&ours[function]));
        assert_eq!(
            ours[function].join("\n"),
            by_hand[function].join("\n"),
            "{function}"
        );
    }
    // These differ in how a comparison is spelled, and in what is copied when: in no more than that.
    for function in ["ensured", "owned"] {
        let counts = (count(&ours[function]), count(&by_hand[function]));
        println!("{function}: {counts:?} instructions");
        assert!(counts.0 <= counts.1, "{function}: {counts:?}");
    }
    let chained = count(&ours["chained"]);
    let with_question_marks = count(&by_hand["chained_with_question_marks"]);
    println!("chained with `?`: {with_question_marks} instructions");
    assert!(chained <= with_question_marks);
}

#[cfg(feature = "async")]
#[test]
fn a_chain_of_futures_is_hardly_more_than_an_async_fn() {
    let folder = Folder::new("async");
    let library = built_with_cargo();
    let ours = functions(&folder.listing("async_ours", &library));
    let by_hand = functions(&folder.listing("async_by_hand", &library));

    for function in ["one_await", "two_awaits"] {
        let (ours, by_hand) = (count(&ours[function]), count(&by_hand[function]));
        println!("{function}: {ours} instructions, as an `async fn`: {by_hand}");
        assert!(ours * 4 <= by_hand * 5, "{function}: {ours} and {by_hand}");
    }
}

#[test]
fn without_features_nothing_is_depended_on() {
    let tree = |features: &[&str]| {
        let output = run(cargo()
            .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
            .arg("--manifest-path")
            .arg(manifest())
            .args(features));
        output.lines().count()
    };
    assert_eq!(tree(&["--no-default-features"]), 1);
    assert_eq!(tree(&[]), 2);
    // And the compiler agrees: nothing is given to it but the crate's own source.
    assert!(Folder::new("alone").library().exists());
}

/// How many instructions there are, without the labels.
fn count(body: &[String]) -> usize {
    body.iter().filter(|line| !line.ends_with(':')).count()
}

/// The functions of the crate `chains` in a listing, by name.
fn functions(listing: &str) -> BTreeMap<String, Vec<String>> {
    let mut functions = BTreeMap::new();
    let mut open: Option<(String, Vec<String>, Labels)> = None;
    for line in listing.lines() {
        let line = line.trim();
        match &mut open {
            None => {
                open = line
                    .strip_suffix(':')
                    .and_then(function_name)
                    .map(|name| (name, Vec::new(), Labels::default()));
            }
            Some((name, body, labels)) => {
                let is_label = line.ends_with(':');
                if line.starts_with(".cfi_endproc") || line.starts_with(".seh_endproc") {
                    functions.insert(std::mem::take(name), std::mem::take(body));
                    open = None;
                } else if is_label || !line.starts_with(['.', '#', ';', '/']) {
                    body.push(labels.number(line));
                }
            }
        }
    }
    functions
}

/// `chained` of `_ZN6chains7chained17h0123456789abcdefE`, and of `_RNvCs1234_6chains7chained`.
fn function_name(symbol: &str) -> Option<String> {
    let (_, rest) = symbol.split_once("6chains")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let length: usize = rest[..digits].parse().ok()?;
    let (name, rest) = rest[digits..].split_at_checked(length)?;
    (rest.is_empty() || rest.starts_with("17h")).then(|| name.to_owned())
}

/// The labels of a function, and of the constants that it uses.
#[derive(Default)]
struct Labels(Vec<String>);

impl Labels {
    /// The line, with each local label replaced by its number.
    fn number(&mut self, line: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.$".contains(c);
        let mut numbered = String::new();
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length.max(c.len_utf8()));
            numbered.push_str(&self.word(word));
            rest = after;
        }
        numbered
    }

    fn word(&mut self, word: &str) -> String {
        if word.contains("5merge") {
            // What makes one list of several: a function of the crate there, and of the source here.
            return "merge".to_owned();
        }
        let is_label = [".L", "LBB", "L_", "l_", "LCPI", "lCPI", "Ltmp"]
            .iter()
            .any(|prefix| word.starts_with(prefix));
        if !is_label {
            return word.to_owned();
        }
        let known = self.0.iter().position(|label| label == word);
        let number = known.unwrap_or_else(|| {
            self.0.push(word.to_owned());
            self.0.len() - 1
        });
        format!("label{number}")
    }
}
