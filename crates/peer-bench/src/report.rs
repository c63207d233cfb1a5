//! The document: head, method, targets, and the sections of the scenario groups.

pub(crate) mod beam;
mod machine;
pub(crate) mod markdown;
mod method;
mod targets;

use crate::book::Book;
use crate::options::Options;

/// Puts everything together.
pub(crate) fn document(
    options: &Options,
    book: &Book,
    sections: &[String],
    beam: Option<&[beam::Line]>,
) -> String {
    let mut document = String::from("# Benchmarks\n\n");
    if !options.is_complete() {
        document += "**Not a full run**: only a part of the groups, or too few iterations to mean anything.\n\n";
    }
    document += "Written by `cargo xtask bench` (the program is `crates/peer-bench`). Absolute times move with the machine; the ratios, taken in one run, much \
                 less. Lower is better everywhere but in hit ratios.\n\n";
    document += &machine::section();
    document.push('\n');
    document += &method::section();
    document.push('\n');
    document += &targets::section(book, beam);
    if let Some(lines) = beam {
        document.push('\n');
        document += &beam::section(book, lines);
    }
    for section in sections {
        document.push('\n');
        document += section;
    }
    document
}
