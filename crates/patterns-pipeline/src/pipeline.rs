//! The pipeline: it is built step by step, and run as often as is wanted.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use otp_core::contained;

use crate::boxed::{BoxPipeline, Boxed};
use crate::chain::{Chain, Start, SyncChain};
use crate::drive::{Detail, Drive};
use crate::error::StepError;
use crate::shared::{PipelineStats, Shared};
use crate::step::{AsyncStep, PlainStep};
use crate::then::{Joined, Then};
use crate::trace::Traced;
use crate::undone::{Name, Undone};

/// Named steps from an `In` to an output, of which the first error `E` ends the run.
///
/// It is built by value and run by reference: many times, from many tasks at once. `C` is the type of its steps, which is nested as an iterator's is;
/// where it has to be written down, there is [`BoxPipeline`].
///
/// # Cancel safety
///
/// All `run*` futures may be dropped at every await. The work of the step in hand is dropped first; it has no output, so its own undo is not run.
/// Then what was done before is undone, in the background: see [`undo`](Pipeline::undo).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), String> {
/// use patterns_pipeline::Pipeline;
///
/// let area = Pipeline::<&str, String>::new()
///     .step("split", |text| text.split_once('x').ok_or(format!("no `x` in `{text}`")))
///     .step_async("parse", |(width, height)| async move {
///         let parse = |number: &str| number.parse::<u32>().map_err(|error| error.to_string());
///         Ok((parse(width)?, parse(height)?))
///     })
///     .step("multiply", |(width, height)| Ok(width * height));
///
/// assert_eq!(area.run("6x7").await?, 42);
/// let error = area.run_tagged("6x?").await.unwrap_err();
/// assert_eq!(error.to_string(), "step `parse`: invalid digit found in string");
/// # Ok(()) }
/// ```
#[must_use = "a pipeline does nothing until it is run"]
pub struct Pipeline<In, E, C = Start<In, E>> {
    pub(crate) chain: C,
    pub(crate) shared: Arc<Shared>,
    marker: PhantomData<fn(In) -> E>,
}

impl<In: Send, E: Send> Pipeline<In, E> {
    /// Makes a pipeline without steps, which returns its input.
    pub fn new() -> Self {
        Self::of(Start::new())
    }
}

impl<In: Send, E: Send> Default for Pipeline<In, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<In, E, C> Pipeline<In, E, C> {
    /// Makes a pipeline of these steps, without a hook.
    pub(crate) fn of(chain: C) -> Self {
        Self {
            chain,
            shared: Shared::new(None),
            marker: PhantomData,
        }
    }

    /// Takes its steps.
    pub(crate) fn into_chain(self) -> C {
        self.chain
    }

    /// Makes it one of other steps.
    pub(crate) fn map<D>(self, change: impl FnOnce(C) -> D) -> Pipeline<In, E, D> {
        Pipeline {
            chain: change(self.chain),
            shared: self.shared,
            marker: PhantomData,
        }
    }

    /// Calls `hook` with what became of each undo, of every run.
    ///
    /// That is the one place where the undos of runs that were dropped can be heard of. The hook is called by whoever runs the undo, after each, and
    /// outside all locks: it may use the pipeline. Its panic is contained. Without a hook, an undo that was not done is an error event of
    /// [tracing](https://docs.rs/tracing); so it is if the hook panics.
    ///
    /// The pipeline that is returned counts anew. There is one hook: a later one takes its place. Of a pipeline that is joined by
    /// [`then`](Pipeline::then), the hook is not taken.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use std::sync::{Arc, Mutex};
    /// use patterns_pipeline::Pipeline;
    ///
    /// let log = Arc::new(Mutex::new(Vec::new()));
    /// let lines = Arc::clone(&log);
    /// let pipeline = Pipeline::new()
    ///     .step("book", |seat: u32| Ok(seat))
    ///     .undo(|seat| Err(format!("seat {seat} is stuck")))
    ///     .step("pay", |_| Err::<(), _>("no money"))
    ///     .on_undone(move |undone| lines.lock().unwrap().push(undone.to_string()));
    /// assert_eq!(pipeline.run(7).await, Err("no money"));
    /// assert_eq!(*log.lock().unwrap(), ["undo of `book`: seat 7 is stuck"]);
    /// # }
    /// ```
    pub fn on_undone(mut self, hook: impl Fn(&Undone) + Send + Sync + 'static) -> Self {
        self.shared = Shared::new(Some(Box::new(hook)));
        self
    }

    /// Returns how it is doing. Clones and pipelines that grew out of this one count together with it.
    #[must_use]
    pub fn stats(&self) -> PipelineStats {
        self.shared.stats()
    }

    /// Waits until no run that could be undone is under way, and no undo either: for the end of a program.
    ///
    /// Runs are counted from their first poll, if the pipeline has undos. Whoever goes on beginning runs may wait for ever.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() {
    /// use std::time::Duration;
    /// use patterns_pipeline::Pipeline;
    /// use tokio::time::{sleep, timeout};
    ///
    /// let pipeline = Pipeline::<_, &str>::new()
    ///     .step("lock", |door: &'static str| Ok(door))
    ///     .undo_async(|_door| sleep(Duration::from_secs(1)))
    ///     .step_async("guard", |_| std::future::pending::<Result<(), _>>());
    /// // Nobody waits for it any more: the undo goes on in the background.
    /// assert!(timeout(Duration::from_secs(9), pipeline.run("front")).await.is_err());
    /// assert_eq!(pipeline.stats().undoing, 1);
    /// pipeline.settled().await;
    /// assert_eq!(pipeline.stats().undone, 1);
    /// # }
    /// ```
    pub async fn settled(&self) {
        self.shared.settled().await;
    }
}

impl<In, E, C> Pipeline<In, E, C>
where
    E: Send,
    C: Chain<In = In, Error = E>,
{
    /// Adds a step that is a function.
    ///
    /// It takes what the step before returns, and returns a `Result` with the pipeline's error type. Anything else does not compile:
    ///
    /// ```compile_fail,E0308
    /// use patterns_pipeline::Pipeline;
    ///
    /// let _ = Pipeline::<u32, String>::new().step("check", |n| { let _ = n > 0; });
    /// ```
    ///
    /// ```compile_fail,E0631
    /// use patterns_pipeline::Pipeline;
    ///
    /// let _ = Pipeline::<u32, String>::new()
    ///     .step("show", |n| Ok(n.to_string()))
    ///     .step("double", |n: u32| Ok(n * 2)); // it is a `String` here
    /// ```
    pub fn step<Out, F>(
        self,
        name: impl Into<Name>,
        work: F,
    ) -> Pipeline<In, E, Then<C, PlainStep<F>>>
    where
        Out: Send,
        F: Fn(C::Out) -> Result<Out, E> + Send + Sync,
    {
        let name = name.into();
        self.map(|before| Then {
            before,
            name,
            step: PlainStep(work),
        })
    }

    /// Adds a step that makes a future. The future is polled in place: nothing is spawned.
    pub fn step_async<Out, F, Fut>(
        self,
        name: impl Into<Name>,
        work: F,
    ) -> Pipeline<In, E, Then<C, AsyncStep<F>>>
    where
        Out: Send,
        F: Fn(C::Out) -> Fut + Send + Sync,
        Fut: Future<Output = Result<Out, E>> + Send,
    {
        let name = name.into();
        self.map(|before| Then {
            before,
            name,
            step: AsyncStep(work),
        })
    }

    /// Adds the steps of another pipeline.
    ///
    /// They are then steps of this one, undos and all. The hook and the counts of the other are not taken.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// use patterns_pipeline::Pipeline;
    ///
    /// let parse = Pipeline::new().step("parse", |text: &str| text.parse::<i32>().map_err(|_| "no number"));
    /// let halve = Pipeline::new().step("halve", |n: i32| if n % 2 == 0 { Ok(n / 2) } else { Err("odd") });
    /// let both = parse.then(halve);
    /// assert_eq!(both.run("7").await, Err("odd"));
    /// # }
    /// ```
    pub fn then<D>(self, other: Pipeline<C::Out, E, D>) -> Pipeline<In, E, Joined<C, D>>
    where
        D: Chain<In = C::Out, Error = E>,
    {
        self.map(|first| Joined {
            first,
            second: other.chain,
        })
    }

    /// Takes the steps out of its type; see [`BoxPipeline`].
    pub fn boxed(self) -> BoxPipeline<In, C::Out, E>
    where
        C: 'static,
    {
        self.map(Boxed::new)
    }

    /// Runs the steps, each on the output of the one before.
    ///
    /// When one fails, what was done is undone, the last step first, and then its error is returned as it is. If a step panics, the undos are run and then
    /// the panic goes on: the panic hook has told of it once.
    ///
    /// # Errors
    ///
    /// The first error of a step; also that which its time limit makes.
    ///
    /// # Panics
    ///
    /// As a step does, after the undos. When it is polled after its end.
    ///
    /// # Cancel safety
    ///
    /// As [`Pipeline`] says.
    pub fn run(
        &self,
        input: In,
    ) -> impl Future<Output = Result<C::Out, E>> + Send + use<'_, In, E, C> {
        self.drive(input, Detail::Plain, |run: Traced<C::Out, E>| {
            contained::drop_contained(run.trace);
            run.result.map_err(StepError::into_plain)
        })
    }

    /// Runs the steps as [`run`](Pipeline::run) does, and tells the name of a step that fails, and what was undone.
    ///
    /// # Errors
    ///
    /// A [`StepError`]. A panic of a step is an error, too.
    ///
    /// # Panics
    ///
    /// When it is polled after its end.
    ///
    /// # Cancel safety
    ///
    /// As [`Pipeline`] says.
    pub fn run_tagged(
        &self,
        input: In,
    ) -> impl Future<Output = Result<C::Out, StepError<E>>> + Send + use<'_, In, E, C> {
        self.drive(input, Detail::Tagged, |run: Traced<C::Out, E>| run.result)
    }

    /// Runs the steps as [`run_tagged`](Pipeline::run_tagged) does, and writes down what each did and how long it took.
    ///
    /// # Panics
    ///
    /// When it is polled after its end.
    ///
    /// # Cancel safety
    ///
    /// As [`Pipeline`] says. The trace is lost then; the undos are told to the [hook](Pipeline::on_undone).
    pub fn run_traced(
        &self,
        input: In,
    ) -> impl Future<Output = Traced<C::Out, E>> + Send + use<'_, In, E, C> {
        self.drive(input, Detail::Traced, |run: Traced<C::Out, E>| run)
    }

    #[inline]
    fn drive<F>(&self, input: In, detail: Detail, conclude: F) -> Drive<'_, C::Run<'_>, F> {
        let run = self.chain.start(input);
        let undoes = self.chain.undoes();
        Drive::new(run, undoes, &self.shared, detail, conclude)
    }
}

// The bound stands at each method, so that the compiler says which step is not sync.
impl<In, E, C> Pipeline<In, E, C>
where
    E: Send,
    C: Chain<In = In, Error = E>,
{
    /// Runs the steps as [`run`](Pipeline::run) does, without a runtime: for pipelines whose steps and undos are all sync.
    ///
    /// Without undos, it is compiled to what a chain of `?` is compiled to.
    ///
    /// # Errors
    ///
    /// The first error of a step.
    ///
    /// # Panics
    ///
    /// As a step does, after the undos.
    ///
    /// # Examples
    ///
    /// ```
    /// use patterns_pipeline::Pipeline;
    ///
    /// let half = Pipeline::<u32, &str>::new()
    ///     .step("even", |n| if n % 2 == 0 { Ok(n) } else { Err("odd") })
    ///     .step("halve", |n| Ok(n / 2));
    /// assert_eq!(half.run_sync(8), Ok(4));
    /// assert_eq!(half.run_sync(7), Err("odd"));
    /// ```
    ///
    /// With an async step it does not compile:
    ///
    /// ```compile_fail,E0277
    /// use patterns_pipeline::Pipeline;
    ///
    /// let wait = Pipeline::<u32, &str>::new().step_async("wait", |n| async move { Ok(n) });
    /// let _ = wait.run_sync(8);
    /// ```
    #[inline]
    pub fn run_sync(&self, input: In) -> Result<C::Out, E>
    where
        C: SyncChain,
    {
        if self.chain.undoes() {
            return self.run_tagged_sync(input).map_err(StepError::into_plain);
        }
        self.chain.call(input)
    }

    /// Runs the steps as [`run_tagged`](Pipeline::run_tagged) does, without a runtime.
    ///
    /// # Errors
    ///
    /// A [`StepError`]. A panic of a step is an error, too.
    pub fn run_tagged_sync(&self, input: In) -> Result<C::Out, StepError<E>>
    where
        C: SyncChain,
    {
        now(self.run_tagged(input))
    }

    /// Runs the steps as [`run_traced`](Pipeline::run_traced) does, without a runtime.
    #[must_use]
    pub fn run_traced_sync(&self, input: In) -> Traced<C::Out, E>
    where
        C: SyncChain,
    {
        now(self.run_traced(input))
    }
}

/// Runs what never waits.
fn now<F: Future>(run: F) -> F::Output {
    match pin!(run).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => done,
        Poll::Pending => unreachable!("sync steps and undos never wait"),
    }
}

impl<In, E, C: Clone> Clone for Pipeline<In, E, C> {
    fn clone(&self) -> Self {
        Self {
            chain: self.chain.clone(),
            shared: Arc::clone(&self.shared),
            marker: PhantomData,
        }
    }
}

impl<In, E, C: fmt::Debug> fmt::Debug for Pipeline<In, E, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("steps", &self.chain)
            .field("stats", &self.stats())
            .finish()
    }
}
