//! How many crates a user takes in with a dependency.

use std::collections::BTreeSet;
use std::process::Command;

use crate::command;

/// The most crates that the tree of a published crate may have, itself counted.
pub(crate) const MOST: usize = 24;

/// The distinct crates, as `name version`, that `cargo tree` lists for this platform when run as
/// `cargo` begins it.
pub(crate) fn crates(cargo: &mut Command) -> Result<BTreeSet<String>, String> {
    cargo.args(["--edges", "normal,build", "--prefix", "none", "--no-dedupe"]);
    Ok(distinct(&command::output(cargo)?))
}

fn distinct(listing: &str) -> BTreeSet<String> {
    listing
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some(format!("{} {}", words.next()?, words.next()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn a_crate_is_counted_once_per_version() {
        let listing = "a v1.0.0 (path)\nb v2.0.0\nc v1.0.0 (proc-macro)\nb v2.0.0\nb v1.0.0\n";
        assert_eq!(distinct(listing).len(), 4);
    }
}
