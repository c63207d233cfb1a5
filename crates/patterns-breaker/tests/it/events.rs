//! Who is told of changes, of which, and in which order.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use patterns_breaker::{Breaker, BreakerConfig, BreakerEvent, Cause, Hooks, State, Transition};
use testing::{advance, ms, polled, secs};
use tokio::time::Instant;

use crate::support::{fail, fail_times, half_opened, plain, succeed};

/// A breaker and what its listener was told.
fn told(config: BreakerConfig) -> (Breaker, Arc<Mutex<Vec<Transition>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hooks = Hooks::new().on_change({
        let told = Arc::clone(&told);
        move |change| told.lock().unwrap().push(*change)
    });
    (Breaker::with_hooks(config, hooks).unwrap(), told)
}

fn lines(told: &Mutex<Vec<Transition>>) -> String {
    let told = told.lock().unwrap();
    let lines: Vec<_> = told.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[tokio::test(start_paused = true)]
async fn each_change_is_told_with_its_cause() {
    let (breaker, told) = told(BreakerConfig {
        max_reset_timeout: Some(secs(60)),
        ramp: Some(secs(10)),
        ..BreakerConfig::default()
    });
    fail_times(&breaker, 5);
    advance(secs(5)).await;
    fail(&breaker).unwrap();
    advance(secs(10)).await;
    let hangs = breaker.try_acquire().unwrap();
    advance(secs(80)).await;
    drop(hangs);
    succeed(&breaker).unwrap();
    succeed(&breaker).unwrap();
    advance(secs(10)).await;
    assert_eq!(breaker.state(), State::Closed);
    breaker.trip();
    breaker.isolate();
    breaker.reset();
    breaker.reset();
    insta::assert_snapshot!(lines(&told), @"
    closed -> open: too many failures in a row, open for 5s
    open -> half-open: time for a trial
    half-open -> open: a trial failed, open for 10s
    open -> half-open: time for a trial
    half-open -> open: trials hang, open for 20s
    open -> half-open: time for a trial
    half-open -> ramping: trials succeeded
    ramping -> closed: ramped up
    closed -> open: tripped, open for 5s
    open -> isolated: isolated
    isolated -> closed: reset
    closed -> closed: reset
    ");
}

#[tokio::test(start_paused = true)]
async fn what_time_changes_is_dated_when_it_was_due() {
    let (breaker, told) = told(BreakerConfig::default());
    let begun = Instant::now();
    breaker.trip();
    advance(secs(3_600)).await;
    assert_eq!(told.lock().unwrap().len(), 1, "nobody has asked");
    let _ = breaker.state();
    let told = told.lock().unwrap();
    assert_eq!(told[1].cause, Cause::ResetTimeout);
    assert_eq!(told[1].at, begun + secs(5));
    assert_eq!(told[1].open_for, None);
    assert_eq!(told[0].open_for, Some(secs(5)));
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_use_the_breaker_and_is_told_in_order() {
    let cell: Arc<Mutex<Option<Breaker>>> = Arc::default();
    let told = Arc::new(Mutex::new(Vec::new()));
    let hooks = Hooks::new().on_change({
        let (cell, told) = (Arc::clone(&cell), Arc::clone(&told));
        move |change| {
            let breaker = cell.lock().unwrap().clone();
            if let (State::Open, Some(breaker)) = (change.to, breaker) {
                breaker.isolate();
                assert!(breaker.try_acquire().is_err());
                assert_eq!(breaker.stats().state, State::Isolated);
            }
            told.lock().unwrap().push(change.to);
        }
    });
    let breaker = Breaker::with_hooks(BreakerConfig::default(), hooks).unwrap();
    *cell.lock().unwrap() = Some(breaker.clone());
    fail_times(&breaker, 5);
    assert_eq!(*told.lock().unwrap(), [State::Open, State::Isolated]);
    *cell.lock().unwrap() = None;
}

#[tokio::test(start_paused = true)]
async fn events_come_in_order_to_each_receiver() {
    let breaker = half_opened(BreakerConfig::default()).await;
    let (mut one, mut two) = (breaker.events(16), breaker.events(16));
    fail(&breaker).unwrap();
    breaker.isolate();
    breaker.reset();
    for events in [&mut one, &mut two] {
        let mut states = Vec::new();
        while let Some(BreakerEvent::Changed(change)) = events.try_recv() {
            states.push((change.from, change.to));
        }
        assert_eq!(
            states,
            [
                (State::HalfOpen, State::Open),
                (State::Open, State::Isolated),
                (State::Isolated, State::Closed),
            ]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_is_told_how_many_it_has_missed_and_where() {
    let breaker = plain();
    let mut events = breaker.events(2);
    for _ in 0..5 {
        breaker.trip();
    }
    assert!(matches!(events.try_recv(), Some(BreakerEvent::Changed(_))));
    breaker.isolate();
    assert!(matches!(events.try_recv(), Some(BreakerEvent::Changed(_))));
    assert_eq!(events.try_recv(), Some(BreakerEvent::Lost(3)));
    let Some(BreakerEvent::Changed(change)) = events.try_recv() else {
        panic!("it is there");
    };
    assert_eq!(change.to, State::Isolated);
    assert_eq!(events.try_recv(), None);

    let mut counting = breaker.events(0);
    breaker.reset();
    breaker.trip();
    assert_eq!(counting.recv().await, Some(BreakerEvent::Lost(2)));
    assert_eq!(counting.try_recv(), None);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_a_change_and_by_the_end() {
    let breaker = plain();
    let mut events = breaker.events(4);
    let waits = tokio::spawn(async move {
        let first = events.recv().await;
        let last = events.recv().await;
        (first, last)
    });
    tokio::task::yield_now().await;
    breaker.trip();
    tokio::task::yield_now().await;
    drop(breaker);
    let (first, last) = waits.await.unwrap();
    assert!(matches!(first, Some(BreakerEvent::Changed(_))));
    assert_eq!(last, None);
}

#[tokio::test(start_paused = true)]
async fn a_recv_can_be_given_up_at_any_time() {
    let breaker = plain();
    let mut events = breaker.events(4);
    for times in 0..5 {
        assert!(!polled(events.recv(), times).await);
    }
    breaker.trip();
    assert!(polled(events.recv(), 1).await);
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_gone_is_told_nothing() {
    let breaker = plain();
    let waker = Arc::new(Counted(AtomicUsize::new(0)));
    for _ in 0..100 {
        drop(breaker.events(4));
        let mut waited = breaker.events(4);
        let mut cx = Context::from_waker(Waker::noop());
        let counted = Waker::from(Arc::clone(&waker));
        let mut counted = Context::from_waker(&counted);
        for cx in [&mut cx, &mut counted] {
            assert!(pin!(waited.recv()).poll(cx).is_pending());
        }
    }
    assert_eq!(Arc::strong_count(&waker), 1, "its waker went with it");
    breaker.trip();
    assert_eq!(waker.0.load(Ordering::SeqCst), 0);
    assert_eq!(breaker.state(), State::Open);
}

struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_hears_nothing_of_what_was_due_before() {
    let breaker = plain();
    breaker.trip();
    advance(secs(5)).await;
    let mut events = breaker.events(4);
    assert_eq!(breaker.state(), State::HalfOpen);
    assert_eq!(events.try_recv(), None);
    advance(ms(1)).await;
}

#[tokio::test(start_paused = true)]
async fn it_is_finished_when_the_breaker_is_gone_and_all_was_received() {
    let breaker = plain();
    let mut events = breaker.events(4);
    breaker.trip();
    drop(breaker);
    assert!(!events.is_finished(), "one waits");
    let cx = Context::from_waker(Waker::noop());
    assert!(matches!(events.poll_recv(&cx), Poll::Ready(Some(_))));
    assert!(events.is_finished());
    assert_eq!(events.poll_recv(&cx), Poll::Ready(None));
}
