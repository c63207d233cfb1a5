//! What the compiler has made of code, as text, so that two functions can be compared instruction for instruction.

use std::collections::BTreeMap;
use std::mem;

/// The functions of a listing, as `rustc --emit=asm` writes it, with their local labels numbered in the order in which they appear.
#[derive(Debug)]
pub struct Listing(BTreeMap<String, Vec<String>>);

impl Listing {
    /// Reads the functions whose symbols `name_of` has a name for. `word` may put something in the place of a symbol that differs from listing to listing.
    pub fn read(
        text: &str,
        name_of: impl Fn(&str) -> Option<String>,
        word: fn(&str) -> Option<&'static str>,
    ) -> Self {
        let mut functions = BTreeMap::new();
        let mut open: Option<(String, Vec<String>, Labels)> = None;
        for line in text.lines().map(str::trim) {
            match &mut open {
                None => {
                    let name = line.strip_suffix(':').and_then(&name_of);
                    open = name.map(|name| (name, Vec::new(), Labels::new(word)));
                }
                Some((name, body, labels)) => {
                    if line.starts_with(".cfi_endproc") || line.starts_with(".seh_endproc") {
                        functions.insert(mem::take(name), mem::take(body));
                        open = None;
                    } else if line.ends_with(':') || !line.starts_with(['.', '#', ';', '/']) {
                        body.push(labels.number(line));
                    }
                }
            }
        }
        Self(functions)
    }

    /// The lines of a function, labels included.
    ///
    /// # Panics
    ///
    /// If there is no such function: then nothing would be compared.
    #[must_use]
    pub fn body(&self, name: &str) -> String {
        self.lines(name).join("\n")
    }

    /// How many instructions a function has, without the labels.
    ///
    /// # Panics
    ///
    /// As [`body`](Self::body).
    #[must_use]
    pub fn count(&self, name: &str) -> usize {
        let is_label = |line: &&String| line.ends_with(':');
        self.lines(name)
            .iter()
            .filter(|line| !is_label(line))
            .count()
    }

    fn lines(&self, name: &str) -> &[String] {
        let known = || self.0.keys().cloned().collect::<Vec<_>>().join(", ");
        match self.0.get(name) {
            Some(lines) => lines,
            None => panic!(
                "there is no function `{name}` in the listing, but {}",
                known()
            ),
        }
    }
}

/// The labels of a function, and of the constants that it uses.
struct Labels {
    seen: Vec<String>,
    word: fn(&str) -> Option<&'static str>,
}

impl Labels {
    fn new(word: fn(&str) -> Option<&'static str>) -> Self {
        Self {
            seen: Vec::new(),
            word,
        }
    }

    /// The line, with each local label replaced by its number.
    fn number(&mut self, line: &str) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "_.$".contains(c);
        let mut numbered = String::new();
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(length.max(c.len_utf8()));
            numbered.push_str(&self.replace(word));
            rest = after;
        }
        numbered
    }

    fn replace(&mut self, word: &str) -> String {
        if let Some(instead) = (self.word)(word) {
            return instead.to_owned();
        }
        let prefixes = [".L", "LBB", "L_", "l_", "LCPI", "lCPI", "Ltmp", "Lfunc"];
        if !prefixes.iter().any(|prefix| word.starts_with(prefix)) {
            return word.to_owned();
        }
        let known = self.seen.iter().position(|label| label == word);
        let number = known.unwrap_or_else(|| {
            self.seen.push(word.to_owned());
            self.seen.len() - 1
        });
        format!("label{number}")
    }
}
