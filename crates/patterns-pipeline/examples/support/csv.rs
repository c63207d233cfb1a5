//! A small reader of CSV (RFC 4180): quoted fields, doubled quotes, line breaks inside quotes, and where each record begins.

/// A record, or what is wrong with it.
pub(crate) struct Record {
    /// The line on which it begins, from 1.
    pub(crate) line: usize,
    pub(crate) fields: Result<Vec<String>, &'static str>,
}

/// Reads all records.
pub(crate) fn read(text: &str) -> Vec<Record> {
    let mut records = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let begun = line;
        let (fields, after) = record(rest);
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
        records.push(Record {
            line: begun,
            fields,
        });
    }
    records
}

/// Reads one record; returns what comes after it.
fn record(text: &str) -> (Result<Vec<String>, &'static str>, &str) {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            None => {
                let end = rest.find([',', '\n']).unwrap_or(rest.len());
                (rest[..end].trim_end_matches('\r').to_owned(), &rest[end..])
            }
            Some(quoted) => match unquote(quoted) {
                Some(read) => read,
                None => return (Err("a quote is not closed"), ""),
            },
        };
        fields.push(field);
        let after = after.strip_prefix('\r').unwrap_or(after);
        if let Some(next) = after.strip_prefix(',') {
            rest = next;
        } else if let Some(next) = after.strip_prefix('\n') {
            return (Ok(fields), next);
        } else if after.is_empty() {
            return (Ok(fields), after);
        } else {
            let end = after.find('\n').map_or(after.len(), |end| end + 1);
            return (Err("there is text after a closing quote"), &after[end..]);
        }
    }
}

/// Reads a field up to its closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let end = rest.find('"')?;
        field.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, rest)),
        }
    }
}
