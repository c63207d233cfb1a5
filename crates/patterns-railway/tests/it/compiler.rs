//! The compiler, for tests that look at what it makes of code.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A folder of this run, which goes with it.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("railway-{name}-{}-{number}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The crate without features, built by the compiler alone.
    pub(crate) fn library(&self) -> PathBuf {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs");
        run(rustc()
            .args(["--crate-name", "patterns_railway"])
            .arg(source)
            .arg("--out-dir")
            .arg(&self.0));
        self.0.join("libpatterns_railway.rlib")
    }

    /// What the compiler has to know of the crate without features to check a program that uses it.
    pub(crate) fn metadata(&self) -> PathBuf {
        let metadata = self.0.join("libpatterns_railway.rmeta");
        run(rustc()
            .args(["--crate-name", "patterns_railway"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
            .arg(format!("--emit=metadata={}", metadata.display())));
        metadata
    }

    /// The instructions of a source in `tests/instructions`, as text.
    pub(crate) fn listing(&self, name: &str, library: &Path) -> String {
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
        fs::read_to_string(listing).unwrap()
    }
}

/// What the compiler says of a program that is wrong: the first line of each error.
pub(crate) fn errors_of(folder: &Folder, library: &Path, program: &str) -> Vec<String> {
    let source = folder.0.join("mistake.rs");
    fs::write(&source, program).unwrap();
    let output = rustc()
        .args(["--crate-name", "mistake", "--cap-lints", "allow"])
        .arg(source)
        .arg("--emit=metadata")
        .arg("--out-dir")
        .arg(&folder.0)
        .arg(format!("--extern=patterns_railway={}", library.display()))
        .output()
        .unwrap();
    assert!(!output.status.success(), "it compiles:\n{program}");
    String::from_utf8(output.stderr)
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("error"))
        .filter(|line| !line.starts_with("error: aborting"))
        .map(str::to_owned)
        .collect()
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

pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

pub(crate) fn manifest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
}

/// The crate with its default features and their dependency.
#[cfg(feature = "async")]
pub(crate) fn built_with_cargo() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("railway-target");
    run(cargo()
        .args(["build", "--release", "--offline", "--quiet", "--lib"])
        .arg("--manifest-path")
        .arg(manifest())
        .arg("--target-dir")
        .arg(&target));
    target.join("release/libpatterns_railway.rlib")
}

pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{errors}");
    String::from_utf8(output.stdout).unwrap()
}
