//! Where in a value an error is.

use std::fmt::{self, Write};
use std::iter;

/// One step of a [`Path`]: into a field or an entry by its key, or into a list by its index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The name of a field, or the key of an entry. Any text.
    Key(Box<str>),
    /// A place in a list, counted from 0.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(key: &str) -> Self {
        Self::Key(key.into())
    }
}

impl From<&String> for Segment {
    fn from(key: &String) -> Self {
        Self::Key(key.as_str().into())
    }
}

impl From<String> for Segment {
    fn from(key: String) -> Self {
        Self::Key(key.into())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Where in a value an error is: keys and indices, from the outside in.
///
/// It is shown as code would reach the place: `items[3].price`. A key that is no plain name is quoted, so that two paths never read the same:
/// `hosts["db-1.example.org"]`, `["3"]`. The path to the whole value is shown as nothing.
///
/// # Examples
///
/// ```
/// use patterns_railway::Path;
///
/// let path = Path::root().key("items").index(3).key("price");
/// assert_eq!(path.to_string(), "items[3].price");
/// assert_eq!(path.json_pointer(), "/items/3/price");
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Path {
    /// From the inside out: what is known last is the outermost, and is added at the end.
    reversed: Vec<Segment>,
}

impl Path {
    /// Returns the path to the whole value.
    #[must_use]
    pub const fn root() -> Self {
        Self {
            reversed: Vec::new(),
        }
    }

    /// Returns the path to the field or entry `key` of what is here.
    #[must_use]
    pub fn key(self, key: impl AsRef<str>) -> Self {
        self.then(Segment::from(key.as_ref()))
    }

    /// Returns the path to the element `index` of what is here.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.then(Segment::Index(index))
    }

    /// Returns the path that begins with `segment` and goes on as this one.
    #[must_use]
    pub fn under(mut self, segment: impl Into<Segment>) -> Self {
        self.reversed.push(segment.into());
        self
    }

    fn then(mut self, segment: Segment) -> Self {
        self.reversed.insert(0, segment);
        self
    }

    /// Tells whether this is the path to the whole value.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.reversed.is_empty()
    }

    /// Returns its segments, from the outside in.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &Segment> + ExactSizeIterator {
        self.reversed.iter().rev()
    }

    /// Returns it as a JSON Pointer (RFC 6901): `/items/3/price`; nothing for the whole value.
    ///
    /// A pointer does not tell a key `"3"` from an index: what it points into does.
    #[must_use]
    pub fn json_pointer(&self) -> String {
        let mut pointer = String::new();
        for segment in self.segments() {
            pointer.push('/');
            match segment {
                Segment::Key(key) => pointer.push_str(&key.replace('~', "~0").replace('/', "~1")),
                // Writing to a text cannot fail.
                Segment::Index(index) => drop(write!(pointer, "{index}")),
            }
        }
        pointer
    }
}

impl FromIterator<Segment> for Path {
    /// From the outside in.
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        let mut reversed: Vec<_> = segments.into_iter().collect();
        reversed.reverse();
        Self { reversed }
    }
}

impl From<Segment> for Path {
    fn from(segment: Segment) -> Self {
        iter::once(segment).collect()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.segments().enumerate() {
            match segment {
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) if !is_plain(key) => write!(f, "[{key:?}]")?,
                Segment::Key(key) if depth == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({self})")
    }
}

/// Whether a key can stand as it is, and be taken for nothing else.
fn is_plain(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}
