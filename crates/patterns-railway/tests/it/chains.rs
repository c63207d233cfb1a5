//! The methods of `Result` on futures of results.

use std::cell::RefCell;
use std::future::{Future, IntoFuture, Ready, pending, ready};
use std::pin::pin;
use std::task::{Context, Waker};

use patterns_railway::{Errors, Panicked, Railway, RailwayExt, ResultExt, catch};

use crate::polls::{pauses, run};

#[derive(Debug, PartialEq)]
enum Failure {
    Said(u8),
    Panicked(String),
}

use Failure::Said;

impl From<Panicked> for Failure {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(panicked.message().to_owned())
    }
}

async fn good(value: u8) -> Result<u8, Failure> {
    pauses(1).await;
    Ok(value)
}

async fn bad(error: u8) -> Result<u8, Failure> {
    pauses(1).await;
    Err(Said(error))
}

/// A closure that must not be called.
fn never<A, R>(_: A) -> R {
    panic!("it is skipped")
}

fn never_by_reference<A, R>(_: &A) -> R {
    panic!("it is skipped")
}

#[test]
fn five_mixed_steps_read_as_one_chain() {
    let chain = good(20)
        .railway()
        .map(|n| n + 1)
        .and_then_async(|n| async move {
            pauses(2).await;
            n.checked_mul(2).ok_or(Said(0))
        })
        .ensure(|n| *n > 40, Said)
        .inspect_async(async |n| pauses(usize::from(*n)).await)
        .map_err(|failure| format!("{failure:?}"));
    assert_eq!(run(chain), Ok(42));
}

#[test]
fn every_step_on_the_value_track() {
    assert_eq!(run(good(1).railway()), Ok(1));
    assert_eq!(run(good(1).railway().map(|n| n + 1)), Ok(2));
    assert_eq!(run(good(1).railway().map_err(never::<_, u8>)), Ok(1));
    assert_eq!(run(good(1).railway().and_then(|n| Ok(n + 1))), Ok(2));
    assert_eq!(
        run(good(1).railway().and_then(|n| Err::<(), _>(Said(n)))),
        Err(Said(1))
    );
    assert_eq!(
        run(good(1).railway().or_else(never::<_, Result<_, ()>>)),
        Ok(1)
    );
    assert_eq!(
        run(good(1)
            .railway()
            .inspect_err(never_by_reference::<Failure, ()>)),
        Ok(1)
    );
    assert_eq!(run(good(1).railway().ensure(|n| *n > 0, Said)), Ok(1));
    assert_eq!(
        run(good(1).railway().ensure(|n| *n > 1, Said)),
        Err(Said(1))
    );
    assert_eq!(
        run(good(1).railway().check(|n| Err(Said(*n)))),
        Err(Said(1))
    );
    assert_eq!(run(good(1).railway().check(|_| Ok(()))), Ok(1));
    assert_eq!(run(good(1).railway().try_catch(|n| Ok(n + 1))), Ok(2));
    assert_eq!(run(good(1).railway().here()), Ok(1));
    assert_eq!(run(good(1).railway().at("a").under("b")), Ok(1));
    assert_eq!(run(good(1).railway().unwrap_or(7)), 1);
    assert_eq!(run(good(1).railway().unwrap_or_else(never)), 1);
}

#[test]
fn every_step_on_the_error_track() {
    assert_eq!(run(bad(1).railway()), Err(Said(1)));
    assert_eq!(run(bad(1).railway().map(never::<_, ()>)), Err(Said(1)));
    assert_eq!(run(bad(1).railway().map_err(|_| "no")), Err("no"));
    assert_eq!(
        run(bad(1).railway().and_then(never::<_, Result<(), _>>)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().or_else(|_| Err::<u8, _>("no"))),
        Err("no")
    );
    assert_eq!(run(bad(1).railway().or_else(|_| Ok::<u8, ()>(3))), Ok(3));
    assert_eq!(
        run(bad(1).railway().inspect(never_by_reference::<u8, ()>)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1)
            .railway()
            .ensure(never_by_reference::<u8, bool>, never)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().check(never_by_reference::<u8, _>)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().try_catch(never::<_, Result<(), _>>)),
        Err(Said(1))
    );
    assert_eq!(run(bad(1).railway().here()), Err(Errors::here(Said(1))));
    assert_eq!(
        run(bad(1).railway().at("a").under("b")),
        Err(Errors::at("a", Said(1)).under("b"))
    );
    assert_eq!(run(bad(1).railway().unwrap_or(7)), 7);
    assert_eq!(
        run(bad(1)
            .railway()
            .unwrap_or_else(|failure| u8::from(failure == Said(1)))),
        1
    );
}

#[test]
fn every_async_step_on_the_value_track() {
    assert_eq!(
        run(good(1).railway().and_then_async(|n| good(n + 1))),
        Ok(2)
    );
    assert_eq!(run(good(1).railway().and_then_async(bad)), Err(Said(1)));
    assert_eq!(
        run(good(1).railway().map_async(|n| async move { n + 1 })),
        Ok(2)
    );
    assert_eq!(
        run(good(1).railway().map_err_async(never::<_, Ready<()>>)),
        Ok(1)
    );
    assert_eq!(
        run(good(1)
            .railway()
            .or_else_async(never::<_, Ready<Result<u8, ()>>>)),
        Ok(1)
    );
    assert_eq!(
        run(good(1)
            .railway()
            .inspect_err_async(async |_| panic!("it is skipped"))),
        Ok(1)
    );
    assert_eq!(
        run(good(1)
            .railway()
            .check_async(async |n| bad(*n).await.map(drop))),
        Err(Said(1))
    );
    assert_eq!(
        run(good(1)
            .railway()
            .check_async(async |n| good(*n).await.map(drop))),
        Ok(1)
    );
    assert_eq!(
        run(good(1).railway().try_catch_async(|n| good(n + 1))),
        Ok(2)
    );
    assert_eq!(
        run(good(1)
            .railway()
            .unwrap_or_else_async(never::<_, Ready<u8>>)),
        1
    );
}

#[test]
fn every_async_step_on_the_error_track() {
    type Skipped = Ready<Result<(), Failure>>;
    assert_eq!(
        run(bad(1).railway().and_then_async(never::<_, Skipped>)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().map_async(never::<_, Ready<()>>)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().map_err_async(|_| async { "no" })),
        Err("no")
    );
    assert_eq!(run(bad(1).railway().or_else_async(|_| good(5))), Ok(5));
    assert_eq!(
        run(bad(1).railway().or_else_async(|_| bad(5))),
        Err(Said(5))
    );
    assert_eq!(
        run(bad(1)
            .railway()
            .inspect_async(async |_| panic!("it is skipped"))),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1)
            .railway()
            .check_async(async |_| panic!("it is skipped"))),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().try_catch_async(never::<_, Skipped>)),
        Err(Said(1))
    );
    assert_eq!(
        run(bad(1).railway().unwrap_or_else_async(|_| async { 9 })),
        9
    );
}

#[test]
fn a_result_begins_a_chain_with_any_async_step() {
    let (one, no) = (|| Ok::<u8, Failure>(1), || Err::<u8, Failure>(Said(1)));
    assert_eq!(run(one().and_then_async(good)), Ok(1));
    assert_eq!(run(no().and_then_async(good)), Err(Said(1)));
    assert_eq!(run(one().map_async(|n| async move { n + 1 })), Ok(2));
    assert_eq!(run(no().map_err_async(|_| async { "no" })), Err("no"));
    assert_eq!(run(no().or_else_async(|_| good(5))), Ok(5));
    assert_eq!(
        run(one().check_async(async |n| bad(*n).await.map(drop))),
        Err(Said(1))
    );
    assert_eq!(
        run(one().try_catch_async(|_| async { panic!("out") as Result<(), Failure> })),
        Err(Failure::Panicked("out".to_owned()))
    );
    assert_eq!(run(no().unwrap_or_else_async(|_| async { 9 })), 9);
    let seen = RefCell::new(Vec::new());
    let chain = one()
        .inspect_async(async |n| seen.borrow_mut().push(*n))
        .and_then(|_| Err::<u8, _>(Said(3)))
        .inspect_err_async(async |failure| {
            pauses(1).await;
            seen.borrow_mut()
                .push(if *failure == Said(3) { 3 } else { 0 });
        });
    assert_eq!(run(chain), Err(Said(3)));
    assert_eq!(
        run(no().inspect_err_async(async |_| seen.borrow_mut().push(9))),
        Err(Said(1))
    );
    assert_eq!(seen.into_inner(), [1, 3, 9]);
}

#[test]
fn the_steps_run_in_order_and_none_before_the_first_poll() {
    let log = RefCell::new(Vec::new());
    let say = |word: &'static str| log.borrow_mut().push(word);
    let chain = Ok::<_, Failure>(())
        .and_then_async(|()| {
            say("called");
            async {
                say("polled");
                pauses(1).await;
                Ok(())
            }
        })
        .inspect(|()| say("inspected"))
        .map_async(|()| async { say("mapped") });
    assert!(log.borrow().is_empty());
    assert_eq!(run(chain), Ok(()));
    assert_eq!(
        log.into_inner(),
        ["called", "polled", "inspected", "mapped"]
    );
}

#[test]
fn the_future_of_a_step_is_dropped_before_the_next_step_is_called() {
    let live = crate::live::Live::default();
    let held = live.one();
    let first = async move {
        pauses(1).await;
        let _held = held;
        Ok::<_, Failure>(())
    };
    let count = || live.count();
    let chain = first
        .railway()
        .and_then(|()| Ok(count()))
        .and_then_async(|before| {
            let held = live.one();
            async move {
                let _held = held;
                Ok(before)
            }
        })
        .map(|before| (before, count()));
    assert_eq!(run(chain), Ok((0, 0)));
}

#[test]
fn whatever_can_be_awaited_begins_a_chain_or_goes_on_with_it() {
    struct Request(u8);
    impl IntoFuture for Request {
        type Output = Result<u8, Failure>;
        type IntoFuture = Ready<Self::Output>;

        fn into_future(self) -> Self::IntoFuture {
            ready(Ok(self.0))
        }
    }
    assert_eq!(
        run(Request(1).railway().and_then_async(|n| Request(n + 1))),
        Ok(2)
    );
    assert_eq!(run(Request(1).at("a")), Ok(1));
}

#[test]
fn panics_in_a_caught_async_step_are_errors_wherever_they_come_from() {
    struct Breaks;
    impl Drop for Breaks {
        fn drop(&mut self) {
            panic!("in its drop");
        }
    }
    let panicked = |message: &str| Err(Failure::Panicked(message.to_owned()));
    let in_the_closure = good(1).railway().try_catch_async(|_| {
        if true {
            panic!("in the closure")
        }
        good(1)
    });
    assert_eq!(run(in_the_closure), panicked("in the closure"));
    let at_once = good(1)
        .railway()
        .try_catch_async(|_| async { panic!("at once") as Result<(), _> });
    assert_eq!(run(at_once), panicked("at once").map(drop));
    let later = good(1).railway().try_catch_async(|_| async {
        pauses(2).await;
        panic!("later") as Result<(), Failure>
    });
    assert_eq!(run(later), panicked("later").map(drop));

    /// Its drop panics, whether it is done or has panicked.
    struct BreaksAtItsEnd(Ready<Result<u8, Failure>>, Breaks);
    impl Future for BreaksAtItsEnd {
        type Output = Result<u8, Failure>;
        fn poll(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> std::task::Poll<Self::Output> {
            std::pin::Pin::new(&mut self.0).poll(cx)
        }
    }
    let in_its_drop = good(1)
        .railway()
        .try_catch_async(|n| BreaksAtItsEnd(ready(Ok(n)), Breaks));
    assert_eq!(run(in_its_drop), panicked("in its drop"));
    let mut used_up = ready(Ok(1));
    run(&mut used_up).unwrap();
    let twice = good(1)
        .railway()
        .try_catch_async(|_| BreaksAtItsEnd(used_up, Breaks));
    // The first panic is told: what the drop said comes after it.
    assert!(matches!(run(twice), Err(Failure::Panicked(message)) if message != "in its drop"));
}

#[test]
fn a_panic_in_a_step_before_is_not_caught() {
    let chain = good(1)
        .railway()
        .map(|n| if n == 1 { panic!("before") } else { n })
        .try_catch_async(good);
    assert_eq!(catch(|| run(chain)).unwrap_err().message(), "before");
}

#[test]
fn a_step_that_is_polled_after_its_end_says_so() {
    fn twice<F: Future>(future: F) -> String {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        while future.as_mut().poll(&mut cx).is_pending() {}
        let again = catch(|| future.as_mut().poll(&mut cx).is_ready());
        again.unwrap_err().message().to_owned()
    }
    let said = "a step of a `Railway` was polled after it had completed";
    assert_eq!(twice(good(1).railway().map(|n| n + 1)), said);
    assert_eq!(twice(good(1).railway().and_then_async(good)), said);
    assert_eq!(twice(bad(1).railway().and_then_async(good)), said);
    assert_eq!(twice(good(1).railway().try_catch_async(good)), said);
    assert_eq!(twice(good(1).railway().unwrap_or(1)), said);
    assert_eq!(
        twice(Ok::<_, Failure>(1).check_async(async |_| Ok(()))),
        said
    );
}

#[test]
fn a_step_whose_closure_has_panicked_is_at_its_end() {
    fn after_a_panic<F: Future>(future: F) -> String {
        let mut future = pin!(future);
        let mut cx = Context::from_waker(Waker::noop());
        while catch(|| future.as_mut().poll(&mut cx).is_pending()).is_ok_and(|pending| pending) {}
        let again = catch(|| future.as_mut().poll(&mut cx).is_ready());
        again.unwrap_err().message().to_owned()
    }
    let said = "a step of a `Railway` was polled after it had completed";
    assert_eq!(after_a_panic(good(1).railway().map(never::<_, ()>)), said);
    assert_eq!(
        after_a_panic(
            good(1)
                .railway()
                .and_then_async(never::<_, Ready<Result<(), _>>>)
        ),
        said
    );
}

#[tokio::test]
async fn a_chain_is_sent_to_another_thread_if_its_parts_may() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let name = String::from("n");
    let chain = is_send(
        good(1)
            .railway()
            .map(move |n| format!("{name}{n}"))
            .check_async(async |text| {
                tokio::task::yield_now().await;
                if text.is_empty() {
                    Err(Said(0))
                } else {
                    Ok(())
                }
            })
            .inspect_async(async |text| drop(text.clone()))
            .try_catch_async(|text| async move { Ok(text) })
            .or_else_async(|failure| async move { Err(failure) })
            .at("name"),
    );
    assert_eq!(tokio::spawn(chain).await.unwrap(), Ok("n1".to_owned()));
}

#[test]
fn a_chain_that_is_not_sent_need_not_be() {
    let shared = std::rc::Rc::new(4);
    let chain = good(1).railway().map(|n| n + *shared).and_then_async(|n| {
        let shared = std::rc::Rc::clone(&shared);
        async move {
            pauses(1).await;
            Ok(n + *shared)
        }
    });
    assert_eq!(run(chain), Ok(9));
}

#[test]
fn a_chain_can_be_looked_at() {
    let chain: Railway<_> = pending::<Result<u8, Failure>>().railway();
    assert_eq!(format!("{chain:?}"), "Railway { .. }");
}

#[test]
fn what_begins_or_lends_lives_as_long_as_it_must() {
    // A chain may borrow from around it.
    let names = [String::from("ann"), String::from("bob")];
    let chain = good(1).railway().map(|n| names[usize::from(n)].as_str());
    assert_eq!(run(chain), Ok("bob"));
}
