//! Tells code from comments in Rust text, line by line.

/// The lines that hold code, with their numbers: not those that are blank or only a comment.
pub(super) fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_block = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let trimmed = line.trim();
        if in_block {
            in_block = !trimmed.contains("*/");
            return None;
        }
        if trimmed.starts_with("/*") {
            in_block = !trimmed.contains("*/");
            return None;
        }
        (!trimmed.is_empty() && !trimmed.starts_with("//")).then_some((index + 1, line))
    })
}

/// The code lines without modules that are compiled for tests only.
pub(super) fn code_lines_without_tests(text: &str) -> Vec<(usize, &str)> {
    let mut kept = Vec::new();
    let mut lines = code_lines(text).peekable();
    while let Some((number, line)) = lines.next() {
        let opens_tests = line.trim() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|(_, next)| next.trim().starts_with("mod ") && next.ends_with('{'));
        if !opens_tests {
            kept.push((number, line));
            continue;
        }
        // Formatted code closes a module at the column where it was opened.
        let end = format!("{}}}", &line[..line.len() - line.trim_start().len()]);
        for (_, line) in lines.by_ref() {
            if line == end {
                break;
            }
        }
    }
    kept
}

/// Whether `word` stands in `text` as a word of its own.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part)
    })
}
