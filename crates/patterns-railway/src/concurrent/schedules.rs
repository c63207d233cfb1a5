//! Wakes from other threads, in every order that a schedule checker tries: see `cargo xtask schedules`.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use schedules::shuttle::thread::{self, JoinHandle};
use schedules::{Mutex, assert_unlocked, block_on, check, poll_once};

use super::each_concurrent;
use crate::error::Errors;
use crate::railway::Railway;

/// What a future waits for until some thread punches it.
#[derive(Default)]
struct Ticket {
    state: Mutex<(bool, Option<Waker>)>,
}

impl Ticket {
    fn punch(&self) {
        let waker = {
            let mut state = self.state.lock();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        assert_unlocked();
        let waker = cx.waker().clone();
        let mut state = self.state.lock();
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(waker);
        Poll::Pending
    }
}

fn tickets() -> Arc<[Ticket; 3]> {
    Arc::default()
}

/// A thread for each of the first so many tickets.
fn punched<const N: usize>(tickets: &Arc<[Ticket; 3]>) -> [JoinHandle<()>; N] {
    std::array::from_fn(|index| {
        let tickets = Arc::clone(tickets);
        thread::spawn(move || tickets[index].punch())
    })
}

fn all_of(
    tickets: &Arc<[Ticket; 3]>,
    limit: usize,
) -> Railway<impl Future<Output = Result<Vec<usize>, Errors<()>>> + use<>> {
    let tickets = Arc::clone(tickets);
    let limit = NonZeroUsize::new(limit).expect("more than none");
    each_concurrent(0..3, limit, move |index| {
        let tickets = Arc::clone(&tickets);
        async move {
            poll_fn(|cx| tickets[index].poll(cx)).await;
            Ok::<_, Errors<()>>(index)
        }
    })
}

fn join<const N: usize>(threads: [JoinHandle<()>; N]) {
    for thread in threads {
        thread.join().expect("no panics");
    }
}

#[test]
fn no_wake_is_lost() {
    check("wakes of futures side by side", || {
        for limit in [2, 3] {
            let tickets = tickets();
            let threads = punched::<3>(&tickets);
            // A wake that was lost is a thread that waits for ever, which the checker finds.
            assert_eq!(block_on(all_of(&tickets, limit)), Ok(vec![0, 1, 2]));
            join(threads);
        }
    });
}

#[test]
fn a_new_task_is_woken_in_the_place_of_the_old_one() {
    check("a task that gives its futures to another one", || {
        let tickets = tickets();
        let mut all = Box::pin(all_of(&tickets, 3));
        let threads = punched::<3>(&tickets);
        if poll_once(&mut all).is_pending() {
            assert_eq!(block_on(all), Ok(vec![0, 1, 2]));
        }
        join(threads);
    });
}

#[test]
fn a_drop_while_others_wake_leaves_nothing() {
    check("a drop of futures that are being woken", || {
        let tickets = tickets();
        let mut all = Box::pin(all_of(&tickets, 3));
        let _ = poll_once(&mut all);
        let threads = punched::<2>(&tickets);
        drop(all);
        join(threads);
        assert_eq!(Arc::strong_count(&tickets), 1);
    });
}
