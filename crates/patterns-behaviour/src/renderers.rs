//! Rendering of values whose type is known only at run time.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;

use crate::default_name;

type Fallback<O> = Box<dyn Fn(&dyn Any) -> O + Send + Sync>;
type Render<O> = Box<dyn Fn(&dyn Any) -> Option<O> + Send + Sync>;

/// Any value of a `'static` type that can be shown by `Debug`: what [`Renderers::render_debug`] takes, so that nothing is without a text.
///
/// Every such type implements it. A `Box<dyn AnyDebug>` does so itself: pass `&*boxed`, and not `&boxed`, or it is a box that is
/// rendered.
pub trait AnyDebug: Any + fmt::Debug {}

impl<T: Any + fmt::Debug> AnyDebug for T {}

/// For each type the closure that renders it, and a stated fallback for all others.
///
/// Where the type is known when the program is compiled, a trait does this better (see [`Notification`](crate::notification::Notification)).
/// This one is for values that come as `&dyn Any`. The result is a text, unless you choose another `O`.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::Renderers;
///
/// let mut renderers = Renderers::new(|_| "something else".to_owned());
/// renderers.register(|number: &u8| format!("{number} of 255"));
///
/// assert_eq!(renderers.render(&7_u8), "7 of 255");
/// assert_eq!(renderers.render(&7_u16), "something else");
/// assert_eq!(renderers.try_render(&7_u16), None);
///
/// // Values that can be shown by `Debug` need no fallback.
/// assert_eq!(renderers.render_debug(&7_u8), "7 of 255");
/// assert_eq!(renderers.render_debug(&Some(7)), "Some(7)");
/// ```
pub struct Renderers<O = String> {
    renderers: HashMap<TypeId, Render<O>>,
    names: Vec<&'static str>,
    fallback: Fallback<O>,
}

impl<O: 'static> Renderers<O> {
    /// Makes a registry that knows no type, and renders all by `fallback`.
    pub fn new(fallback: impl Fn(&dyn Any) -> O + Send + Sync + 'static) -> Self {
        Self {
            renderers: HashMap::new(),
            names: Vec::new(),
            fallback: Box::new(fallback),
        }
    }

    /// Says how values of type `T` are rendered. Returns whether that is new; of the same type the last closure counts.
    pub fn register<T: Any>(&mut self, render: impl Fn(&T) -> O + Send + Sync + 'static) -> bool {
        let render: Render<O> = Box::new(move |value| value.downcast_ref::<T>().map(&render));
        let id = TypeId::of::<T>();
        let is_new = self.renderers.insert(id, render).is_none();
        if is_new {
            self.names.push(default_name::<T>());
        }
        is_new
    }

    /// Renders a value by the closure of its type, or by the fallback if there is none.
    ///
    /// A reference to a box is a value of another type than what is in it: pass `&*boxed`.
    ///
    /// # Panics
    ///
    /// If the closure does. The registry is as it was.
    pub fn render(&self, value: &dyn Any) -> O {
        self.try_render(value)
            .unwrap_or_else(|| (self.fallback)(value))
    }

    /// Renders a value by the closure of its type; `None` if there is none.
    ///
    /// # Panics
    ///
    /// If the closure does.
    pub fn try_render(&self, value: &dyn Any) -> Option<O> {
        let render = self.renderers.get(&value.type_id())?;
        render(value)
    }

    /// Tells whether there is a closure for the type of `value`.
    #[must_use]
    pub fn contains(&self, value: &dyn Any) -> bool {
        self.renderers.contains_key(&value.type_id())
    }

    /// Returns the names of the types, as [`default_name`] gives them, in the order in which they were registered.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.names.iter().copied()
    }
}

impl Renderers {
    /// Renders a value by the closure of its type, or as `Debug` shows it if there is none.
    ///
    /// # Panics
    ///
    /// If the closure or `Debug` does.
    pub fn render_debug(&self, value: &dyn AnyDebug) -> String {
        self.try_render(value)
            .unwrap_or_else(|| format!("{value:?}"))
    }
}

impl<O: 'static> fmt::Debug for Renderers<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Renderers")
            .field("types", &self.names().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}
