//! Who is told of changes, and of the end.

use schedules::shuttle::sync::Arc;
use schedules::shuttle::thread;
use schedules::{AtomicBool, Mutex, assert_unlocked, block_on, check};

use super::{after, breaker, join};
use crate::sync::Ordering;
use crate::{Breaker, BreakerEvent, Hooks};

#[test]
fn listeners_hear_of_each_change_once_and_in_order() {
    check("changes at once, and who is told of them", || {
        let told = Arc::new(Mutex::new(Vec::new()));
        let telling = Arc::new(AtomicBool::new(false));
        let hooks = Hooks::new().on_change({
            let (told, telling) = (Arc::clone(&told), Arc::clone(&telling));
            move |change| {
                assert_unlocked();
                assert!(!telling.swap(true, Ordering::SeqCst), "two at a time");
                told.lock().push(*change);
                telling.store(false, Ordering::SeqCst);
            }
        });
        let breaker = Breaker::with_hooks(after(1), hooks).expect("the options are good");
        let mut events = breaker.events(8);
        let steps: [fn(&Breaker); 3] = [Breaker::trip, Breaker::reset, |breaker| {
            let _ = breaker.try_acquire().map(crate::Permit::failure);
        }];
        let threads = steps.map(|step| {
            let breaker = breaker.clone();
            thread::spawn(move || {
                step(&breaker);
                drop(breaker);
            })
        });
        let listens = schedules::spawn(async move {
            let mut heard = Vec::new();
            while let Some(BreakerEvent::Changed(change)) = events.recv().await {
                heard.push(change);
            }
            heard
        });
        join(threads);
        drop(breaker);
        let heard = schedules::shuttle::future::block_on(listens).expect("nobody aborts it");
        assert!((2..=3).contains(&heard.len()));
        assert_eq!(*told.lock(), heard);
        for pair in heard.windows(2) {
            assert_eq!(pair[0].to, pair[1].from);
        }
    });
}

#[test]
fn who_waits_for_events_is_told_of_the_end() {
    check("the last handle goes while one waits", || {
        let breaker = breaker(after(1));
        let mut events = breaker.events(1);
        let permit = breaker.try_acquire_owned().expect("closed");
        let fails = thread::spawn(move || permit.failure());
        let goes = thread::spawn(move || drop(breaker));
        let mut heard = 0;
        while block_on(events.recv()).is_some() {
            heard += 1;
        }
        assert_eq!(heard, 1);
        join([fails, goes]);
    });
}
