//! Futures, polled by hand.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::live::Live;

/// Waits for so many polls. It wakes itself.
pub(crate) async fn pauses(mut count: usize) {
    poll_fn(move |cx| {
        if count == 0 {
            return Poll::Ready(());
        }
        count -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls a future to its end, as often as it takes; of a future that wakes itself.
pub(crate) fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..100_000 {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
    panic!("it does not end")
}

/// Makes the future again and again, polls it once more each time, and drops it: nothing is alive afterwards. Returns how many polls it takes.
pub(crate) fn dropped_at_each_await<F: Future>(make: impl Fn(Live) -> F) -> usize {
    for polls in 0..1000 {
        let live = Live::default();
        let mut is_done = false;
        {
            let mut future = pin!(make(live.clone()));
            let mut cx = Context::from_waker(Waker::noop());
            for _ in 0..polls {
                assert!(!is_done);
                is_done = future.as_mut().poll(&mut cx).is_ready();
            }
        }
        assert_eq!(live.count(), 0, "after {polls} polls");
        if is_done {
            return polls;
        }
    }
    panic!("it does not end")
}

/// A waker that counts its wakes.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
