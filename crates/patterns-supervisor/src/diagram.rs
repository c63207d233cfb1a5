//! Snapshots as diagrams.

use std::fmt;

use otp_core::{ChildInfo, ChildState, TreeSnapshot};

/// Prints a snapshot as a [Mermaid](https://mermaid.js.org) flowchart, which GitHub and many others draw.
///
/// States are also told by colour: restarting is yellow, stopped grey.
#[derive(Debug, Clone, Copy)]
pub struct Mermaid<'a>(pub &'a TreeSnapshot);

/// Prints a snapshot in [Graphviz](https://graphviz.org)' DOT language.
///
/// Supervisors are boxes, workers ellipses; what restarts is dashed, what is stopped dotted.
#[derive(Debug, Clone, Copy)]
pub struct Dot<'a>(pub &'a TreeSnapshot);

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "flowchart TD")?;
        let mut used = [false; 2];
        walk(self.0, &mut |number, parent, node| {
            let text = node.lines().map(|line| escaped_for_mermaid(&line));
            let text = text.collect::<Vec<_>>().join("<br/>");
            if let Some(parent) = parent {
                write!(f, "  n{parent} --> ")?;
            } else {
                write!(f, "  ")?;
            }
            let class = match node.state {
                Some(ChildState::Restarting) => ":::restarting",
                Some(ChildState::Stopped) => ":::stopped",
                _ => "",
            };
            used[0] |= class == ":::restarting";
            used[1] |= class == ":::stopped";
            if node.is_supervisor {
                writeln!(f, "n{number}[\"{text}\"]{class}")
            } else {
                writeln!(f, "n{number}([\"{text}\"]){class}")
            }
        })?;
        if used[0] {
            writeln!(f, "  classDef restarting fill:#ffec99")?;
        }
        if used[1] {
            writeln!(f, "  classDef stopped fill:#dddddd")?;
        }
        Ok(())
    }
}

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "digraph tree {{")?;
        walk(self.0, &mut |number, parent, node| {
            let text = node.lines().map(|line| escaped_for_dot(&line));
            let text = text.collect::<Vec<_>>().join("\\n");
            let shape = if node.is_supervisor { "box" } else { "ellipse" };
            let style = match node.state {
                Some(ChildState::Restarting) => ", style=dashed",
                Some(ChildState::Stopped) => ", style=dotted",
                _ => "",
            };
            writeln!(f, "  n{number} [label=\"{text}\", shape={shape}{style}];")?;
            match parent {
                Some(parent) => writeln!(f, "  n{parent} -> n{number};"),
                None => Ok(()),
            }
        })?;
        writeln!(f, "}}")
    }
}

/// What a diagram shows of one process.
struct Drawn<'a> {
    id: &'a str,
    /// `None` for the root, which has answered and so runs.
    state: Option<&'a ChildState>,
    process: Option<String>,
    below: Option<&'a TreeSnapshot>,
    is_supervisor: bool,
    restarts: u64,
    mailbox_len: usize,
}

impl<'a> Drawn<'a> {
    fn root(tree: &'a TreeSnapshot) -> Self {
        Self {
            id: &tree.id,
            state: None,
            process: Some(tree.pid.to_string()),
            below: Some(tree),
            is_supervisor: true,
            restarts: 0,
            mailbox_len: 0,
        }
    }

    fn child((child, below): &'a (ChildInfo, Option<TreeSnapshot>)) -> Self {
        Self {
            id: &child.id,
            state: Some(&child.state),
            process: child.pid().map(ToString::to_string),
            below: below.as_ref(),
            is_supervisor: child.kind == otp_core::ChildKind::Supervisor,
            restarts: child.restarts,
            mailbox_len: child.mailbox_len,
        }
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        let strategy = self.below.map(|below| format!(" {:?}", below.strategy));
        let state = match (self.state, &self.process) {
            (_, Some(pid)) => pid.clone(),
            (Some(ChildState::Restarting), None) => "restarting".to_owned(),
            (_, None) => "stopped".to_owned(),
        };
        let first = self.id.to_owned();
        let second = format!("{state}{}", strategy.unwrap_or_default());
        let restarts = (self.restarts > 0).then(|| format!("restarts: {}", self.restarts));
        let waiting = (self.mailbox_len > 0).then(|| format!("waiting: {}", self.mailbox_len));
        [Some(first), Some(second), restarts, waiting]
            .into_iter()
            .flatten()
    }
}

/// Calls `draw` for each process with its number and its supervisor's, from the top down.
fn walk<'a>(
    root: &'a TreeSnapshot,
    draw: &mut impl FnMut(usize, Option<usize>, &Drawn<'a>) -> fmt::Result,
) -> fmt::Result {
    // A stack and no recursion: a tree may be deeper than the program's own.
    let mut waiting = vec![(None, Drawn::root(root))];
    let mut number = 0;
    while let Some((parent, node)) = waiting.pop() {
        draw(number, parent, &node)?;
        if let Some(below) = node.below {
            let children = below.children.iter().rev().map(Drawn::child);
            waiting.extend(children.map(|child| (Some(number), child)));
        }
        number += 1;
    }
    Ok(())
}

/// Mermaid reads entities with a `#` where HTML has a `&`.
fn escaped_for_mermaid(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '"' | '#' | '&' | '<' | '>' | '`' | '\\' => {
                escaped.push_str(&format!("#{};", u32::from(c)));
            }
            _ => escaped.push(c),
        }
    }
    escaped
}

fn escaped_for_dot(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => escaped.push(' '),
            '"' | '\\' => escaped.extend(['\\', c]),
            _ => escaped.push(c),
        }
    }
    escaped
}
