//! Tables in Markdown.

use crate::book::Book;
use crate::harness::statistics::Runs;

/// A table whose first column is text and whose others are figures.
#[derive(Debug)]
pub(crate) struct Table {
    text: String,
}

impl Table {
    pub(crate) fn new(headers: &[&str]) -> Self {
        let alignment: Vec<&str> = (0..headers.len())
            .map(|column| if column == 0 { "---" } else { "---:" })
            .collect();
        Self {
            text: format!("| {} |\n|{}|\n", headers.join(" | "), alignment.join("|")),
        }
    }

    pub(crate) fn row(&mut self, cells: &[String]) {
        self.text += &format!("| {} |\n", cells.join(" | "));
    }

    pub(crate) fn render(self) -> String {
        self.text
    }
}

/// The table of one scenario: medians, ranges and ratios to `base`. The figures go into the book.
pub(crate) fn comparison(
    book: &mut Book,
    scenario: &str,
    base: &'static str,
    results: Vec<(&'static str, Vec<Runs>)>,
) -> String {
    let base_median = results
        .iter()
        .find(|(name, _)| *name == base)
        .map(|(_, quantities)| quantities[0].median());
    let base_word = base.split([' ', ',']).next().unwrap_or(base);
    let mut table = Table::new(&[
        "contender",
        "ns per operation",
        "min–max",
        &format!("÷ {base_word}"),
    ]);
    for (name, mut quantities) in results {
        let runs = quantities.remove(0);
        table.row(&[
            name.to_owned(),
            number(runs.median()),
            format!("{}–{}", number(runs.min()), number(runs.max())),
            base_median.map_or_else(
                || "–".to_owned(),
                |base| format!("{:.2}", runs.median() / base),
            ),
        ]);
        book.enter(scenario, name, runs);
    }
    table.render()
}

/// A figure with as many digits as mean something, thousands apart.
pub(crate) fn number(value: f64) -> String {
    if value < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
