//! All errors of a value, each with its place.

use std::error::Error;
use std::fmt;
use std::slice;
use std::vec;

use crate::path::{Path, Segment};

/// An error, and where in the value it is.
///
/// It is shown as `items[3].price: must be positive`; an error of the whole value as its text alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Located<E> {
    /// Where.
    pub path: Path,
    /// What.
    pub error: E,
}

impl<E: fmt::Display> fmt::Display for Located<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_root() {
            self.error.fmt(f)
        } else {
            write!(f, "{}: {}", self.path, self.error)
        }
    }
}

impl<E: Error + 'static> Error for Located<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // Its text is this one's, so its source comes next.
        self.error.source()
    }
}

/// All errors that were found in a value, at least one, in the order in which the checks are written.
///
/// It is shown as one line for each error whose own text is one. As an [`Error`] it has no source, for there is no single one: iterate, and ask each.
///
/// # Examples
///
/// ```
/// use patterns_railway::{Errors, Path};
///
/// let mut errors = Errors::at("name", "is empty");
/// errors.push(Path::root().key("items").index(3).key("price"), "must be positive");
/// assert_eq!(errors.to_string(), "name: is empty\nitems[3].price: must be positive");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Errors<E> {
    /// Never empty.
    list: Vec<Located<E>>,
}

impl<E> Errors<E> {
    /// Makes a list of one error, of the whole value.
    #[must_use]
    pub fn here(error: E) -> Self {
        Self::from(Located {
            path: Path::root(),
            error,
        })
    }

    /// Makes a list of one error, at `key`.
    #[must_use]
    pub fn at(key: impl Into<Segment>, error: E) -> Self {
        Self::from(Located {
            path: Path::from(key.into()),
            error,
        })
    }

    /// Adds an error at the end.
    pub fn push(&mut self, path: Path, error: E) {
        self.list.push(Located { path, error });
    }

    /// Adds all of `others` at the end.
    pub fn merge(&mut self, others: Self) {
        self.list.extend(others.list);
    }

    /// Puts all of them below `key`: what was at `price` is at `key.price` then.
    #[must_use]
    pub fn under(mut self, key: impl Into<Segment>) -> Self {
        let key = key.into();
        for located in &mut self.list {
            let path = std::mem::take(&mut located.path);
            located.path = path.under(key.clone());
        }
        self
    }

    /// Makes another error of each, at the same place.
    #[must_use]
    pub fn map<F>(self, mut f: impl FnMut(E) -> F) -> Errors<F> {
        let list = self.list.into_iter().map(|located| Located {
            path: located.path,
            error: f(located.error),
        });
        Errors {
            list: list.collect(),
        }
    }

    /// Returns the first.
    #[must_use]
    pub fn first(&self) -> &Located<E> {
        &self.list[0]
    }

    /// Returns how many there are: at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns them, in order.
    pub fn iter(&self) -> slice::Iter<'_, Located<E>> {
        self.list.iter()
    }

    /// Returns them as a `Vec`, in order.
    #[must_use]
    pub fn into_vec(self) -> Vec<Located<E>> {
        self.list
    }
}

impl<E> From<Located<E>> for Errors<E> {
    fn from(located: Located<E>) -> Self {
        Self {
            list: vec![located],
        }
    }
}

impl<E> Extend<Located<E>> for Errors<E> {
    fn extend<I: IntoIterator<Item = Located<E>>>(&mut self, others: I) {
        self.list.extend(others);
    }
}

impl<E> IntoIterator for Errors<E> {
    type Item = Located<E>;
    type IntoIter = vec::IntoIter<Located<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a, E> IntoIterator for &'a Errors<E> {
    type Item = &'a Located<E>;
    type IntoIter = slice::Iter<'a, Located<E>>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}

impl<E: fmt::Display> fmt::Display for Errors<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, located) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            located.fmt(f)?;
        }
        Ok(())
    }
}

impl<E: fmt::Debug + fmt::Display> Error for Errors<E> {}
