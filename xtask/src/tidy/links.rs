//! Rule: a relative link in a document leads to a file that is there.

use super::Finding;
use super::sources::Sources;

pub(super) fn targets_exist(sources: &Sources) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in sources.all().filter(|(path, _)| path.ends_with(".md")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut in_fence = false;
        for (index, line) in text.lines().enumerate() {
            let is_fence = line.trim_start().starts_with("```");
            in_fence ^= is_fence;
            if in_fence || is_fence {
                continue;
            }
            for target in targets(line).filter(|target| is_relative(target)) {
                let file = target.split('#').next().unwrap_or(target);
                if resolve(folder, file).is_none_or(|resolved| !sources.exists(&resolved)) {
                    findings.push(Finding::new(
                        path,
                        index + 1,
                        "link",
                        format!("`{target}` leads nowhere"),
                    ));
                }
            }
        }
    }
    findings
}

/// The targets of `[text](target "title")` and of `[name]: target`; what stands in backticks is no
/// link.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.match_indices("](").filter_map(|(at, opening)| {
        let in_code = line[..at].matches('`').count() % 2 == 1;
        let target = line[at + opening.len()..].split(')').next()?;
        if in_code {
            None
        } else {
            target.split_whitespace().next()
        }
    });
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
        .and_then(|(_, target)| target.split_whitespace().next());
    inline.chain(definition)
}

/// Addresses, anchors in the same document and links of rustdoc to an item are judged elsewhere.
fn is_relative(target: &str) -> bool {
    !target.starts_with('#') && !target.contains(':')
}

/// `file` as seen from `folder`; `None` where it leads out of the repository, as a path from `/`
/// does.
fn resolve(folder: &str, file: &str) -> Option<String> {
    if file.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
