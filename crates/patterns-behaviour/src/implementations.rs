//! The question of which values implement a trait, asked at run time.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

use crate::default_name;

/// Sees a value as the trait, if it is of the type that this one was made for.
type View<D> = Box<dyn for<'a> Fn(&'a dyn Any) -> Option<&'a D> + Send + Sync>;

struct Entry<D: ?Sized> {
    name: &'static str,
    view: View<D>,
}

/// The types that implement the trait `D`, as far as this registry was told, and the way from a `&dyn Any` to the `&D` that it is.
///
/// Rust does not know at run time which traits a value of unknown type implements. Whoever loads plug-ins, or keeps values of many
/// types, tells it here once for each type; then [`of`](Self::of) finds the trait in any value. There is no cast in it that
/// could be wrong: each type brings the closure that turns it into the trait, and the compiler has checked that.
///
/// Two registries answer two questions: `Implementations<dyn Channel>` and `Implementations<dyn Batch>` of the same value. For a trait of
/// your own, a method with a default, `fn as_batch(&self) -> Option<&dyn Batch> { None }`, is simpler, and cannot be forgotten in another
/// place.
///
/// # Examples
///
/// ```
/// use std::any::Any;
/// use patterns_behaviour::Implementations;
///
/// trait Area { fn area(&self) -> f64; }
/// struct Square(f64);
/// impl Area for Square { fn area(&self) -> f64 { self.0 * self.0 } }
///
/// let mut shapes = Implementations::<dyn Area>::new();
/// shapes.register(|square: &Square| square as &dyn Area);
///
/// let values: [&dyn Any; 2] = [&Square(3.0), &"no shape"];
/// let areas: Vec<_> = values.iter().map(|value| shapes.of(*value).map(|shape| shape.area())).collect();
/// assert_eq!(areas, [Some(9.0), None]);
/// ```
pub struct Implementations<D: ?Sized> {
    entries: HashMap<TypeId, Entry<D>>,
}

impl<D: ?Sized + 'static> Implementations<D> {
    /// Makes a registry that knows no type.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: HashMap::new(),
        }
    }

    /// Says that `T` implements the trait, and how: `|console: &Console| console as &dyn Channel`. Returns whether that is new; of the
    /// same type the last closure counts.
    pub fn register<T: Any>(
        &mut self,
        view: impl for<'a> Fn(&'a T) -> &'a D + Send + Sync + 'static,
    ) -> bool {
        let view: View<D> = Box::new(move |value: &dyn Any| value.downcast_ref::<T>().map(&view));
        let name = default_name::<T>();
        let entry = Entry { name, view };
        self.entries.insert(TypeId::of::<T>(), entry).is_none()
    }

    /// Returns `value` as the trait, if its type was registered.
    ///
    /// A reference to a box or an `Arc` is a value of another type than what is in it: pass `&*boxed`, and not `&boxed`.
    ///
    /// # Panics
    ///
    /// If the closure does that was registered.
    pub fn of<'a>(&self, value: &'a dyn Any) -> Option<&'a D> {
        let entry = self.entries.get(&value.type_id())?;
        (entry.view)(value)
    }

    /// Tells whether the type of `value` was registered.
    #[must_use]
    pub fn contains(&self, value: &dyn Any) -> bool {
        self.entries.contains_key(&value.type_id())
    }

    /// Tells whether `T` was registered.
    #[must_use]
    pub fn contains_type<T: Any>(&self) -> bool {
        self.entries.contains_key(&TypeId::of::<T>())
    }

    /// Returns the names of the types, as [`default_name`] gives them, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.entries.values().map(|entry| entry.name).collect();
        names.sort_unstable();
        names
    }

    /// Returns how many types were registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether no type was registered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<D: ?Sized + 'static> Default for Implementations<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: ?Sized + 'static> fmt::Debug for Implementations<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Implementations")
            .field("of", &default_name::<D>())
            .field("types", &self.names())
            .finish()
    }
}
