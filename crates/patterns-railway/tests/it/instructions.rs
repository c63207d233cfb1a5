//! What the compiler makes of chains, beside the same by hand: instruction for instruction.
//!
//! The sources are in `tests/instructions`. They are compiled here, by the compiler of the test, to the text of their instructions, and functions of
//! the same name are compared after their labels are numbered in the order in which they appear.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

#[test]
fn a_chain_is_the_hand_written_match() {
    let folder = Folder::new("sync");
    let library = folder.library();
    let ours = folder.listing("ours", &library);
    let by_hand = folder.listing("by_hand", &library);

    for function in ["chained", "checked", "placed", "all_of_three"] {
        assert_eq!(
            ours[function].join("\n"),
            by_hand[function].join("\n"),
            "{function}"
        );
    }
    // These differ in how a comparison is spelled, and in what is copied when: in no more than that.
    for function in ["ensured", "owned"] {
        let counts = (count(&ours[function]), count(&by_hand[function]));
        assert!(counts.0 <= counts.1, "{function}: {counts:?}");
    }
    let chained = count(&ours["chained"]);
    let with_question_marks = count(&by_hand["chained_with_question_marks"]);
    println!("chained: {chained} instructions, with `?`: {with_question_marks}");
    assert!(chained <= with_question_marks);
}

#[cfg(feature = "async")]
#[test]
fn a_chain_of_futures_is_hardly_more_than_an_async_fn() {
    let folder = Folder::new("async");
    let library = built_with_cargo();
    let ours = folder.listing("async_ours", &library);
    let by_hand = folder.listing("async_by_hand", &library);

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

/// A folder of this run, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("railway-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The crate without features, built by the compiler alone.
    fn library(&self) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        run(rustc()
            .args(["--crate-name", "patterns_railway"])
            .arg(source)
            .arg("--out-dir")
            .arg(&self.0));
        self.0.join("libpatterns_railway.rlib")
    }

    /// The functions of a source in `tests/instructions`, each as its instructions.
    fn listing(&self, name: &str, library: &Path) -> BTreeMap<String, Vec<String>> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/instructions")
            .join(name)
            .with_extension("rs");
        let listing = self.0.join(name).with_extension("s");
        // The same crate name for both of a pair: two functions that are the same then have the same name, too.
        run(rustc()
            .args(["--crate-name", "chains", "--cap-lints", "allow"])
            .arg(source)
            .arg(format!("--emit=asm={}", listing.display()))
            .arg(format!("--extern=patterns_railway={}", library.display()))
            .arg("-L")
            .arg(library.with_file_name("deps")));
        functions(&fs::read_to_string(listing).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the target folder, and `cargo clean` takes it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn rustc() -> Command {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition=2024", "--crate-type=lib", "-Copt-level=3"]);
    rustc.args(["-Ccodegen-units=1", "-Cdebuginfo=0"]);
    rustc
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

/// The crate with its default features and their dependency.
#[cfg(feature = "async")]
fn built_with_cargo() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("railway-target");
    run(cargo()
        .args(["build", "--release", "--offline", "--quiet", "--lib"])
        .arg("--manifest-path")
        .arg(manifest())
        .arg("--target-dir")
        .arg(&target));
    target.join("release/libpatterns_railway.rlib")
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
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
                } else if is_label || !line.starts_with(['.', '#', ';']) {
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
