//! Where the deliveries of one name go.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::DispatcherConfig;

type Boxed = Box<dyn Error + Send + Sync>;

/// Where an implementation comes from.
pub(crate) enum Source<D: ?Sized> {
    Shared(Arc<D>),
    Made(Arc<dyn Fn() -> Result<Arc<D>, Boxed> + Send + Sync>),
}

impl<D: ?Sized> Clone for Source<D> {
    fn clone(&self) -> Self {
        match self {
            Self::Shared(shared) => Self::Shared(Arc::clone(shared)),
            Self::Made(make) => Self::Made(Arc::clone(make)),
        }
    }
}

/// An implementation for [`Dispatcher::add_route`](crate::Dispatcher::add_route), with what [`add`](crate::Dispatcher::add) has no words
/// for: that it is made anew after a crash, and options of its own.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use patterns_behaviour::{BoxFuture, Catalog, Dispatcher, DispatcherConfig, Route};
///
/// trait Sink: Send + Sync {
///     fn put<'a>(&'a self, row: &'a u64) -> BoxFuture<'a, Result<(), String>>;
/// }
/// struct Null;
/// impl Sink for Null {
///     fn put<'a>(&'a self, _: &'a u64) -> BoxFuture<'a, Result<(), String>> { Box::pin(async { Ok(()) }) }
/// }
///
/// let mut sinks: Catalog<dyn Sink> = Catalog::new();
/// sinks.register("null", |()| Ok(Arc::new(Null)))?;
///
/// let patient = DispatcherConfig { max_attempts: 50, ..DispatcherConfig::default() };
/// let dispatcher = Dispatcher::start(DispatcherConfig::default(), |sink: &Arc<dyn Sink>, row: &u64| sink.put(row)).await?;
/// dispatcher.add_route("null", Route::made_by(move || sinks.make("null", &())).config(patient))?;
/// dispatcher.deliver("null", 1).await?;
/// # Ok(()) }
/// ```
#[must_use = "a route does nothing until it is added to a dispatcher"]
pub struct Route<D: ?Sized> {
    pub(crate) source: Source<D>,
    /// Boxed, for it travels by value, also in errors.
    pub(crate) config: Option<Box<DispatcherConfig>>,
}

impl<D: ?Sized> Route<D> {
    /// Makes a route to this implementation, which all workers share, before and after a crash.
    pub fn to(implementation: Arc<D>) -> Self {
        Self {
            source: Source::Shared(implementation),
            config: None,
        }
    }

    /// Makes a route to an implementation that `make` makes: when a worker has its first delivery, and anew after each panic in it or
    /// other end of its process, for who knows what that has left of it.
    ///
    /// `make` runs in the worker's process, as a part of the attempt: its error or panic is a failed one, and counts. Each worker has an
    /// implementation of its own.
    pub fn made_by<E: Into<Boxed>>(
        make: impl Fn() -> Result<Arc<D>, E> + Send + Sync + 'static,
    ) -> Self {
        Self {
            source: Source::Made(Arc::new(move || make().map_err(Into::into))),
            config: None,
        }
    }

    /// Sets options of its own. Default: those of the dispatcher.
    pub fn config(mut self, config: DispatcherConfig) -> Self {
        self.config = Some(Box::new(config));
        self
    }
}

impl<D: ?Sized> fmt::Debug for Route<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Shared(_) => "shared",
            Source::Made(_) => "made",
        };
        f.debug_struct("Route")
            .field("implementation", &source)
            .field("config", &self.config)
            .finish()
    }
}
