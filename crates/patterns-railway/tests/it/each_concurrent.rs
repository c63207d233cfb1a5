//! Many futures, a bounded number side by side.

use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn, ready};
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use patterns_railway::{Errors, ResultExt, catch, each, each_concurrent};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use crate::live::Live;
use crate::polls::{Wakes, pauses, run};

fn limit(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[test]
fn values_come_in_the_order_of_the_items() {
    let result = each_concurrent([5, 0, 3, 1], limit(4), |n| async move {
        pauses(n).await;
        Ok::<_, &str>(n).here()
    });
    assert_eq!(run(result), Ok(vec![5, 0, 3, 1]));
}

#[test]
fn errors_come_in_the_order_of_the_items() {
    let result = each_concurrent([5, 0, 3, 1], limit(2), |n| async move {
        pauses(n).await;
        if n % 2 == 1 {
            Err("odd").at("n")
        } else {
            Ok(n)
        }
    });
    insta::assert_snapshot!(run(result.under("list")).unwrap_err(), @"
    list[0].n: odd
    list[2].n: odd
    list[3].n: odd
    ");
}

#[test]
fn no_items_are_a_success_and_nothing_is_polled() {
    let result = each_concurrent(Vec::<u8>::new(), limit(3), |_| {
        pending::<Result<u8, Errors<u8>>>()
    });
    assert_eq!(run(result), Ok(vec![]));
}

#[test]
fn so_many_run_and_no_more() {
    for bound in [1, 2, 7, 50, usize::MAX] {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let result = each_concurrent(0..20_usize, limit(bound), |n| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            let running = &running;
            async move {
                pauses(n % 3 + 1).await;
                running.set(running.get() - 1);
                Ok::<_, &str>(n).here()
            }
        });
        assert_eq!(run(result).unwrap().len(), 20);
        assert_eq!(most.get(), bound.min(20));
    }
}

#[test]
fn an_item_is_taken_when_there_is_room() {
    let taken = Cell::new(0);
    let items = (0..10).inspect(|_| taken.set(taken.get() + 1));
    let mut result = pin!(each_concurrent(items, limit(3), |_| pending::<
        Result<(), Errors<()>>,
    >()));
    assert_eq!(taken.get(), 0);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(result.as_mut().poll(&mut cx).is_pending());
    assert_eq!(taken.get(), 3);
    assert!(result.as_mut().poll(&mut cx).is_pending());
    assert_eq!(taken.get(), 3);
}

/// Futures that are done when somebody says so, and count their polls.
#[derive(Default)]
struct Gate {
    open: Cell<bool>,
    polls: Cell<usize>,
    waker: RefCell<Option<Waker>>,
}

impl Gate {
    fn open(&self) {
        self.open.set(true);
        self.waker.borrow().as_ref().unwrap().wake_by_ref();
    }

    fn passed(&self) -> impl Future<Output = Result<usize, Errors<&'static str>>> {
        poll_fn(|cx| {
            self.polls.set(self.polls.get() + 1);
            *self.waker.borrow_mut() = Some(cx.waker().clone());
            if self.open.get() {
                Poll::Ready(Ok(self.polls.get()))
            } else {
                Poll::Pending
            }
        })
    }
}

#[test]
fn only_what_was_woken_is_polled() {
    let gates: Vec<Gate> = (0..5).map(|_| Gate::default()).collect();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    let mut cx = Context::from_waker(&waker);
    let mut result = pin!(each_concurrent(&gates, limit(5), Gate::passed));
    assert!(result.as_mut().poll(&mut cx).is_pending());

    for index in [3, 0, 4, 1, 2] {
        let before = wakes.count();
        gates[index].open();
        assert_eq!(wakes.count(), before + 1);
        let is_done = result.as_mut().poll(&mut cx).is_ready();
        assert_eq!(is_done, index == 2);
    }
    let polls: Vec<_> = gates.iter().map(|gate| gate.polls.get()).collect();
    assert_eq!(polls, [2; 5]);
}

#[test]
fn a_poll_without_a_wake_polls_none() {
    let gates: Vec<Gate> = (0..3).map(|_| Gate::default()).collect();
    let mut result = pin!(each_concurrent(&gates, limit(3), Gate::passed));
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..10 {
        assert!(result.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(gates.iter().map(|gate| gate.polls.get()).max(), Some(1));
}

#[test]
fn many_wakes_of_one_are_one_poll() {
    let gate = Gate::default();
    let mut result = pin!(each_concurrent([&gate], limit(1), Gate::passed));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(result.as_mut().poll(&mut cx).is_pending());
    for _ in 0..100 {
        gate.waker.borrow().as_ref().unwrap().wake_by_ref();
    }
    assert!(result.as_mut().poll(&mut cx).is_pending());
    assert!(result.as_mut().poll(&mut cx).is_pending());
    assert_eq!(gate.polls.get(), 2);
}

#[test]
fn the_task_that_polled_last_is_the_one_that_is_woken() {
    let gate = Gate::default();
    let (first, second) = (Arc::new(Wakes::default()), Arc::new(Wakes::default()));
    let mut result = pin!(each_concurrent([&gate], limit(1), Gate::passed));
    for wakes in [&first, &second] {
        let waker = Waker::from(Arc::clone(wakes));
        assert!(
            result
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    gate.open();
    assert_eq!((first.count(), second.count()), (0, 1));
}

#[test]
fn a_late_wake_of_one_that_is_done_harms_nobody() {
    let (early, late) = (Gate::default(), Gate::default());
    let gates = [&early, &late, &late];
    let mut result = pin!(each_concurrent(gates, limit(1), Gate::passed));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(result.as_mut().poll(&mut cx).is_pending());
    let stale = early.waker.borrow().clone().unwrap();
    early.open();
    assert!(result.as_mut().poll(&mut cx).is_pending());
    stale.wake_by_ref();
    stale.wake_by_ref();
    assert!(result.as_mut().poll(&mut cx).is_pending());
    late.open();
    let done = result.as_mut().poll(&mut cx);
    stale.wake();
    assert!(done.is_ready());
}

#[test]
fn one_that_is_done_is_dropped_at_once_and_a_late_wake_of_it_polls_nothing() {
    let live = Live::default();
    let (done, waits) = (Gate::default(), Gate::default());
    let mut result = pin!(each_concurrent([&done, &waits], limit(2), |gate| {
        let held = live.one();
        async move {
            let _held = held;
            gate.passed().await
        }
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(result.as_mut().poll(&mut cx).is_pending());
    assert_eq!(live.count(), 2);
    done.open();
    assert!(result.as_mut().poll(&mut cx).is_pending());
    assert_eq!(live.count(), 1);
    done.open();
    assert!(result.as_mut().poll(&mut cx).is_pending());
    waits.open();
    assert!(result.as_mut().poll(&mut cx).is_ready());
    assert_eq!((done.polls.get(), waits.polls.get()), (2, 2));
}

#[test]
fn a_future_that_ends_is_dropped_before_the_next_item_is_taken() {
    // Not an `async` block, which drops what it holds before it says that it is done.
    struct Holds(#[expect(dead_code, reason = "its drop is looked at")] crate::live::Alive);
    impl Future for Holds {
        type Output = Result<(), Errors<()>>;
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
            Poll::Ready(Ok(()))
        }
    }
    let live = Live::default();
    let result = each_concurrent(0..5, limit(1), |_| {
        assert_eq!(live.count(), 0);
        Holds(live.one())
    });
    assert!(run(result).is_ok());
    assert_eq!(live.count(), 0);
}

#[test]
fn a_waker_that_somebody_keeps_does_not_keep_the_task() {
    let gate = Gate::default();
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&wakes));
    {
        let mut result = pin!(each_concurrent([&gate], limit(1), Gate::passed));
        assert!(
            result
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
    }
    drop(waker);
    assert!(gate.waker.borrow().is_some());
    assert_eq!(Arc::strong_count(&wakes), 1);
    gate.open();
    assert_eq!(wakes.count(), 0);
}

#[test]
fn a_flood_of_what_is_ready_lets_others_run() {
    for bound in [8, usize::MAX] {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(Arc::clone(&wakes));
        let mut cx = Context::from_waker(&waker);
        let begun = Cell::new(0_u32);
        let mut result = pin!(each_concurrent(0..1000_u32, limit(bound), |n| {
            begun.set(begun.get() + 1);
            ready(Ok::<_, &str>(n).here())
        }));
        let mut polls = 1;
        while result.as_mut().poll(&mut cx).is_pending() {
            assert_eq!(begun.get(), 128 * polls);
            assert_eq!(wakes.count(), polls as usize);
            polls += 1;
        }
        assert_eq!((begun.get(), polls), (1000, 8));
    }
}

#[test]
fn what_is_left_of_a_flood_is_not_lost_when_more_is_woken() {
    let gates: Vec<Gate> = (0..300).map(|_| Gate::default()).collect();
    let mut cx = Context::from_waker(Waker::noop());
    let mut result = pin!(each_concurrent(&gates, limit(300), Gate::passed));
    for _ in 0..3 {
        assert!(result.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(gates[299].polls.get(), 1);
    // All are woken, and 128 of them are polled and go on waiting; then these are woken once more.
    for gate in &gates {
        gate.waker.borrow().as_ref().unwrap().wake_by_ref();
    }
    assert!(result.as_mut().poll(&mut cx).is_pending());
    for gate in &gates {
        gate.open();
    }
    for _ in 0..2 {
        assert!(result.as_mut().poll(&mut cx).is_pending());
    }
    assert!(result.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn a_flood_of_wakes_lets_others_run_and_none_is_forgotten() {
    let polls = Cell::new(0);
    let mut result = pin!(each_concurrent(0..300_u32, limit(300), |n| {
        let polls = &polls;
        async move {
            for _ in 0..2 {
                pauses(1).await;
                polls.set(polls.get() + 1);
            }
            Ok::<_, &str>(n).here()
        }
    }));
    let mut cx = Context::from_waker(Waker::noop());
    let mut turns = 0;
    let values = loop {
        turns += 1;
        if let Poll::Ready(values) = result.as_mut().poll(&mut cx) {
            break values;
        }
    };
    assert_eq!(values, Ok((0..300).collect()));
    assert_eq!(polls.get(), 600);
    // 900 polls of futures, at most 128 at a time.
    assert!((8..20).contains(&turns), "{turns}");
}

#[test]
fn a_panic_reaches_whoever_polls_and_it_is_not_polled_again() {
    for panics_in_the_closure in [true, false] {
        let live = Live::default();
        let message = {
            let mut result = pin!(each_concurrent(0..5, limit(3), |n| {
                let held = live.one();
                assert!(!(n == 3 && panics_in_the_closure), "out");
                async move {
                    pauses(n).await;
                    assert!(n != 3, "out");
                    Ok::<_, &str>(held).here()
                }
            }));
            let mut cx = Context::from_waker(Waker::noop());
            let first = loop {
                match catch(|| result.as_mut().poll(&mut cx).is_ready()) {
                    Ok(is_done) => assert!(!is_done),
                    Err(panicked) => break panicked,
                }
            };
            assert_eq!(first.message(), "out");
            let again = catch(|| result.as_mut().poll(&mut cx).is_ready());
            again.unwrap_err().message().to_owned()
        };
        assert_eq!(message, "`each_concurrent` was polled after a panic");
        assert_eq!(live.count(), 0);
    }
}

#[test]
fn it_is_not_polled_after_its_end() {
    let mut result = pin!(each_concurrent([1], limit(1), |n| ready(
        Ok::<_, &str>(n).here()
    )));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(result.as_mut().poll(&mut cx).is_ready());
    let again = catch(|| result.as_mut().poll(&mut cx).is_ready());
    assert_eq!(
        again.unwrap_err().message(),
        "`each_concurrent` was polled after it had completed"
    );
}

#[test]
fn an_iterator_is_not_asked_after_its_end() {
    let mut left = 3;
    let items = std::iter::from_fn(move || {
        assert!(left > 0, "asked after its end");
        left -= 1;
        (left > 0).then_some(left)
    });
    let result = each_concurrent(items, limit(8), |n| async move {
        pauses(n).await;
        Ok::<_, &str>(n).here()
    });
    assert_eq!(run(result), Ok(vec![2, 1]));
}

/// A place where threads find wakers, and whether what they wake is ready.
#[derive(Default)]
struct Ticket {
    state: Mutex<(bool, Option<Waker>)>,
}

impl Ticket {
    fn punch(&self) {
        let waker = {
            let mut state = self.state.lock().unwrap();
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock().unwrap();
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[test]
fn wakes_from_other_threads_are_never_lost() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    for round in 0..200_usize {
        let tickets: Arc<Vec<Ticket>> = Arc::new((0..64).map(|_| Ticket::default()).collect());
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let tickets = Arc::clone(&tickets);
                thread::spawn(move || {
                    for step in 0..tickets.len() {
                        let index = (step * 7 + round + thread) % tickets.len();
                        if index % 3 == thread {
                            tickets[index].punch();
                        }
                    }
                })
            })
            .collect();
        let work = each_concurrent(0..tickets.len(), limit(1 + round % 64), |index| {
            let tickets = Arc::clone(&tickets);
            async move {
                poll_fn(|cx| tickets[index].poll(cx)).await;
                Ok::<_, &str>(index).here()
            }
        });
        // Nothing else wakes this task: a wake that was lost is the end of the time.
        let limit = std::time::Duration::from_secs(60);
        let values = runtime.block_on(async { tokio::time::timeout(limit, work).await });
        assert_eq!(values.unwrap(), Ok((0..64).collect()));
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn it_waits_as_long_as_the_bound_makes_it() {
    use std::time::Duration;
    let begun = tokio::time::Instant::now();
    let result = tokio::spawn(each_concurrent(0..10_u64, limit(4), |n| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok::<_, &str>(n).here()
    }));
    assert_eq!(result.await.unwrap(), Ok((0..10).collect()));
    assert_eq!(begun.elapsed().as_secs(), 3);
}

proptest! {
    #[test]
    fn it_is_each_of_the_results(parts in vec((0_usize..6, any::<Result<u8, u8>>()), 0..30), bound in 1_usize..10) {
        let most = Cell::new(0_usize);
        let running = Cell::new(0_usize);
        let concurrent = run(each_concurrent(&parts, limit(bound), |(polls, result)| {
            running.set(running.get() + 1);
            most.set(most.get().max(running.get()));
            let running = &running;
            async move {
                pauses(*polls).await;
                running.set(running.get() - 1);
                (*result).at("x")
            }
        }));
        prop_assert_eq!(concurrent, each(&parts, |(_, result)| (*result).at("x")));
        prop_assert!(most.get() <= bound);
    }
}

#[test]
fn what_there_is_room_for_is_begun_also_when_others_fill_every_poll() {
    let begun = Cell::new(false);
    let begun = &begun;
    let all = each_concurrent(0..300, NonZeroUsize::MAX, |n| async move {
        if n == 299 {
            begun.set(true);
        }
        while !begun.get() {
            // Busy: it wakes itself.
            let mut turns = 1;
            poll_fn(|cx| {
                cx.waker().wake_by_ref();
                turns -= 1;
                if turns < 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        Ok::<_, Errors<()>>(n)
    });
    let mut all = pin!(all);
    let mut cx = Context::from_waker(Waker::noop());
    let is_done = (0..1_000).any(|_| all.as_mut().poll(&mut cx).is_ready());
    assert!(is_done);
}
