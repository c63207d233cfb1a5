//! What one delivery is told beside its text.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::default_name;

/// The options of one delivery: one value for each type.
///
/// A channel looks for the types that it knows, and leaves the others alone: a [`Console`](super::Console) for a
/// [`Device`](super::Device), a channel of yours for a type of yours. Cheap to clone.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::notification::Options;
///
/// #[derive(Debug, PartialEq)]
/// struct Priority(u8);
///
/// let options = Options::new().with(Priority(3));
/// assert_eq!(options.get::<Priority>(), Some(&Priority(3)));
/// assert_eq!(options.get::<String>(), None);
/// ```
#[derive(Clone, Default)]
pub struct Options {
    values: HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>,
}

impl Options {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the option of type `T`; a second one takes the place of the first.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, value: T) -> Self {
        let value = (default_name::<T>(), Arc::new(value) as _);
        self.values.insert(TypeId::of::<T>(), value);
        self
    }

    /// Returns the option of type `T`.
    #[must_use]
    pub fn get<T: Any>(&self) -> Option<&T> {
        let (_, value) = self.values.get(&TypeId::of::<T>())?;
        value.downcast_ref()
    }
}

impl fmt::Debug for Options {
    /// Shows the names of the types.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<_> = self.values.values().map(|(name, _)| *name).collect();
        names.sort_unstable();
        f.debug_tuple("Options").field(&names).finish()
    }
}
