//! Reads as much of a `Cargo.toml` as the gates need: tables, keys and values, each with its line.

/// A manifest as a flat list of entries, in the order of the file.
pub(crate) struct Manifest {
    pub(crate) entries: Vec<Entry>,
}

/// One `key = value`, with the table that it stands in.
pub(crate) struct Entry {
    pub(crate) table: String,
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// One dependency, however it is written.
pub(crate) struct Dependency {
    /// The name of the crate, where it is renamed too.
    pub(crate) name: String,
    /// Whether it is for tests, benches and examples only.
    pub(crate) is_dev: bool,
    pub(crate) inherits: bool,
    pub(crate) path_only: bool,
    pub(crate) line: usize,
}

impl Manifest {
    /// Parses `text`; what is no entry is passed over, because cargo itself refuses a manifest that
    /// is wrong.
    pub(crate) fn parse(text: &str) -> Self {
        let mut entries = Vec::new();
        let mut table = String::new();
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            let line = without_comment(line);
            if let Some(name) = line
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
            {
                name.trim_matches(['[', ']']).trim().clone_into(&mut table);
            } else if let Some((key, value)) = line.split_once('=') {
                let mut value = value.trim().to_owned();
                while count(&value, '[') > count(&value, ']')
                    || count(&value, '{') > count(&value, '}')
                {
                    let Some((_, more)) = lines.next() else { break };
                    value.push(' ');
                    value += without_comment(more);
                }
                entries.push(Entry {
                    table: table.clone(),
                    key: key.trim().to_owned(),
                    value,
                    line: index + 1,
                });
            }
        }
        Self { entries }
    }

    /// The value of `key` in `table`, without the quotes of a plain string.
    pub(crate) fn value(&self, table: &str, key: &str) -> Option<&str> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.table == table && entry.key == key)?;
        Some(entry.value.trim_matches('"'))
    }

    /// Whether `key` of `table` is taken from the workspace.
    pub(crate) fn inherits(&self, table: &str, key: &str) -> bool {
        let dotted = format!("{key}.workspace");
        self.entries
            .iter()
            .filter(|entry| entry.table == table)
            .any(|entry| {
                (entry.key == dotted && entry.value == "true")
                    || (entry.key == key && inline(&entry.value, "workspace"))
            })
    }

    /// Whether the crate may be published.
    pub(crate) fn is_published(&self) -> bool {
        self.value("package", "publish") != Some("false")
    }

    /// Every dependency of every kind and platform.
    pub(crate) fn dependencies(&self) -> Vec<Dependency> {
        let mut found: Vec<Dependency> = Vec::new();
        for entry in &self.entries {
            let Some((kind, own_table)) = dependency_table(&entry.table) else {
                continue;
            };
            // The three ways to write one: `a.workspace = true`, `a = { .. }`, and a table of its
            // own.
            let (name, key, value) = match (&own_table, entry.key.split_once('.')) {
                (Some(name), _) => (name.as_str(), entry.key.as_str(), entry.value.as_str()),
                (None, Some((name, key))) => (name, key, entry.value.as_str()),
                (None, None) => (entry.key.as_str(), "", entry.value.as_str()),
            };
            let name = name.trim_matches('"');
            let whole = if key.is_empty() {
                value.to_owned()
            } else {
                format!("{key} = {value}")
            };
            let is_dev = kind == "dev-dependencies";
            let in_own_table = own_table.is_some();
            match found.last_mut() {
                Some(last) if in_own_table && last.name == name && last.is_dev == is_dev => {
                    last.inherits |= inline(&whole, "workspace");
                    last.path_only = (last.path_only || whole.contains("path ="))
                        && !whole.contains("version =");
                }
                _ => found.push(Dependency {
                    name: renamed(&whole).unwrap_or(name).to_owned(),
                    is_dev,
                    inherits: inline(&whole, "workspace"),
                    path_only: whole.contains("path =") && !whole.contains("version ="),
                    line: entry.line,
                }),
            }
        }
        found
    }
}

/// The kind of dependency that `table` holds, and the crate's name where the table is for one crate
/// only.
fn dependency_table(table: &str) -> Option<(&'static str, Option<String>)> {
    // The root's own list is what members inherit from, not what anything depends on.
    if table.starts_with("workspace.") {
        return None;
    }
    ["dev-dependencies", "build-dependencies", "dependencies"]
        .into_iter()
        .find_map(|kind| {
            if table == kind || table.ends_with(&format!(".{kind}")) {
                return Some((kind, None));
            }
            let (before, name) = table.rsplit_once('.')?;
            let named = before == kind || before.ends_with(&format!(".{kind}"));
            named.then(|| (kind, Some(name.to_owned())))
        })
}

fn inline(value: &str, key: &str) -> bool {
    value.contains(&format!("{key} = true"))
}

fn renamed(value: &str) -> Option<&str> {
    let (_, rest) = value.split_once("package = \"")?;
    rest.split_once('"').map(|(name, _)| name)
}

/// The line up to a comment, trimmed; a `#` inside quotes is no comment.
fn without_comment(line: &str) -> &str {
    let mut in_quotes = false;
    let end = line.find(|c| {
        in_quotes ^= c == '"';
        c == '#' && !in_quotes
    });
    line[..end.unwrap_or(line.len())].trim()
}

fn count(text: &str, wanted: char) -> usize {
    text.chars().filter(|c| *c == wanted).count()
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    #[test]
    fn every_way_to_write_a_dependency_is_read() {
        let manifest = Manifest::parse(
            "[dependencies]\na.workspace = true\nb = { workspace = true, features = [\n \"x\",\n] } # why\n\
             c = \"1\"\n[dev-dependencies]\nd = { path = \"../d\" }\n[target.'cfg(unix)'.dependencies]\n\
             e = { package = \"real-e\", version = \"1\" }\n[dependencies.f]\nworkspace = true\nfeatures = []\n",
        );
        let read: Vec<_> = manifest
            .dependencies()
            .iter()
            .map(|d| {
                format!(
                    "{} {} {} {} {}",
                    d.name, d.is_dev, d.inherits, d.path_only, d.line
                )
            })
            .collect();
        assert_eq!(
            read,
            [
                "a false true false 2",
                "b false true false 3",
                "c false false false 6",
                "d true false true 8",
                "real-e false false false 10",
                "f false true false 12",
            ]
        );
    }

    #[test]
    fn a_value_is_inherited_in_both_spellings() {
        let manifest = Manifest::parse(
            "[package]\nversion.workspace = true\nedition = { workspace = true }\n",
        );
        assert!(manifest.inherits("package", "version"));
        assert!(manifest.inherits("package", "edition"));
        assert!(!manifest.inherits("package", "license"));
    }

    #[test]
    fn a_crate_is_published_unless_it_says_otherwise() {
        assert!(Manifest::parse("[package]\nname = \"a\"\n").is_published());
        assert!(!Manifest::parse("[package]\npublish = false\n").is_published());
    }
}
