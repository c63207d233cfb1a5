//! Every item by a future of its own, a bounded number at the same time.

use std::future::{Future, IntoFuture};
use std::iter::Enumerate;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::slots::Slots;
use crate::each::collect;
use crate::error::Errors;
use crate::placed::Placed;
use crate::railway::Railway;

/// How many futures are polled in one poll, at most, before the task lets others run.
const POLLS_IN_A_POLL: usize = 128;

/// Runs the future that `f` makes of each item, at most `limit` at the same time, and returns all values, or all errors, each below its item's index.
///
/// It is [`each`](crate::each) for checks that wait. They run in the task that awaits this, so none runs in parallel with another one; for that, spawn
/// in `f`. An item is taken from `items`, and `f` called, when there is room. Of those that run, only those are polled that were woken. Values
/// and errors are in the order of the items, whichever ends first.
///
/// The limit can be as large as you like: what is allocated grows with how many run at the same time. Every item is looked at, whatever comes of the others;
/// `items` has to end.
///
/// # Errors
///
/// All errors of all items, in their order.
///
/// # Panics
///
/// If `f` or a future does, to whoever polls it; the others go with it when it is dropped. When it is polled after it has completed, or after a panic.
///
/// # Cancel safety
///
/// Dropping it drops the futures that run, the items that were not taken, and the results that were there.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use std::num::NonZeroUsize;
/// use patterns_railway::{RailwayExt, each_concurrent};
///
/// async fn reachable(host: &str) -> Result<usize, String> {
///     tokio::task::yield_now().await; // asks it
///     if host.is_empty() { Err("no name".to_owned()) } else { Ok(host.len()) }
/// }
///
/// let two = NonZeroUsize::MIN.saturating_add(1);
/// let hosts = each_concurrent(["a", "", "b", ""], two, |host| reachable(host).here()).under("hosts");
/// assert_eq!(hosts.await.unwrap_err().to_string(), "hosts[1]: no name\nhosts[3]: no name");
/// # }
/// ```
pub fn each_concurrent<I, F, Fut, T, E>(
    items: I,
    limit: NonZeroUsize,
    f: F,
) -> Railway<impl Future<Output = Result<Vec<T>, Errors<E>>>>
where
    I: IntoIterator,
    F: FnMut(I::Item) -> Fut,
    Fut: IntoFuture<Output: Placed<Value = T, Error = E>>,
{
    Railway::new(EachConcurrent {
        items: Some(items.into_iter().enumerate()),
        f,
        limit,
        slots: Slots::new(),
        item_of_slot: Vec::new(),
        results: Vec::new(),
        state: State::Running,
    })
}

/// The future of [`each_concurrent`].
struct EachConcurrent<I, F, Fut: IntoFuture> {
    /// `None` when it has ended; it is not asked again.
    items: Option<Enumerate<I>>,
    f: F,
    limit: NonZeroUsize,
    slots: Slots<Fut::IntoFuture>,
    item_of_slot: Vec<usize>,
    /// One for each item that was taken.
    results: Vec<Option<Fut::Output>>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    /// While it is polled, and so after a panic in there.
    Polled,
    Completed,
}

/// The futures are in boxes, and nothing else is pinned.
impl<I, F, Fut: IntoFuture> Unpin for EachConcurrent<I, F, Fut> {}

impl<I, F, Fut> EachConcurrent<I, F, Fut>
where
    I: Iterator,
    F: FnMut(I::Item) -> Fut,
    Fut: IntoFuture,
{
    /// Takes an item, if there is room and there is one.
    fn begin_next(&mut self) -> bool {
        if self.slots.running() >= self.limit.get() {
            return false;
        }
        let Some((index, item)) = self.items.as_mut().and_then(Iterator::next) else {
            self.items = None;
            return false;
        };
        let slot = self.slots.insert((self.f)(item).into_future());
        match self.item_of_slot.get_mut(slot) {
            Some(item) => *item = index,
            None => self.item_of_slot.push(index),
        }
        self.results.push(None);
        true
    }
}

impl<I, F, Fut, T, E> Future for EachConcurrent<I, F, Fut>
where
    I: Iterator,
    F: FnMut(I::Item) -> Fut,
    Fut: IntoFuture<Output: Placed<Value = T, Error = E>>,
{
    type Output = Result<Vec<T>, Errors<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        match this.state {
            State::Running => this.state = State::Polled,
            State::Polled => panic!("`each_concurrent` was polled after a panic"),
            State::Completed => panic!("`each_concurrent` was polled after it had completed"),
        }
        this.slots.next_batch(cx);
        // Also when those that run have something to do in every poll: what there is room for is begun.
        if this.slots.running() > 0 {
            this.begin_next();
        }
        let mut polls = 0;
        loop {
            match this.slots.poll_next() {
                Some(Poll::Ready((slot, output))) => {
                    this.results[this.item_of_slot[slot]] = Some(output);
                }
                Some(Poll::Pending) => {}
                None if this.begin_next() => continue,
                None => break,
            }
            polls += 1;
            if polls == POLLS_IN_A_POLL {
                // The rest of the batch stays, and is gone on with.
                this.state = State::Running;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
        if this.slots.running() > 0 {
            this.state = State::Running;
            return Poll::Pending;
        }
        this.state = State::Completed;
        let results = std::mem::take(&mut this.results).into_iter().flatten();
        Poll::Ready(collect(results.enumerate().map(|(index, output)| {
            output.into_result().map_err(|errors| errors.under(index))
        })))
    }
}
