//! The group's section of the document.

use super::{again, all, listing, lives, lookup, one};
use crate::book::Book;
use crate::options::Options;

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    // What waits for memory comes first, before others have left the heap full of holes.
    [
        "## Registries and dynamic supervisors\n".to_owned(),
        lookup::run(options, book),
        listing::run(options),
        lives::run(options),
        one::run(options, book),
        all::run(options, book),
        again::run(options),
    ]
    .join("\n")
}
