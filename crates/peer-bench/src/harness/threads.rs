//! The same work on several threads at a time.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::runtime;

/// Runs `work` on so many threads that begin together; gives the time from the first begin to the last end.
pub(crate) fn together(threads: u64, work: impl Fn(usize) + Sync) -> Duration {
    let count = usize::try_from(threads).expect("the count fits");
    let (work, barrier) = (&work, &Barrier::new(count));
    let spans: Vec<(Instant, Instant)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .map(|thread| {
                scope.spawn(move || {
                    // A contender may want to know its runtime; the other ones do not mind.
                    let _runtime = runtime::shared().enter();
                    barrier.wait();
                    let started = Instant::now();
                    work(thread);
                    (started, Instant::now())
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a worker does not panic"))
            .collect()
    });
    let first = spans.iter().map(|span| span.0).min();
    let last = spans.iter().map(|span| span.1).max();
    last.zip(first)
        .map(|(last, first)| last - first)
        .expect("there is a thread")
}
