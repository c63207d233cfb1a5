//! Many threads at once: what must hold whatever their order.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use patterns_breaker::{Breaker, BreakerConfig, Hooks, State, WindowConfig, WindowSize};

use crate::support::{assert_conserved, breaker, plain};

const THREADS: u64 = 4;

/// Numbers without a pattern, different for each thread.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    })
}

/// Lets all threads begin at the same time.
fn together(work: impl Fn(u64) + Sync) {
    let barrier = Barrier::new(usize::try_from(THREADS).unwrap());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (work, barrier) = (&work, &barrier);
            scope.spawn(move || {
                barrier.wait();
                work(thread);
            });
        }
    });
}

fn restless(window: Option<WindowConfig>) -> BreakerConfig {
    BreakerConfig {
        failure_threshold: Some(3),
        success_threshold: 2,
        half_open_trials: 2,
        reset_timeout: Duration::from_micros(3),
        half_open_timeout: Duration::from_micros(50),
        ramp: Some(Duration::from_micros(5)),
        window,
        ..BreakerConfig::default()
    }
}

/// All kinds of calls, and now and then somebody who steps in.
fn mix(breaker: &Breaker, thread: u64, calls: usize) {
    let mut held = Vec::new();
    for number in numbers(thread + 1).take(calls) {
        match number % 256 {
            0 => breaker.trip(),
            1 => breaker.isolate(),
            2..5 => breaker.reset(),
            5 => breaker.reset_stats(),
            _ => {}
        }
        let Ok(permit) = breaker.try_acquire() else {
            continue;
        };
        match (number >> 8) & 7 {
            0..4 => permit.success(),
            4 | 5 => permit.failure(),
            6 => permit.ignore(),
            _ => held.push(permit),
        }
        if held.len() > 5 {
            held.clear();
        }
    }
}

#[test]
fn totals_add_up_whatever_happens_at_once() {
    for window in [
        None,
        Some(WindowConfig {
            size: WindowSize::Calls(8),
            minimum_calls: 4,
            ..WindowConfig::default()
        }),
        Some(WindowConfig {
            size: WindowSize::Time(Duration::from_millis(1)),
            minimum_calls: 4,
            ..WindowConfig::default()
        }),
    ] {
        let breaker = breaker(restless(window));
        let watching = AtomicBool::new(true);
        thread::scope(|scope| {
            scope.spawn(|| {
                while watching.load(Ordering::Relaxed) {
                    assert_conserved(&breaker.stats());
                }
            });
            together(|thread| {
                mix(&breaker, thread, 20_000);
            });
            watching.store(false, Ordering::Relaxed);
        });
        let stats = breaker.stats();
        assert_conserved(&stats);
        assert_eq!(stats.in_flight, 0);
    }
}

#[test]
fn each_call_is_counted_once_where_it_belongs() {
    let breaker = plain();
    let expected = Mutex::new([0; 5]);
    together(|thread| {
        let mut counted = [0; 5];
        for number in numbers(thread + 1).take(20_000) {
            if number % 64 == 0 {
                breaker.reset();
            }
            let Ok(permit) = breaker.try_acquire() else {
                counted[4] += 1;
                continue;
            };
            match (number >> 8) & 3 {
                0 => permit.success(),
                1 => permit.failure(),
                2 => permit.ignore(),
                _ => drop(permit),
            }
            counted[usize::try_from((number >> 8) & 3).unwrap()] += 1;
        }
        let mut expected = expected.lock().unwrap();
        for (all, mine) in expected.iter_mut().zip(counted) {
            *all += mine;
        }
    });
    let stats = breaker.stats();
    let counted = [
        stats.successes,
        stats.failures,
        stats.ignored,
        stats.cancelled,
        stats.rejected,
    ];
    assert_eq!(counted, *expected.lock().unwrap());
    assert_eq!(stats.in_flight, 0);
}

#[test]
fn never_more_trials_than_permitted_whatever_happens_at_once() {
    for permitted in [1, 2, 3] {
        let breaker = breaker(BreakerConfig {
            half_open_trials: permitted,
            success_threshold: u32::MAX,
            reset_timeout: Duration::from_nanos(1),
            ..BreakerConfig::default()
        });
        breaker.trip();
        while breaker.state() != State::HalfOpen {}
        let (under_way, most, through) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicU64::new(0));
        together(|thread| {
            for number in numbers(thread + 1).take(10_000) {
                let Ok(permit) = breaker.try_acquire() else {
                    continue;
                };
                most.fetch_max(
                    under_way.fetch_add(1, Ordering::SeqCst) + 1,
                    Ordering::SeqCst,
                );
                through.fetch_add(1, Ordering::Relaxed);
                if number % 16 == 0 {
                    thread::yield_now();
                }
                under_way.fetch_sub(1, Ordering::SeqCst);
                match number % 3 {
                    0 => permit.success(),
                    1 => permit.ignore(),
                    _ => drop(permit),
                }
            }
        });
        assert!(most.load(Ordering::SeqCst) <= permitted as usize);
        assert_eq!(breaker.state(), State::HalfOpen, "none has failed");
        let places: Vec<_> = (0..10).map_while(|_| breaker.try_acquire().ok()).collect();
        assert_eq!(places.len(), permitted as usize, "each gave its place back");
    }
}

#[test]
fn failures_at_once_are_all_counted() {
    let breaker = breaker(BreakerConfig {
        failure_threshold: Some(1_000_000),
        ..BreakerConfig::default()
    });
    together(|_| {
        for number in 0..25_000 {
            breaker.try_acquire().unwrap().failure();
            // A look takes the lock, and must not lose what others count meanwhile.
            if number % 16 == 0 {
                assert!(breaker.stats().failure_count > 0);
            }
        }
    });
    assert_eq!(u64::from(breaker.stats().failure_count), THREADS * 25_000);
}

#[test]
fn the_threshold_opens_it_once() {
    for _ in 0..300 {
        let opened = Arc::new(AtomicUsize::new(0));
        let hooks = Hooks::new().on_change({
            let opened = Arc::clone(&opened);
            move |_| {
                opened.fetch_add(1, Ordering::Relaxed);
            }
        });
        let config = BreakerConfig {
            failure_threshold: Some(8),
            ..BreakerConfig::default()
        };
        let breaker = Breaker::with_hooks(config, hooks).unwrap();
        together(|_| {
            for _ in 0..4 {
                if let Ok(permit) = breaker.try_acquire() {
                    permit.failure();
                }
            }
        });
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(opened.load(Ordering::Relaxed), 1);
    }
}

#[test]
fn listeners_hear_of_each_change_in_order_and_one_at_a_time() {
    let (told, busy) = (
        Arc::new(Mutex::new(Vec::new())),
        Arc::new(AtomicBool::new(false)),
    );
    let hooks = Hooks::new().on_change({
        let (told, busy) = (Arc::clone(&told), Arc::clone(&busy));
        move |change| {
            assert!(!busy.swap(true, Ordering::SeqCst), "two at a time");
            told.lock().unwrap().push(*change);
            busy.store(false, Ordering::SeqCst);
        }
    });
    let breaker = Breaker::with_hooks(restless(None), hooks).unwrap();
    let mut events = breaker.events(usize::MAX);
    together(|thread| {
        mix(&breaker, thread, 5_000);
    });
    let told = told.lock().unwrap();
    assert!(told.len() > 100);
    for pair in told.windows(2) {
        assert_eq!(pair[0].to, pair[1].from);
        assert!(pair[0].at <= pair[1].at);
    }
    for change in told.iter() {
        assert_eq!(
            events.try_recv(),
            Some(patterns_breaker::BreakerEvent::Changed(*change))
        );
    }
    assert_eq!(events.try_recv(), None);
}
