//! The parallel map for work that computes and does not wait.

use std::sync::Arc;
use std::vec;

use parking_lot::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::config::MapConfig;
use crate::error::{ItemError, TaskError, catch};

/// Computes `work(&item)` for each item on threads of tokio's for blocking work, `max_concurrency` of them at most, and collects the results in
/// the order of the items.
///
/// For work that computes for long or blocks its thread, which must not be done in a task. The items are taken from one queue, so that a slow one
/// delays nobody but itself. Time-outs are not kept, neither the config's nor an inherited deadline: a thread cannot be stopped.
///
/// # Errors
///
/// Each item's own: an [`ItemError`] with the item, its index, and [`TaskError::Panicked`]; [`TaskError::Aborted`] if the runtime
/// was shut down before the item was begun.
///
/// # Panics
///
/// Outside a tokio runtime.
///
/// # Cancel safety
///
/// Dropping the future **cannot stop** what is being computed: each thread goes on with the item it has, and its result is dropped. Items that
/// were not begun are never begun.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_task::{MapConfig, parallel_map_blocking};
///
/// fn collatz(start: &u64) -> usize {
///     std::iter::successors(Some(*start), |&n| (n > 1).then(|| if n % 2 == 0 { n / 2 } else { 3 * n + 1 })).count()
/// }
///
/// let lengths = parallel_map_blocking([27, 97, 871], collatz, MapConfig::default()).await;
/// assert_eq!(lengths, [Ok(112), Ok(119), Ok(179)]);
/// # }
/// ```
pub async fn parallel_map_blocking<I, F, T>(
    items: I,
    work: F,
    config: MapConfig,
) -> Vec<Result<T, ItemError<I::Item>>>
where
    I: IntoIterator<Item: Send + 'static>,
    F: Fn(&I::Item) -> T + Send + Sync + 'static,
    T: Send + 'static,
{
    let items: Vec<I::Item> = items.into_iter().collect();
    let size = items.len();
    let queue = Arc::new(Queue {
        items: Mutex::new((0, items.into_iter())),
    });
    // Before the threads: whatever ends this future closes the queue.
    let open = Open(&queue);
    let work = Arc::new(work);
    let threads = config.max_concurrency.get().min(size);
    let threads: Vec<JoinHandle<_>> = (0..threads)
        .map(|_| {
            let (queue, work) = (Arc::clone(&queue), Arc::clone(&work));
            spawn_blocking(move || queue.work_off(&*work))
        })
        .collect();
    let mut results = Vec::new();
    results.resize_with(size, || None);
    for thread in threads {
        // A thread that never began, because the runtime is going, has left its share to the others.
        for (index, result) in thread.await.unwrap_or_default() {
            results[index] = Some(result);
        }
    }
    while let Some((index, input)) = open.0.next() {
        let error = TaskError::Aborted;
        results[index] = Some(Err(ItemError {
            index,
            input,
            error,
        }));
    }
    results.into_iter().flatten().collect()
}

/// The items that were not begun, and the index of the next one.
struct Queue<I> {
    items: Mutex<(usize, vec::IntoIter<I>)>,
}

type Results<I, T> = Vec<(usize, Result<T, ItemError<I>>)>;

impl<I> Queue<I> {
    fn next(&self) -> Option<(usize, I)> {
        let mut items = self.items.lock();
        let item = items.1.next()?;
        items.0 += 1;
        Some((items.0 - 1, item))
    }

    fn work_off<T>(&self, work: &impl Fn(&I) -> T) -> Results<I, T> {
        let mut results = Vec::new();
        while let Some((index, input)) = self.next() {
            let result = catch(|| work(&input)).map_err(|error| ItemError {
                index,
                input,
                error,
            });
            results.push((index, result));
        }
        results
    }
}

/// Takes what was not begun out of the queue.
struct Open<'a, I>(&'a Queue<I>);

impl<I> Drop for Open<'_, I> {
    fn drop(&mut self) {
        let left = std::mem::replace(&mut self.0.items.lock().1, Vec::new().into_iter());
        // After the lock, for the items' drops are somebody's code.
        drop(left);
    }
}
