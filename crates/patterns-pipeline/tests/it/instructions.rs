//! What the compiler makes of a sync pipeline, beside the same steps as a chain of `?`: instruction for instruction.
//!
//! The sources are in `tests/instructions`. They are compiled here, to the text of their instructions, and functions of the same name are compared
//! after their labels are numbered in the order in which they appear.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use testing::Listing;

#[test]
fn a_sync_pipeline_of_five_steps_is_the_chain_of_question_marks() {
    let library = library();
    let ours = functions(&listing("ours", &library));
    let by_hand = functions(&listing("by_hand", &library));
    assert_eq!(ours.body("called"), by_hand.body("called"));

    // Where nothing is left of the steps themselves, an end that several errors share by hand is there more than once; where a value is moved from
    // step to step on the stack, it is moved once more. Not by more than that.
    for (name, more) in [("called", 0), ("inlined", 4), ("owned", 8)] {
        let (ours, by_hand) = (ours.count(name), by_hand.count(name));
        println!("{name}: {ours} instructions, by hand {by_hand}");
        assert!(by_hand > 10, "{name} was not found as it is");
        assert!(ours <= by_hand + more, "{name}: {ours}, by hand {by_hand}");
    }
}

/// The crate, optimized; what it depends on is not, for none of it is looked at.
fn library() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pipeline-target");
    run(
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--release", "--offline", "--quiet", "--lib"])
            .args(["--config", "profile.release.lto=false"])
            .args(["--config", "profile.release.package.\"*\".opt-level=0"])
            .arg("--manifest-path")
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target),
    );
    target.join("release/libpatterns_pipeline.rlib")
}

/// The instructions of a source in `tests/instructions`, as text.
fn listing(name: &str, library: &Path) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/instructions");
    let listing = library.with_file_name(name).with_extension("s");
    // The same crate name for both: two functions that are the same then have the same name, too.
    run(
        Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
            .args(["--edition=2024", "--crate-type=lib", "--crate-name=chains"])
            .args(["-Copt-level=3", "-Ccodegen-units=1", "-Cdebuginfo=0"])
            .args(["--cap-lints=allow", "-Csymbol-mangling-version=v0"])
            .arg(folder.join(name).with_extension("rs"))
            .arg(format!("--emit=asm={}", listing.display()))
            .arg(format!("--extern=patterns_pipeline={}", library.display()))
            .arg("-L")
            .arg(library.with_file_name("deps")),
    );
    fs::read_to_string(listing).unwrap()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
}

/// The functions of the crate `chains`.
fn functions(listing: &str) -> Listing {
    Listing::read(listing, function_name, |_| None)
}

/// `called` of `_RINvCs1234_6chains6calledNt..`.
fn function_name(symbol: &str) -> Option<String> {
    let (path, rest) = symbol.split_once("6chains")?;
    // A function of the crate itself, and not something that only has one in its type.
    let is_own = path.trim_start_matches('_').len() <= "RINvCs0123456789ab_".len();
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let length: usize = rest[..digits].parse().ok()?;
    let name = rest[digits..].get(..length)?;
    is_own.then(|| name.to_owned())
}
