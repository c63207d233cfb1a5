//! What acts on the step before: undos, attempts, time limits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::chain::Chain;
use crate::config::RetryConfig;
use crate::error::{Cause, TimedOut};
use crate::pipeline::Pipeline;
use crate::retry::Retry;
use crate::step::Step;
use crate::then::Then;
use crate::timeout::Timeout;
use crate::undo::{Undo, UndoLater, UndoNow, UndoReply};

/// What is worth another attempt: all.
type Always<E> = fn(&Cause<E>) -> bool;

/// The step before with something around it.
type Around<In, E, C, S> = Pipeline<In, E, Then<C, S>>;
/// The output of a step after a chain.
type OutOf<C, S> = <S as Step<<C as Chain>::Out>>::Out;
/// The step before with an undo, for which its output is cloned.
type AroundCloned<In, E, C, S, U> = Around<In, E, C, Undo<S, fn(&OutOf<C, S>) -> OutOf<C, S>, U>>;

/// These act on the step before. The last one is the outermost: with `.timeout(limit).retry(..)` the limit is that of each attempt, with
/// `.retry(..).timeout(limit)` that of all of them, delays included.
impl<In, E, C, S> Pipeline<In, E, Then<C, S>>
where
    C: Chain<In = In, Error = E>,
    S: Step<C::Out, Error = E>,
{
    /// Gives the step an undo, which is called with the step's own output, cloned.
    ///
    /// When a later step fails, panics or is late, the undos of all steps that were done are run, the last one first, before the run returns. So
    /// are they when the run's future is dropped midway: then they go on as a task of the runtime on which the run was; also one that is half way. When the run
    /// succeeds, they are dropped.
    ///
    /// An undo that fails or panics is told of (see [`on_undone`](Pipeline::on_undone), [`StepError::undone`](crate::StepError::undone) and
    /// [`Trace::undone`](crate::Trace::undone)), and the others are still run. So are those that could not be run because the runtime was gone.
    ///
    /// **The step in hand** when the run is dropped, or the step is late, has no output, and its undo is not run, although it may have done what it was to do. Where
    /// that matters, make the key first, in a step that has the undo, and act by the key in the next:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// # use std::sync::{Arc, Mutex};
    /// # use std::time::Duration;
    /// use patterns_pipeline::{Pipeline, TimedOut};
    /// # #[derive(Clone, Default)]
    /// # struct Bank(Arc<Mutex<Vec<String>>>);
    /// # impl Bank {
    /// #     fn write(&self, line: String) { self.0.lock().unwrap().push(line) }
    /// #     async fn charge(&self, key: u64) -> Result<u64, TimedOut> {
    /// #         self.write(format!("charged {key}"));
    /// #         std::future::pending().await
    /// #     }
    /// # }
    /// # let bank = Bank::default();
    /// # let (charging, refunding) = (bank.clone(), bank.clone());
    /// # let new_key = |amount: u64| Ok(amount + 1000);
    /// let pay = Pipeline::<u64, TimedOut>::new()
    ///     .step("key", new_key)
    ///     .undo(move |key| refunding.write(format!("whatever was charged by {key} is refunded")))
    ///     .step_async("charge", move |key| { let bank = charging.clone(); async move { bank.charge(key).await } })
    ///     .timeout(Duration::from_secs(2));
    /// assert!(pay.run(7).await.is_err()); // the bank has charged, and did not answer
    /// assert_eq!(*bank.0.lock().unwrap(), ["charged 1007", "whatever was charged by 1007 is refunded"]);
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Never itself. If the output's `Clone` panics in a run, then the step has panicked. It was done and is not undone, which is told as a failure of its undo.
    pub fn undo<U, R>(self, undo: U) -> AroundCloned<In, E, C, S, UndoNow<U>>
    where
        S::Out: Clone + 'static,
        U: Fn(S::Out) -> R + Send + Sync + 'static,
        R: UndoReply,
    {
        self.undo_by(S::Out::clone, UndoNow(Arc::new(undo)))
    }

    /// Gives the step an undo that is a future; otherwise as [`undo`](Pipeline::undo).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> std::io::Result<()> {
    /// use std::path::PathBuf;
    /// use patterns_pipeline::Pipeline;
    ///
    /// async fn create(path: PathBuf) -> std::io::Result<PathBuf> {
    ///     std::fs::write(&path, "draft")?;
    ///     Ok(path)
    /// }
    ///
    /// async fn delete(path: PathBuf) -> std::io::Result<()> {
    ///     std::fs::remove_file(path)
    /// }
    ///
    /// let publish = Pipeline::new()
    ///     .step_async("create", create)
    ///     .undo_async(delete)
    ///     .step("publish", |_| Err::<(), _>(std::io::Error::other("offline")));
    /// let path = std::env::temp_dir().join(format!("undo-async-{}", std::process::id()));
    /// assert!(publish.run(path.clone()).await.is_err());
    /// assert!(!path.exists());
    /// # Ok(()) }
    /// ```
    pub fn undo_async<U, R, Fut>(self, undo: U) -> AroundCloned<In, E, C, S, UndoLater<U>>
    where
        S::Out: Clone + 'static,
        U: Fn(S::Out) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: UndoReply,
    {
        self.undo_by(S::Out::clone, UndoLater(Arc::new(undo)))
    }

    /// Gives the step an undo that is called with what `take` takes out of the step's output: for outputs that cannot be cloned, or are large. Otherwise as
    /// [`undo`](Pipeline::undo).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_pipeline::Pipeline;
    ///
    /// struct Connection { id: u32 } // cannot be cloned
    ///
    /// let session = Pipeline::new()
    ///     .step("connect", |id| Ok(Connection { id }))
    ///     .undo_with(|connection| connection.id, |id: u32| println!("closing {id}"))
    ///     .step("greet", |_connection| Err::<(), _>("hung up"));
    /// assert_eq!(session.run(3).await, Err("hung up"));
    /// # }
    /// ```
    pub fn undo_with<K, T, U, R>(self, take: T, undo: U) -> Around<In, E, C, Undo<S, T, UndoNow<U>>>
    where
        K: Send + 'static,
        T: Fn(&S::Out) -> K + Send + Sync,
        U: Fn(K) -> R + Send + Sync + 'static,
        R: UndoReply,
    {
        self.undo_by(take, UndoNow(Arc::new(undo)))
    }

    /// As [`undo_with`](Pipeline::undo_with), with an undo that is a future.
    pub fn undo_with_async<K, T, U, R, Fut>(
        self,
        take: T,
        undo: U,
    ) -> Around<In, E, C, Undo<S, T, UndoLater<U>>>
    where
        K: Send + 'static,
        T: Fn(&S::Out) -> K + Send + Sync,
        U: Fn(K) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = R> + Send + 'static,
        R: UndoReply,
    {
        self.undo_by(take, UndoLater(Arc::new(undo)))
    }

    fn undo_by<T, U>(self, take: T, undo: U) -> Around<In, E, C, Undo<S, T, U>> {
        self.map(|chain| chain.around(|step| Undo { step, take, undo }))
    }

    /// Tries the step again when it fails, with a delay before each further attempt that grows.
    ///
    /// An error, a panic and an attempt that is late are failures alike, and all are tried again; to try only some again, see
    /// [`retry_if`](Pipeline::retry_if). Each attempt has a clone of the input, the last one the input itself. The run fails as the last attempt did.
    ///
    /// A `Clone` of the input that panics is an attempt that panics.
    ///
    /// # Panics
    ///
    /// Never itself. A run that has to wait for an attempt panics outside a tokio runtime with timers, and that is then the step's panic.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use patterns_pipeline::{Pipeline, RetryConfig};
    ///
    /// let calls = AtomicU32::new(0);
    /// let fetch = Pipeline::new()
    ///     .step("fetch", |page: u32| match calls.fetch_add(1, Ordering::Relaxed) {
    ///         0 => Err("busy"),
    ///         _ => Ok(page * 10),
    ///     })
    ///     .retry(RetryConfig::default());
    /// assert_eq!(fetch.run(4).await, Ok(40));
    /// # }
    /// ```
    pub fn retry(self, config: RetryConfig) -> Around<In, E, C, Retry<S, Always<E>>>
    where
        C::Out: Clone,
    {
        self.retry_if(config, |_| true)
    }

    /// Tries the step again when it fails, if `worth_it` says so; otherwise as [`retry`](Pipeline::retry).
    ///
    /// # Panics
    ///
    /// As [`retry`](Pipeline::retry). A panic of `worth_it` is the step's.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::io::{Error, ErrorKind};
    /// use patterns_pipeline::{Cause, Pipeline, RetryConfig};
    ///
    /// let open = Pipeline::new()
    ///     .step("open", |path: &str| std::fs::read(path))
    ///     .retry_if(RetryConfig::default(), |cause| {
    ///         cause.error().is_some_and(|error| error.kind() == ErrorKind::Interrupted)
    ///     });
    /// let run = open.run_traced("no such file").await;
    /// assert_eq!(run.trace.steps[0].attempts, 1);
    /// # }
    /// ```
    pub fn retry_if<P>(self, config: RetryConfig, worth_it: P) -> Around<In, E, C, Retry<S, P>>
    where
        C::Out: Clone,
        P: Fn(&Cause<E>) -> bool + Send + Sync,
    {
        self.map(|chain| {
            chain.around(|step| Retry {
                step,
                config,
                worth_it,
            })
        })
    }

    /// Ends the step when it takes longer than `after`: its work is dropped, and the pipeline's error is made of a [`TimedOut`].
    ///
    /// Any duration is allowed. With zero, the work is polled once; [`Duration::MAX`] is no limit. It counts from the step's beginning. What is there by
    /// the time it is looked at counts, however late. Work that blocks its thread is not ended by anybody.
    ///
    /// # Panics
    ///
    /// Never itself. A step that has to wait panics outside a tokio runtime with timers.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use patterns_pipeline::{Pipeline, TimedOut};
    ///
    /// let slow = Pipeline::<u32, TimedOut>::new()
    ///     .step_async("hang", |_| std::future::pending::<Result<(), _>>())
    ///     .timeout(Duration::from_secs(2));
    /// assert_eq!(slow.run(1).await.unwrap_err().to_string(), "no result after 2s");
    /// # }
    /// ```
    pub fn timeout(self, after: Duration) -> Around<In, E, C, Timeout<S>>
    where
        E: From<TimedOut>,
    {
        self.map(|chain| chain.around(|step| Timeout { step, after }))
    }
}
