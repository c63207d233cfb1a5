//! Wildcard patterns in a tree over their levels, so that finding those that match a topic costs its levels
//! and not the number of patterns.
//!
//! Invariants:
//! 1. Every node but the root has items in it or below it: what is taken out takes the empty branch along.
//! 2. Patterns and topics are sound, so no path is longer than [`MAX_LEVELS`](crate::pattern::MAX_LEVELS), and recursion is bounded.

#[cfg(test)]
mod tests;

use std::str::Split;

use hashbrown::HashMap;

/// What stands at a pattern.
pub(crate) trait Items: Default {
    fn is_empty(&self) -> bool;
}

/// A tree of patterns with items at each.
#[derive(Debug)]
pub(crate) struct Trie<T> {
    root: Node<T>,
    nodes: usize,
}

#[derive(Debug)]
struct Node<T> {
    named: HashMap<Box<str>, Node<T>>,
    /// Below `*`.
    any: Option<Box<Node<T>>>,
    /// Items whose pattern ends here.
    here: T,
    /// Items whose pattern ends with a `>` below this node.
    rest: T,
}

impl<T: Items> Node<T> {
    fn new() -> Self {
        Self {
            named: HashMap::new(),
            any: None,
            here: T::default(),
            rest: T::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.rest.is_empty() && self.any.is_none() && self.named.is_empty()
    }
}

impl<T: Items> Trie<T> {
    pub(crate) fn new() -> Self {
        Self {
            root: Node::new(),
            nodes: 0,
        }
    }

    /// How many nodes there are below the root.
    pub(crate) const fn nodes(&self) -> usize {
        self.nodes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.root.is_empty()
    }

    /// The items at a pattern, of which some must be there when the caller is done.
    pub(crate) fn entry(&mut self, pattern: &str) -> &mut T {
        let mut node = &mut self.root;
        for level in pattern.split('.') {
            match level {
                ">" => return &mut node.rest,
                "*" => {
                    let nodes = &mut self.nodes;
                    node = node.any.get_or_insert_with(|| {
                        *nodes += 1;
                        Box::new(Node::new())
                    });
                }
                name => {
                    let nodes = &mut self.nodes;
                    node = node.named.entry(name.into()).or_insert_with(|| {
                        *nodes += 1;
                        Node::new()
                    });
                }
            }
        }
        &mut node.here
    }

    /// Changes the items at a pattern, if any are there.
    pub(crate) fn change<R>(
        &mut self,
        pattern: &str,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let mut change = Some(change);
        let mut changed = None;
        let mut once = |items: &mut T| changed = change.take().map(|change| change(items));
        let levels = &mut pattern.split('.');
        visit(&mut self.root, levels, &mut once, &mut self.nodes);
        changed
    }

    /// Hands out the items of each pattern that matches a topic.
    pub(crate) fn matching<'t>(&'t self, topic: &str, mut found: impl FnMut(&'t T)) {
        walk(&self.root, topic.split('.'), &mut found);
    }

    /// The items at exactly this pattern.
    pub(crate) fn at(&self, pattern: &str) -> Option<&T> {
        let mut node = &self.root;
        for level in pattern.split('.') {
            node = match level {
                ">" => return Some(&node.rest),
                "*" => node.any.as_deref()?,
                name => node.named.get(name)?,
            };
        }
        Some(&node.here)
    }

    /// Hands out all items.
    pub(crate) fn for_each<'t>(&'t self, mut found: impl FnMut(&'t T)) {
        all(&self.root, &mut found);
    }
}

fn visit<T: Items>(
    node: &mut Node<T>,
    levels: &mut Split<'_, char>,
    change: &mut dyn FnMut(&mut T),
    nodes: &mut usize,
) {
    match levels.next() {
        None => change(&mut node.here),
        Some(">") => change(&mut node.rest),
        Some("*") => {
            if let Some(below) = node.any.as_deref_mut() {
                visit(below, levels, change, nodes);
                if below.is_empty() {
                    node.any = None;
                    *nodes -= 1;
                }
            }
        }
        Some(name) => {
            if let Some(below) = node.named.get_mut(name) {
                visit(below, levels, change, nodes);
                if below.is_empty() {
                    node.named.remove(name);
                    *nodes -= 1;
                    shrink(&mut node.named);
                }
            }
        }
    }
}

/// Gives memory back that a map needs no more.
fn shrink<T>(named: &mut HashMap<Box<str>, Node<T>>) {
    if named.capacity() > 64 && named.len() < named.capacity() / 4 {
        named.shrink_to(named.len() * 2);
    }
}

fn walk<'t, T: Items>(
    node: &'t Node<T>,
    mut levels: Split<'_, char>,
    found: &mut impl FnMut(&'t T),
) {
    let Some(level) = levels.next() else {
        if !node.here.is_empty() {
            found(&node.here);
        }
        return;
    };
    if !node.rest.is_empty() {
        found(&node.rest);
    }
    if let Some(any) = &node.any {
        walk(any, levels.clone(), found);
    }
    if let Some(named) = node.named.get(level) {
        walk(named, levels, found);
    }
}

fn all<'t, T: Items>(node: &'t Node<T>, found: &mut impl FnMut(&'t T)) {
    for items in [&node.here, &node.rest] {
        if !items.is_empty() {
            found(items);
        }
    }
    for below in node.any.as_deref().into_iter().chain(node.named.values()) {
        all(below, found);
    }
}
