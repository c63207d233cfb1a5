//! The group's section of the document.

use super::{children, crash, growth};
use crate::book::Book;
use crate::options::Options;

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    [
        "## Supervision\n".to_owned(),
        crash::run(options, book),
        children::run(options, book),
        growth::run(options, book),
    ]
    .join("\n")
}
