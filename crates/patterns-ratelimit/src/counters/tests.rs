//! Counts of threads that come and go.

use std::cell::RefCell;
use std::sync::{Arc, Barrier};
use std::thread;

use super::{Counters, PLACES};

const EACH: u64 = 20_000;

/// Counts when its thread ends.
struct AtExit(Arc<Counters>, Arc<Barrier>);

impl Drop for AtExit {
    fn drop(&mut self) {
        self.1.wait();
        for _ in 0..EACH {
            self.0.count(true);
        }
    }
}

thread_local! {
    static AT_EXIT: RefCell<Option<AtExit>> = const { RefCell::new(None) };
    static LATER: RefCell<Option<AtExit>> = const { RefCell::new(None) };
}

#[test]
fn what_a_thread_counts_while_it_ends_is_counted_too() {
    // More than there are places, so that one of them gets that of the thread which ends.
    let others = PLACES + 4;
    let counters = Arc::new(Counters::default());
    let barrier = Arc::new(Barrier::new(others + 1));
    thread::scope(|scope| {
        for _ in 0..others {
            let (counters, barrier) = (Arc::clone(&counters), Arc::clone(&barrier));
            scope.spawn(move || {
                for _ in 0..2 {
                    barrier.wait();
                    for _ in 0..EACH {
                        counters.count(true);
                    }
                }
            });
        }
        let (counters, barrier) = (Arc::clone(&counters), Arc::clone(&barrier));
        let ends = thread::spawn(move || {
            // On both sides of the first count, so that one of the two is dropped after what that sets, whichever comes first.
            AT_EXIT.set(Some(AtExit(Arc::clone(&counters), Arc::clone(&barrier))));
            counters.count(true);
            LATER.set(Some(AtExit(counters, barrier)));
        });
        ends.join().expect("no panics");
    });
    let others = u64::try_from(others).expect("it is small");
    assert_eq!(counters.read(), (2 * (others + 1) * EACH + 1, 0));
}

#[test]
fn a_reset_subtracts_what_was() {
    let counters = Counters::default();
    for _ in 0..3 {
        counters.count(true);
    }
    counters.count(false);
    counters.reset();
    assert_eq!(counters.read(), (0, 0));
    counters.count(false);
    assert_eq!(counters.read(), (0, 1));
}
