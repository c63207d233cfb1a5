//! The handle: what a program does with a dispatcher.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{BadOption, Child, Pid, ServerOptions, ServerRef, Shutdown, StartError, StopError};

use crate::error::{AddError, SendError, UnknownName};
use crate::in_hand::Deliver;
use crate::keeper::{DispatcherMsg, Keeper};
use crate::route::Source;
use crate::shared::{Lease, Shared};
use crate::{
    BoxFuture, DeliverError, Delivered, DispatcherConfig, DispatcherInfo, DispatcherStats, Hooks,
    Route, Ticket,
};

/// Named implementations of the trait `D`, each with a process, a bounded queue and retries of its own: one that is slow, fails or panics
/// stops none of the others.
///
/// A handle is cheap to clone, and all clones are one dispatcher. `M` is what is delivered, and `T` and `E` what an implementation returns
/// of it. It ends with the last handle, or by [`stop`](Self::stop); one that is a [`child`](Self::child) ends with its supervisor.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicU32, Ordering};
/// use patterns_behaviour::{BoxFuture, Dispatcher, DispatcherConfig};
///
/// trait Exporter: Send + Sync {
///     fn export<'a>(&'a self, row: &'a str) -> BoxFuture<'a, Result<usize, String>>;
/// }
///
/// /// Works from the third time on.
/// struct Flaky(AtomicU32);
///
/// impl Exporter for Flaky {
///     fn export<'a>(&'a self, row: &'a str) -> BoxFuture<'a, Result<usize, String>> {
///         Box::pin(async move {
///             match self.0.fetch_add(1, Ordering::Relaxed) {
///                 0 | 1 => Err("busy".to_owned()),
///                 _ => Ok(row.len()),
///             }
///         })
///     }
/// }
///
/// let exporters = Dispatcher::start(DispatcherConfig::default(), |exporter: &Arc<dyn Exporter>, row: &String| exporter.export(row)).await?;
/// exporters.add("flaky", Arc::new(Flaky(AtomicU32::new(0))))?;
///
/// let delivered = exporters.deliver("flaky", "1,2,3".to_owned()).await?;
/// assert_eq!((delivered.value, delivered.attempts), (5, 3));
/// exporters.stop().await?;
/// # Ok(()) }
/// ```
#[must_use = "the dispatcher ends when its last handle is dropped"]
pub struct Dispatcher<D: ?Sized, M, T, E> {
    shared: Arc<Shared<D, M, T, E>>,
    keeper: ServerRef<DispatcherMsg>,
}

impl<D, M, T, E> Dispatcher<D, M, T, E>
where
    D: ?Sized + Send + Sync + 'static,
    M: Send + Sync + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    /// Starts a dispatcher without any implementation. `deliver` says how one of them is given a message: usually it calls a method of the
    /// trait. It runs at each attempt, and its panic is one of the implementation.
    ///
    /// The closure's types have to be known where it stands: as `|storage: &Arc<dyn Storage>, put: &Put| storage.put(put)`, or by an alias,
    /// `type Puts = Dispatcher<dyn Storage, Put, (), Error>`, and `Puts::start(config, |storage, put| storage.put(put))`.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no dispatcher.
    ///
    /// # Errors
    ///
    /// [`StartError::BadOption`] if an option is out of its range, and why its process did not start, above all
    /// [`StartError::NoRuntime`].
    pub async fn start(
        config: DispatcherConfig,
        deliver: impl for<'a> Fn(&'a Arc<D>, &'a M) -> BoxFuture<'a, Result<T, E>>
        + Send
        + Sync
        + 'static,
    ) -> Result<Self, StartError> {
        Self::start_with(config, Hooks::new(), deliver).await
    }

    /// Starts a dispatcher with closures of your own; otherwise as [`start`](Self::start).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    ///
    /// # Examples
    ///
    /// ```
    /// # use patterns_behaviour::BoxFuture;
    /// # trait Exporter: Send + Sync {
    /// #     fn export<'a>(&'a self, row: &'a str) -> BoxFuture<'a, Result<(), std::io::Error>>;
    /// # }
    /// # struct Broken;
    /// # impl Exporter for Broken {
    /// #     fn export<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), std::io::Error>> {
    /// #         Box::pin(async { Err(std::io::ErrorKind::PermissionDenied.into()) })
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::io::ErrorKind;
    /// use std::sync::Arc;
    /// use patterns_behaviour::{Dispatcher, DispatcherConfig, GaveUp, Hooks};
    ///
    /// let hooks = Hooks::new()
    ///     .retry_if(|failure| failure.error().is_none_or(|error: &std::io::Error| error.kind() != ErrorKind::PermissionDenied))
    ///     .on_dead_letter(|letter| eprintln!("{letter}"));
    /// let exporters = Dispatcher::start_with(
    ///     DispatcherConfig::default(),
    ///     hooks,
    ///     |exporter: &Arc<dyn Exporter>, row: &String| exporter.export(row),
    /// );
    /// let exporters = exporters.await?;
    /// exporters.add("broken", Arc::new(Broken))?;
    ///
    /// let letter = exporters.send("broken", "1,2,3".to_owned())?.await.unwrap_err();
    /// assert_eq!((letter.gave_up, letter.attempts, letter.message.as_str()), (GaveUp::NotWorthIt, 1, "1,2,3"));
    /// # Ok(()) }
    /// ```
    pub async fn start_with(
        config: DispatcherConfig,
        hooks: Hooks<M, T, E>,
        deliver: impl for<'a> Fn(&'a Arc<D>, &'a M) -> BoxFuture<'a, Result<T, E>>
        + Send
        + Sync
        + 'static,
    ) -> Result<Self, StartError> {
        config.check()?;
        let options = ServerOptions::default().name(config.name.as_str());
        let deliver: Arc<Deliver<D, M, T, E>> = Arc::new(deliver);
        let shared = Shared::new(config, hooks, deliver);
        let lease = Arc::new(Lease(Arc::clone(&shared)));
        let keeper = otp_core::start_with(Keeper::new(lease), options).await;
        let keeper = keeper?;
        Ok(Self { shared, keeper })
    }

    /// Specifies a dispatcher as a child of a supervisor of your own, and returns its handle, which is valid from now on and after each
    /// restart.
    ///
    /// Implementations can be added at once. Until the supervisor has started it, and while it is being restarted after a crash, deliveries are
    /// accepted and wait. When it is stopped in order it drains, as by [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// A [`BadOption`] if an option is out of its range.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use patterns_behaviour::{Strategy, Supervisor};
    /// use patterns_behaviour::notification::{Channel, Collector, Options};
    /// use patterns_behaviour::{Dispatcher, DispatcherConfig, Hooks};
    ///
    /// let (child, channels) = Dispatcher::child(
    ///     "channels",
    ///     DispatcherConfig::default(),
    ///     Hooks::new(),
    ///     |channel: &Arc<dyn Channel>, (text, options): &(String, Options)| channel.deliver(text, options),
    /// )?;
    /// channels.add("collector", Arc::new(Collector::new()))?;
    ///
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    /// channels.deliver("collector", ("hello".to_owned(), Options::new())).await?;
    /// tree.stop().await?;
    /// # Ok(()) }
    /// ```
    pub fn child(
        id: impl Into<Arc<str>>,
        config: DispatcherConfig,
        hooks: Hooks<M, T, E>,
        deliver: impl for<'a> Fn(&'a Arc<D>, &'a M) -> BoxFuture<'a, Result<T, E>>
        + Send
        + Sync
        + 'static,
    ) -> Result<(Child<DispatcherMsg>, Self), BadOption> {
        config.check()?;
        // Draining has its own limit, and after it each worker has one second.
        let patience = config.drain_timeout.saturating_add(Duration::from_secs(2));
        let deliver: Arc<Deliver<D, M, T, E>> = Arc::new(deliver);
        let shared = Shared::new(config, hooks, deliver);
        let lease = Arc::new(Lease(Arc::clone(&shared)));
        let child = Child::server(id, move || Keeper::new(Arc::clone(&lease)))
            .shutdown(Shutdown::Timeout(patience))
            .forget_messages();
        let keeper = child.server_ref();
        Ok((child, Self { shared, keeper }))
    }
}

impl<D: ?Sized, M, T, E> Dispatcher<D, M, T, E> {
    /// Adds an implementation. It can be sent to at once; its process is started in the background.
    ///
    /// # Errors
    ///
    /// [`AddError::Duplicate`] if the name is taken, [`AddError::Closed`] if the dispatcher has ended. Both hand the implementation
    /// back.
    pub fn add(
        &self,
        name: impl Into<Arc<str>>,
        implementation: Arc<D>,
    ) -> Result<(), AddError<Arc<D>>> {
        let kept = Arc::clone(&implementation);
        self.shared
            .add(name.into(), Route::to(implementation))
            .map_err(|error| error.map(|_| kept))
    }

    /// Adds an implementation that is made anew after a crash, or has options of its own; otherwise as [`add`](Self::add).
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), and [`AddError::BadOption`] if an option of the route is out of its range.
    pub fn add_route(
        &self,
        name: impl Into<Arc<str>>,
        route: Route<D>,
    ) -> Result<(), AddError<Route<D>>> {
        self.shared.add(name.into(), route)
    }

    /// Puts another implementation in the place of the one of that name. What waits is not lost: attempts that begin from now on are
    /// made with the new one.
    ///
    /// # Errors
    ///
    /// [`UnknownName`] if there is none of that name.
    pub fn replace(&self, name: &str, implementation: Arc<D>) -> Result<(), UnknownName> {
        let line = self.shared.line(name)?;
        line.replace(Source::Shared(implementation));
        Ok(())
    }

    /// Removes an implementation. It accepts no more at once; what it had accepted goes on for `drain_timeout`, and what is left then
    /// are dead letters. When this returns, its process has ended and the name is free.
    ///
    /// Called by the implementation itself in the middle of a delivery, it waits for that delivery, and so for all of `drain_timeout`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    ///
    /// # Errors
    ///
    /// [`UnknownName`] if there is none of that name.
    pub async fn remove(&self, name: &str) -> Result<(), UnknownName> {
        let line = self.shared.line(name)?;
        self.shared.remove(&line);
        line.gone().await;
        Ok(())
    }

    /// Has a message delivered, if there is room for it. `Ok` means accepted: the [`Ticket`] tells what became of it, and may be dropped.
    ///
    /// It works from anywhere, also outside a runtime.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] if too many wait, [`SendError::Unknown`] if there is no such implementation, and [`SendError::Closed`]. All
    /// hand the message back.
    pub fn send(&self, name: &str, message: M) -> Result<Ticket<M, T, E>, SendError<M>> {
        match self.shared.line(name) {
            Ok(line) => line.send(message),
            Err(unknown) => Err(SendError::Unknown { unknown, message }),
        }
    }

    /// Has a message delivered as soon as there is room for it, first come first served; otherwise as [`send`](Self::send).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done drops the message: it was not accepted.
    ///
    /// # Errors
    ///
    /// [`SendError::Unknown`] and [`SendError::Closed`], as [`send`](Self::send).
    pub async fn send_wait(&self, name: &str, message: M) -> Result<Ticket<M, T, E>, SendError<M>> {
        match self.shared.line(name) {
            Ok(line) => line.send_wait(message).await,
            Err(unknown) => Err(SendError::Unknown { unknown, message }),
        }
    }

    /// Has a message delivered as soon as there is room for it, and waits for the report.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before the message was accepted drops it; later the delivery goes on.
    ///
    /// # Errors
    ///
    /// [`DeliverError::Refused`] if it was not accepted, [`DeliverError::Failed`] if it was and did not succeed. Both have the message in
    /// them.
    pub async fn deliver(
        &self,
        name: &str,
        message: M,
    ) -> Result<Delivered<T>, DeliverError<M, E>> {
        let ticket = self.send_wait(name, message).await;
        ticket
            .map_err(DeliverError::Refused)?
            .await
            .map_err(DeliverError::Failed)
    }

    /// Has a message delivered by every implementation that has room for it, in the order in which they were added. Returns each name with
    /// what [`send`](Self::send) returned for it.
    ///
    /// # Panics
    ///
    /// If a `Clone` of the message does. What was accepted by then is delivered.
    pub fn send_all(&self, message: &M) -> Vec<Sent<M, T, E>>
    where
        M: Clone,
    {
        let lines = self.shared.lines();
        let sent = lines
            .iter()
            .map(|line| (Arc::clone(&line.name), line.send(message.clone())));
        sent.collect()
    }

    /// Returns the names of the implementations, in the order in which they were added.
    #[must_use]
    pub fn names(&self) -> Vec<Arc<str>> {
        let lines = self.shared.lines();
        lines.iter().map(|line| Arc::clone(&line.name)).collect()
    }

    /// Tells what the dispatcher and each of its implementations is doing.
    #[must_use]
    pub fn info(&self) -> DispatcherInfo {
        self.shared.info()
    }

    /// Returns what was counted, of all implementations together; for each see [`info`](Self::info).
    #[must_use]
    pub fn stats(&self) -> DispatcherStats {
        self.shared.stats()
    }

    /// Returns the process that keeps the dispatcher in order, if it runs.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.keeper.pid()
    }

    /// Accepts no more, goes on with what was accepted for `drain_timeout`, and ends. What is left then are dead letters: when this
    /// returns, everything that was accepted is reported.
    ///
    /// A dispatcher that is a [`child`](Self::child) is to be stopped by its supervisor, which would otherwise start it again. Called by an
    /// implementation in the middle of a delivery, it waits for that delivery, and so for all of `drain_timeout`.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back.
    ///
    /// # Errors
    ///
    /// As [`ServerRef::stop`]; [`StopError::NoProc`] if it has ended already.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.keeper.stop().await
    }

    /// Ends without going on with anything: attempts are broken off, and what was accepted are dead letters. It also cuts short a
    /// [`stop`](Self::stop) that is under way.
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// As [`stop`](Self::stop).
    pub async fn stop_now(&self) -> Result<(), StopError> {
        self.shared.hurry_up();
        self.keeper.stop().await
    }
}

/// The name of an implementation, and what [`Dispatcher::send`] returned for it.
type Sent<M, T, E> = (Arc<str>, Result<Ticket<M, T, E>, SendError<M>>);

impl<D: ?Sized, M, T, E> Clone for Dispatcher<D, M, T, E> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            keeper: self.keeper.clone(),
        }
    }
}

impl<D: ?Sized, M, T, E> fmt::Debug for Dispatcher<D, M, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatcher")
            .field("info", &self.info())
            .finish()
    }
}
