//! Implementations by name, made when a configuration asks for them.

use std::collections::HashMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::default_name;
use crate::error::{DuplicateName, MakeError, UnknownName};

type Factory<D, C, E> = Box<dyn Fn(&C) -> Result<Arc<D>, E> + Send + Sync>;

/// What makes an implementation fail unless you choose an error of your own.
type AnyError = Box<dyn Error + Send + Sync>;

/// Named implementations of the trait `D`, each with the factory that makes one of a configuration `C`.
///
/// The names are what a person writes into a configuration file or on the command line. A catalog is built once, at the program's start,
/// and can be shared in an [`Arc`]; it needs no runtime. Each [`make`](Self::make) makes a new implementation.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use patterns_behaviour::Catalog;
///
/// trait Greeter: Send + Sync { fn greet(&self) -> String; }
/// struct Plain;
/// struct Named(String);
/// impl Greeter for Plain { fn greet(&self) -> String { "hello".to_owned() } }
/// impl Greeter for Named { fn greet(&self) -> String { format!("hello, {}", self.0) } }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut greeters: Catalog<dyn Greeter, str> = Catalog::new();
/// greeters.register("plain", |_| Ok(Arc::new(Plain)))?;
/// greeters.register("named", |name| match name {
///     "" => Err("it needs a name".into()),
///     name => Ok(Arc::new(Named(name.to_owned()))),
/// })?;
///
/// assert_eq!(greeters.make("named", "Joe")?.greet(), "hello, Joe");
/// let error = greeters.make("nmaed", "Joe").err().unwrap();
/// assert_eq!(error.to_string(), "there is no `nmaed`; there are: plain, named");
/// # Ok(()) }
/// ```
pub struct Catalog<D: ?Sized, C: ?Sized = (), E = AnyError> {
    entries: Vec<(Arc<str>, Factory<D, C, E>)>,
    by_name: HashMap<Arc<str>, usize>,
}

impl<D: ?Sized + 'static, C: ?Sized, E> Catalog<D, C, E> {
    /// Makes an empty catalog.
    #[must_use]
    pub fn new() -> Self {
        Self {
            entries: Vec::new(),
            by_name: HashMap::new(),
        }
    }

    /// Registers an implementation. `factory` is called at each [`make`](Self::make) of that name, and not before.
    ///
    /// Any text is a name; case counts.
    ///
    /// # Errors
    ///
    /// [`DuplicateName`] if the name is taken. It hands the factory back; what was registered first stays.
    pub fn register<F>(
        &mut self,
        name: impl Into<Arc<str>>,
        factory: F,
    ) -> Result<&mut Self, DuplicateName<F>>
    where
        F: Fn(&C) -> Result<Arc<D>, E> + Send + Sync + 'static,
    {
        let name = name.into();
        if self.by_name.contains_key(&name) {
            return Err(DuplicateName {
                name,
                refused: factory,
            });
        }
        self.by_name.insert(Arc::clone(&name), self.entries.len());
        self.entries.push((name, Box::new(factory)));
        Ok(self)
    }

    /// Registers an implementation under the [`default_name`] of its type `T`; otherwise as [`register`](Self::register).
    ///
    /// # Errors
    ///
    /// As [`register`](Self::register).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use patterns_behaviour::Catalog;
    /// trait Greeter: Send + Sync {}
    /// struct Plain;
    /// impl Greeter for Plain {}
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut greeters: Catalog<dyn Greeter> = Catalog::new();
    /// greeters.register_type::<Plain, _>(|()| Ok(Arc::new(Plain)))?;
    /// assert!(greeters.make("Plain", &()).is_ok());
    /// # Ok(()) }
    /// ```
    pub fn register_type<T: ?Sized, F>(&mut self, factory: F) -> Result<&mut Self, DuplicateName<F>>
    where
        F: Fn(&C) -> Result<Arc<D>, E> + Send + Sync + 'static,
    {
        self.register(default_name::<T>(), factory)
    }

    /// Makes a new implementation of that name.
    ///
    /// # Errors
    ///
    /// [`MakeError::Unknown`], which lists the names there are, and [`MakeError::Failed`] with the error of the factory.
    ///
    /// # Panics
    ///
    /// If the factory does. The catalog is as it was.
    pub fn make(&self, name: &str, config: &C) -> Result<Arc<D>, MakeError<E>> {
        let Some((name, factory)) = self.by_name.get(name).map(|at| &self.entries[*at]) else {
            return Err(MakeError::Unknown(UnknownName {
                name: name.into(),
                known: self.names().map(Arc::from).collect(),
            }));
        };
        factory(config).map_err(|error| MakeError::Failed {
            name: Arc::clone(name),
            error,
        })
    }

    /// Tells whether there is an implementation of that name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Returns the names, in the order in which they were registered.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(name, _)| &**name)
    }

    /// Returns how many implementations there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Tells whether there is no implementation.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<D: ?Sized + 'static, C: ?Sized, E> Default for Catalog<D, C, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: ?Sized + 'static, C: ?Sized, E> fmt::Debug for Catalog<D, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalog")
            .field("of", &default_name::<D>())
            .field("names", &self.names().collect::<Vec<_>>())
            .finish()
    }
}
