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

/// A tree of patterns with items at each.
#[derive(Debug)]
pub(crate) struct Trie<T> {
    root: Node<T>,
    nodes: usize,
    items: usize,
}

#[derive(Debug)]
struct Node<T> {
    named: HashMap<Box<str>, Node<T>>,
    /// Below `*`.
    any: Option<Box<Node<T>>>,
    /// Items whose pattern ends here.
    here: Vec<T>,
    /// Items whose pattern ends with a `>` below this node.
    rest: Vec<T>,
}

impl<T> Node<T> {
    fn new() -> Self {
        Self {
            named: HashMap::new(),
            any: None,
            here: Vec::new(),
            rest: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.here.is_empty() && self.rest.is_empty() && self.any.is_none() && self.named.is_empty()
    }
}

impl<T> Trie<T> {
    pub(crate) fn new() -> Self {
        Self {
            root: Node::new(),
            nodes: 0,
            items: 0,
        }
    }

    /// How many nodes there are below the root.
    pub(crate) const fn nodes(&self) -> usize {
        self.nodes
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// Adds an item at a pattern, which `item` makes of its place there.
    pub(crate) fn add(&mut self, pattern: &str, item: T, placed: impl FnOnce(&T, usize)) {
        let mut node = &mut self.root;
        let mut items = None;
        for level in pattern.split('.') {
            match level {
                ">" => {
                    items = Some(&mut node.rest);
                    break;
                }
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
        let items = match items {
            Some(items) => items,
            None => &mut node.here,
        };
        placed(&item, items.len());
        items.push(item);
        self.items += 1;
    }

    /// Takes out the item at a place of a pattern; the last one there moves to its place, and `moved` is told.
    pub(crate) fn remove(
        &mut self,
        pattern: &str,
        place: usize,
        moved: &mut dyn FnMut(&T, usize),
    ) -> Option<T> {
        let levels = &mut pattern.split('.');
        let taken = take(&mut self.root, levels, place, moved, &mut self.nodes)?;
        self.items -= 1;
        Some(taken)
    }

    /// Hands out the items of each pattern that matches a topic.
    pub(crate) fn matching<'t>(&'t self, topic: &str, mut found: impl FnMut(&'t [T])) {
        if self.items > 0 {
            walk(&self.root, topic.split('.'), &mut found);
        }
    }

    /// Hands out the items at exactly this pattern.
    pub(crate) fn at(&self, pattern: &str) -> &[T] {
        let mut node = &self.root;
        for level in pattern.split('.') {
            let below = match level {
                ">" => return &node.rest,
                "*" => node.any.as_deref(),
                name => node.named.get(name),
            };
            match below {
                Some(below) => node = below,
                None => return &[],
            }
        }
        &node.here
    }

    /// Hands out all items.
    pub(crate) fn for_each<'t>(&'t self, mut found: impl FnMut(&'t [T])) {
        all(&self.root, &mut found);
    }
}

fn take<T>(
    node: &mut Node<T>,
    levels: &mut Split<'_, char>,
    place: usize,
    moved: &mut dyn FnMut(&T, usize),
    nodes: &mut usize,
) -> Option<T> {
    let items = match levels.next() {
        None => &mut node.here,
        Some(">") => &mut node.rest,
        Some("*") => {
            let below = node.any.as_deref_mut()?;
            let taken = take(below, levels, place, moved, nodes)?;
            if below.is_empty() {
                node.any = None;
                *nodes -= 1;
            }
            return Some(taken);
        }
        Some(name) => {
            let below = node.named.get_mut(name)?;
            let taken = take(below, levels, place, moved, nodes)?;
            if below.is_empty() {
                node.named.remove(name);
                *nodes -= 1;
                shrink(&mut node.named);
            }
            return Some(taken);
        }
    };
    take_at(items, place, moved)
}

/// Takes an item out of a list in constant time: the last one moves to its place, and `moved` is told.
pub(crate) fn take_at<T>(
    items: &mut Vec<T>,
    place: usize,
    moved: &mut dyn FnMut(&T, usize),
) -> Option<T> {
    if place >= items.len() {
        return None;
    }
    let taken = items.swap_remove(place);
    if let Some(item) = items.get(place) {
        moved(item, place);
    }
    if items.is_empty() {
        // What has held many holds no memory when it holds none.
        *items = Vec::new();
    }
    Some(taken)
}

/// Gives memory back that a map needs no more.
fn shrink<T>(named: &mut HashMap<Box<str>, Node<T>>) {
    if named.capacity() > 64 && named.len() < named.capacity() / 4 {
        named.shrink_to(named.len() * 2);
    }
}

fn walk<'t, T>(node: &'t Node<T>, mut levels: Split<'_, char>, found: &mut impl FnMut(&'t [T])) {
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

fn all<'t, T>(node: &'t Node<T>, found: &mut impl FnMut(&'t [T])) {
    for items in [&node.here, &node.rest] {
        if !items.is_empty() {
            found(items);
        }
    }
    for below in node.any.as_deref().into_iter().chain(node.named.values()) {
        all(below, found);
    }
}
