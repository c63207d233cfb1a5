//! Measures otp-core and the pattern crates beside their peers and prints one Markdown document.
//!
//! `cargo run --release -- [--quick] [--beam FILE] [FILTER...]`; a filter is one of `call`, `cast`, `start`, `memory`,
//! `growth`, `relations`, `supervision`, `registry`, `cache`, `store`, `agent`, `task`, `pool`, `limit`, `breaker` and `pubsub`, and without any all of them run. Progress goes to stderr.

mod book;
mod child;
mod contenders;
mod harness;
mod options;
mod report;
mod scenarios;

use crate::book::Book;
use crate::options::Options;

fn main() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let Some(request) = child::request(&arguments) {
        return child::serve(request);
    }
    let options = Options::parse(&arguments)?;
    let beam = options
        .beam
        .as_deref()
        .map(report::beam::read)
        .transpose()?;
    let mut book = Book::default();
    let sections = scenarios::run(&options, &mut book);
    print!(
        "{}",
        report::document(&options, &book, &sections, beam.as_deref())
    );
    Ok(())
}
