//! Several ways to the same thing side by side: the first success, a second attempt when the first is slow, and answers with fallbacks.

use std::future::Future;
use std::time::Duration;

use crate::crew::{Crew, Event};
use crate::deadline::end_after;
use crate::error::{Failure, RaceError, TaskError, catch};

/// A future in a box: for futures of different types in one list.
pub type BoxFuture<T> = std::pin::Pin<Box<dyn Future<Output = T> + Send>>;

/// Puts a future in a box, so that futures of different types can stand in one list.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_task::{boxed, race};
///
/// let memory = boxed(async { Err("not there") });
/// let disk = boxed(async { std::fs::read_to_string("Cargo.toml").map_err(|_| "cannot be read") });
/// assert!(race([memory, disk], Duration::from_secs(5)).await.is_ok());
/// # }
/// ```
pub fn boxed<F>(future: F) -> BoxFuture<F::Output>
where
    F: Future + Send + 'static,
{
    Box::pin(future)
}

/// Runs all futures side by side, each in a task of its own; the first that **succeeds** wins, and the others are aborted.
///
/// One that fails or panics is out of the race, and no more. `timeout` is for all: any duration, zero begins none,
/// [`Duration::MAX`] is no limit. For futures of different types, see [`boxed`].
///
/// # Errors
///
/// [`RaceError::Empty`], at once, if there are none; [`RaceError::Failed`] with all errors when none succeeds;
/// [`RaceError::Timeout`] when the time is over.
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts all of them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use tokio::time::sleep;
///
/// async fn mirror(name: &str, seconds: u64) -> Result<&str, &str> {
///     sleep(Duration::from_secs(seconds)).await;
///     if name == "broken" { Err("no route") } else { Ok(name) }
/// }
///
/// let mirrors = [mirror("slow", 30), mirror("broken", 1), mirror("quick", 2)];
/// assert_eq!(patterns_task::race(mirrors, Duration::from_secs(5)).await, Ok("quick"));
/// # }
/// ```
pub async fn race<I, T, E>(futures: I, timeout: Duration) -> Result<T, RaceError<E>>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>> + Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    let mut field = match Field::begin(futures, timeout) {
        Ok(field) => field,
        Err(failures) => return Err(RaceError::of(failures)),
    };
    let mut failures = Vec::new();
    failures.resize_with(field.size, || None);
    while let Some((index, outcome)) = field.next().await {
        match Failure::of(outcome) {
            Ok(winner) => return Ok(winner),
            Err(failure) => failures[index] = Some(failure),
        }
    }
    Err(RaceError::of(failures.into_iter().flatten().collect()))
}

/// What came of one of those that have a fallback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T, E> {
    /// It succeeded.
    Value(T),
    /// Its time was over: this is the fallback.
    Fallback(T),
    /// It failed, panicked or was aborted. There is no fallback for that.
    Failed(Failure<E>),
}

impl<T, E> Answer<T, E> {
    /// Returns the value, be it its own or the fallback.
    pub fn into_value(self) -> Option<T> {
        match self {
            Self::Value(value) | Self::Fallback(value) => Some(value),
            Self::Failed(_) => None,
        }
    }

    /// Tells whether this is a fallback.
    #[must_use]
    pub fn is_fallback(&self) -> bool {
        matches!(self, Self::Fallback(_))
    }
}

/// Runs all futures side by side, each in a task of its own, and gives a fallback for each that is not done when the time is over.
///
/// There is one `timeout` for all, however many there are: any duration, zero begins none, [`Duration::MAX`] is no limit. `fallback` is asked
/// with the index of each that was too late. The answers stand in the order of the futures.
///
/// # Errors
///
/// Each one's own, as [`Answer::Failed`]. A panic in `fallback` is the failure of the one that it was asked for.
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts all of them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_task::{Answer, with_fallback};
/// use tokio::time::sleep;
///
/// async fn rate(seconds: u64) -> Result<f64, String> {
///     sleep(Duration::from_secs(seconds)).await;
///     Ok(1.25)
/// }
///
/// let yesterday = [1.2, 0.8];
/// let rates = with_fallback([rate(1), rate(9)], |index| yesterday[index], Duration::from_secs(2)).await;
/// assert_eq!(rates, [Answer::Value(1.25), Answer::Fallback(0.8)]);
/// # }
/// ```
pub async fn with_fallback<I, T, E>(
    futures: I,
    mut fallback: impl FnMut(usize) -> T,
    timeout: Duration,
) -> Vec<Answer<T, E>>
where
    I: IntoIterator<Item: Future<Output = Result<T, E>> + Send + 'static>,
    T: Send + 'static,
    E: Send + 'static,
{
    let mut answer = |index, failure: Failure<E>| {
        if !failure.is_timeout() {
            return Answer::Failed(failure);
        }
        match catch(|| fallback(index)) {
            Ok(value) => Answer::Fallback(value),
            Err(panic) => Answer::Failed(panic.into()),
        }
    };
    let mut field = match Field::begin(futures, timeout) {
        Ok(field) => field,
        Err(failures) => {
            let failures = failures.into_iter().enumerate();
            return failures
                .map(|(index, failure)| answer(index, failure))
                .collect();
        }
    };
    let mut answers = Vec::new();
    answers.resize_with(field.size, || None);
    while let Some((index, outcome)) = field.next().await {
        answers[index] = Some(match Failure::of(outcome) {
            Ok(value) => Answer::Value(value),
            Err(failure) => answer(index, failure),
        });
    }
    answers.into_iter().flatten().collect()
}

/// Asks sources that have names side by side, each in a task of its own, and gives what each has answered, or why it has not.
///
/// There is one `timeout` for all: any duration, zero asks none, [`Duration::MAX`] is no limit. The answers stand in the order
/// of the sources, and can be collected into any map. For futures of different types, see [`boxed`].
///
/// # Errors
///
/// Each source's own: its error, a panic, or [`TaskError::Timeout`].
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts all of them.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::collections::HashMap;
/// use std::time::Duration;
/// use patterns_task::{Failure, boxed, multi_source_fetch};
///
/// let sources = [
///     ("manifest", boxed(async { std::fs::read_to_string("Cargo.toml") })),
///     ("secrets", boxed(async { std::fs::read_to_string("no such file") })),
/// ];
/// let answers: HashMap<_, _> = multi_source_fetch(sources, Duration::from_secs(5)).await.into_iter().collect();
/// assert!(answers["manifest"].is_ok());
/// assert!(matches!(answers["secrets"], Err(Failure::Failed(_))));
/// # }
/// ```
pub async fn multi_source_fetch<I, N, F, T, E>(
    sources: I,
    timeout: Duration,
) -> Vec<(N, Result<T, Failure<E>>)>
where
    I: IntoIterator<Item = (N, F)>,
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let mut names = Vec::new();
    let futures = sources.into_iter().map(|(name, future)| {
        names.push(name);
        future
    });
    let answers: Vec<_> = match Field::begin(futures, timeout) {
        Err(failures) => failures
            .into_iter()
            .map(|failure| Some(Err(failure)))
            .collect(),
        Ok(mut field) => {
            let mut answers = Vec::new();
            answers.resize_with(field.size, || None);
            while let Some((index, outcome)) = field.next().await {
                answers[index] = Some(Failure::of(outcome));
            }
            answers
        }
    };
    names
        .into_iter()
        .zip(answers.into_iter().flatten())
        .collect()
}

/// Futures that were all begun at the same time and have the same time.
struct Field<T: Send + 'static> {
    crew: Crew<T, usize>,
    size: usize,
}

impl<T, E> Field<Result<T, E>>
where
    T: Send + 'static,
    E: Send + 'static,
{
    /// Begins them; if there is no time, gives a failure for each.
    fn begin<I>(futures: I, timeout: Duration) -> Result<Self, Vec<Failure<E>>>
    where
        I: IntoIterator<Item: Future<Output = Result<T, E>> + Send + 'static>,
    {
        let end = match end_after(timeout) {
            Ok(end) => end,
            Err(error) => {
                let failures = futures.into_iter().map(|_| Failure::Task(error.clone()));
                return Err(failures.collect());
            }
        };
        let mut field = Self {
            crew: Crew::new(),
            size: 0,
        };
        for future in futures {
            field.crew.spawn(future, field.size, end);
            field.size += 1;
        }
        Ok(field)
    }

    /// Waits for the next that is done, or whose time is over.
    async fn next(&mut self) -> Option<(usize, Result<Result<T, E>, TaskError>)> {
        // Those whose time is over are not waited for.
        while self.crew.to_tell() > 0 {
            match self.crew.next().await? {
                Event::Done(index, outcome) => return Some((index, outcome)),
                Event::Late(index) => return Some((index, Err(TaskError::Timeout))),
                Event::Gone => {}
            }
        }
        None
    }
}
