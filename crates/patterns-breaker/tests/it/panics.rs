//! Panics in the program's own code.

use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use patterns_breaker::{Breaker, BreakerConfig, BreakerError, Hooks, State};
use testing::quiet;

use crate::support::{breaker, half_opened, plain};

fn work_that_panics() -> Result<(), ()> {
    panic!("as told")
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_work_counts_as_a_failure_and_comes_back() {
    quiet();
    let breaker = plain();
    let expected = Err(BreakerError::Panicked("as told".into()));
    let panics = breaker.call(async {
        tokio::task::yield_now().await;
        work_that_panics()
    });
    assert_eq!(panics.await, expected);
    assert_eq!(breaker.call_sync(work_that_panics), expected);
    let stats = breaker.stats();
    assert_eq!(
        (stats.failures, stats.failure_count, stats.in_flight),
        (2, 2, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn enough_panics_open_it() {
    quiet();
    let breaker = plain();
    for _ in 0..5 {
        let _ = breaker.call(async { work_that_panics() }).await;
    }
    assert_eq!(breaker.state(), State::Open);
}

/// Panics when it is dropped.
struct Trap;

impl Drop for Trap {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            std::panic::panic_any("as told");
        }
    }
}

/// Is done at once, and panics when it is dropped.
struct DoneTrap(Trap);

impl Future for DoneTrap {
    type Output = Result<(), ()>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let Self(Trap) = *self;
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_work_that_is_done_and_dropped_counts_as_a_failure() {
    quiet();
    let breaker = plain();
    let done = breaker.call(DoneTrap(Trap)).await;
    assert_eq!(done, Err(BreakerError::Panicked("as told".into())));
    let stats = breaker.stats();
    assert_eq!((stats.failures, stats.cancelled), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_is_cut_counts_as_a_failure() {
    quiet();
    let breaker = half_opened(BreakerConfig::default()).await;
    let cut = breaker.call(async {
        let _trap = Trap;
        pending::<Result<(), ()>>().await
    });
    assert_eq!(cut.await, Err(BreakerError::Panicked("as told".into())));
    assert_eq!(breaker.stats().failures, 1);
    assert_eq!(breaker.state(), State::Open);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_what_is_given_up_reaches_who_drops_it_and_the_permit_comes_back() {
    quiet();
    let breaker = half_opened(BreakerConfig::default()).await;
    let task = tokio::spawn({
        let breaker = breaker.clone();
        async move {
            let mut call = Box::pin(breaker.call(async {
                let _trap = Trap;
                pending::<Result<(), ()>>().await
            }));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(call.as_mut().poll(&mut cx).is_pending());
            drop(call);
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    assert_eq!(breaker.stats().cancelled, 1);
    assert!(breaker.try_acquire().is_ok(), "the trial's place is free");
}

#[tokio::test(start_paused = true)]
async fn a_panic_with_something_odd_is_told_of() {
    let breaker = plain();
    // It goes by the hook, so that nothing is printed.
    let odd = breaker.call_sync(|| -> Result<(), ()> { std::panic::resume_unwind(Box::new(7)) });
    assert_eq!(odd, Err(BreakerError::Panicked("Box<dyn Any>".into())));
    let text = breaker.call_sync(|| -> Result<(), ()> {
        std::panic::resume_unwind(Box::new("made up".to_owned()))
    });
    assert_eq!(text, Err(BreakerError::Panicked("made up".into())));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_listener_goes_no_further() {
    quiet();
    let told = Arc::new(AtomicUsize::new(0));
    let hooks = Hooks::new().on_change({
        let told = Arc::clone(&told);
        move |_| {
            told.fetch_add(1, Ordering::Relaxed);
            panic!("as told");
        }
    });
    let breaker = Breaker::with_hooks(BreakerConfig::default(), hooks).unwrap();
    breaker.trip();
    breaker.reset();
    assert_eq!(told.load(Ordering::Relaxed), 2);
    assert_eq!(breaker.state(), State::Closed);
}

struct BadWaker;

impl Wake for BadWaker {
    fn wake(self: Arc<Self>) {
        panic!("as told");
    }
}

#[test]
fn a_panic_of_a_waker_goes_no_further() {
    quiet();
    let breaker = breaker(BreakerConfig::default());
    let (mut one, mut two) = (breaker.events(4), breaker.events(4));
    let bad = Waker::from(Arc::new(BadWaker));
    {
        let mut recv = Box::pin(one.recv());
        assert_eq!(
            recv.as_mut().poll(&mut Context::from_waker(&bad)),
            Poll::Pending
        );
        breaker.trip();
    }
    assert!(one.try_recv().is_some());
    assert!(two.try_recv().is_some());
    assert_eq!(breaker.state(), State::Open);
}
