//! Batches side by side, the items of each one after the other.

use std::collections::VecDeque;
use std::future::Future;
use std::iter;

use tokio::time::Instant;

use crate::config::BatchConfig;
use crate::crew::{Crew, Event};
use crate::deadline::end_after;
use crate::error::{ItemError, TaskError, catch};
use crate::source::Items;

/// Runs `make(&item)` for each item, batch by batch: the items of a batch one after the other, a bounded number of batches side by
/// side. Collects the results in the order of the items.
///
/// A result is whatever the work gives: one that is a list stays a list. An item that panics fails alone; the batch goes on.
/// `make` is called by the caller's task when the item's turn has come. `items` must end.
///
/// # Errors
///
/// Each item's own: an [`ItemError`] with the item, its index, and why. When the time of a batch is over, what is done is kept; the item that
/// runs has [`TaskError::Timeout`], and those after it [`TaskError::NotStarted`]. A panic of `items` is the caller's.
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts what it has begun, and begins no more.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{BatchConfig, batch_process};
///
/// let words = batch_process(["one two", "three"], |&line| async move {
///     line.split(' ').collect::<Vec<_>>()
/// }, BatchConfig::default()).await;
/// assert_eq!(words, [Ok(vec!["one", "two"]), Ok(vec!["three"])]);
/// # }
/// ```
pub async fn batch_process<I, F, Fut>(
    items: I,
    make: F,
    config: BatchConfig,
) -> Vec<Result<Fut::Output, ItemError<I::Item>>>
where
    I: IntoIterator,
    F: FnMut(&I::Item) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let mut batches = Batches {
        make,
        crew: Crew::new(),
        results: Vec::new(),
    };
    let mut items = Items::new(items.into_iter());
    let mut index = 0;
    let mut more = true;
    loop {
        while more {
            let end = end_after(config.timeout);
            // Where there is no time for anything, no place is needed. One whose outcome was not told yet has work that goes on there.
            if end.is_ok() && batches.crew.held() >= config.max_concurrency.get() {
                break;
            }
            let batch: VecDeque<_> = iter::from_fn(|| items.next())
                .take(config.batch_size.get())
                .collect();
            more = !batch.is_empty();
            let first = index;
            index += batch.len();
            batches.results.resize_with(index, || None);
            batches.go_on(Batch {
                index: first,
                items: batch,
                end,
            });
        }
        if !more && batches.crew.to_tell() == 0 {
            break;
        }
        match batches.crew.next().await {
            Some(Event::Done((input, batch), outcome)) => batches.done(input, batch, outcome),
            Some(Event::Late((input, batch))) => batches.late(input, batch),
            Some(Event::Gone) | None => {}
        }
    }
    batches.results.into_iter().flatten().collect()
}

struct Batches<F, I, T> {
    make: F,
    crew: Crew<T, (I, Batch<I>)>,
    /// By the index of the item.
    results: Vec<Option<Result<T, ItemError<I>>>>,
}

/// What is left of a batch.
struct Batch<I> {
    /// The index of the next item.
    index: usize,
    items: VecDeque<I>,
    /// When its time is over, if ever; an error if there was none from the beginning.
    end: Result<Option<Instant>, TaskError>,
}

impl<F, Fut, I> Batches<F, I, Fut::Output>
where
    F: FnMut(&I) -> Fut,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    /// Begins the next item of a batch whose work can be made.
    fn go_on(&mut self, mut batch: Batch<I>) {
        while let Some(input) = batch.items.pop_front() {
            batch.index += 1;
            let end = match &batch.end {
                Ok(Some(end)) if *end <= Instant::now() => Err(TaskError::NotStarted),
                end => end.clone(),
            };
            let work = end.and_then(|end| Ok((end, catch(|| (self.make)(&input))?)));
            match work {
                Ok((end, work)) => return self.crew.spawn(work, (input, batch), end),
                Err(error) => self.put(batch.index - 1, input, Err(error)),
            }
        }
    }

    fn done(&mut self, input: I, batch: Batch<I>, outcome: Result<Fut::Output, TaskError>) {
        self.put(batch.index - 1, input, outcome);
        self.go_on(batch);
    }

    /// The time of the item is that of its batch.
    fn late(&mut self, input: I, mut batch: Batch<I>) {
        self.put(batch.index - 1, input, Err(TaskError::Timeout));
        batch.end = Err(TaskError::NotStarted);
        self.go_on(batch);
    }

    fn put(&mut self, index: usize, input: I, outcome: Result<Fut::Output, TaskError>) {
        let result = outcome.map_err(|error| ItemError {
            index,
            input,
            error,
        });
        self.results[index] = Some(result);
    }
}
