//! A tuple of futures, side by side.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use patterns_railway::{AllConcurrent, Errors, RailwayExt, ResultExt, catch};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};

use crate::polls::{pauses, run};

async fn after(polls: usize, result: Result<u8, &'static str>) -> Result<u8, &'static str> {
    pauses(polls).await;
    result
}

#[test]
fn all_values_come_as_a_tuple() {
    let both = (after(3, Ok(1)).at("a"), async { Ok("two") }.at("b")).all_concurrent();
    assert_eq!(run(both), Ok((1, "two")));
    assert_eq!(run((after(1, Ok(1)).here(),).all_concurrent()), Ok((1,)));
}

#[test]
fn errors_come_in_the_order_in_which_they_stand_whichever_ends_first() {
    let checks = (
        after(9, Err("slow")).at("a"),
        after(0, Ok(1)).at("b"),
        after(0, Err("fast")).at("c"),
        after(4, Err("middle")).at("d"),
    );
    insta::assert_snapshot!(run(checks.all_concurrent().under("order")).unwrap_err(), @"
    order.a: slow
    order.c: fast
    order.d: middle
    ");
}

#[test]
fn twelve_run_side_by_side() {
    let log = RefCell::new(Vec::new());
    let check = |n: u8| {
        let log = &log;
        async move {
            log.borrow_mut().push(n);
            pauses(1).await;
            log.borrow_mut().push(n);
            Ok::<_, &str>(n)
        }
        .at(usize::from(n))
    };
    let c = check;
    let checks = (
        c(0),
        c(1),
        c(2),
        c(3),
        c(4),
        c(5),
        c(6),
        c(7),
        c(8),
        c(9),
        c(10),
        c(11),
    )
        .all_concurrent();
    assert_eq!(run(checks), Ok((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)));
    let order: Vec<u8> = (0..12).chain(0..12).collect();
    assert_eq!(log.into_inner(), order);
}

#[test]
fn what_is_done_is_not_polled_again() {
    let mut polls = 0;
    let once = poll_fn(|_| {
        polls += 1;
        Poll::Ready(Ok::<u8, &str>(1))
    });
    assert_eq!(
        run((once.here(), after(5, Ok(2)).here()).all_concurrent()),
        Ok((1, 2))
    );
    assert_eq!(polls, 1);
}

#[test]
fn it_goes_on_as_a_chain() {
    let sum = (after(1, Ok(1)).at("a"), after(2, Ok(2)).at("b"))
        .all_concurrent()
        .map(|(a, b)| a + b)
        .and_then_async(|sum| async move { after(1, Ok(sum)).at("sum").await })
        .ensure(|sum| *sum > 3, |_| Errors::here("too little"));
    insta::assert_snapshot!(run(sum).unwrap_err(), @"too little");
}

#[test]
fn they_nest() {
    let inner = (after(2, Err("x")).at("x"), after(1, Err("y")).at("y"))
        .all_concurrent()
        .under("inner");
    let outer = (after(1, Err("a")).at("a"), inner).all_concurrent();
    insta::assert_snapshot!(run(outer).unwrap_err(), @"
    a: a
    inner.x: x
    inner.y: y
    ");
}

#[test]
fn a_panic_reaches_whoever_awaits_and_the_others_go_with_the_future() {
    let live = crate::live::Live::default();
    let held = |polls| {
        let held = live.one();
        async move {
            pauses(polls).await;
            Ok::<_, &str>(held)
        }
        .here()
    };
    let breaks = async {
        pauses(2).await;
        panic!("out") as Result<(), &str>
    };
    let checks = (held(0), breaks.here(), held(9)).all_concurrent();
    assert_eq!(
        catch(|| run(checks).map(drop)).unwrap_err().message(),
        "out"
    );
    assert_eq!(live.count(), 0);
}

#[test]
fn it_waits_for_all_though_one_has_failed() {
    let mut checks = pin!(
        (
            after(0, Err("x")).here(),
            pending::<Result<u8, &str>>().here()
        )
            .all_concurrent()
    );
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..5 {
        assert!(checks.as_mut().poll(&mut cx).is_pending());
    }
}

#[tokio::test]
async fn it_is_sent_to_another_thread_if_its_parts_may() {
    let checks = (
        after(3, Ok(1)).at("a"),
        async {
            tokio::task::yield_now().await;
            Ok(2)
        }
        .at("b"),
    );
    assert_eq!(
        tokio::spawn(checks.all_concurrent()).await.unwrap(),
        Ok((1, 2))
    );
}

proptest! {
    #[test]
    fn it_is_all_of_the_results(parts in vec((0_usize..5, any::<Result<u8, u8>>()), 4)) {
        use patterns_railway::All;
        let later = |i: usize| {
            let (polls, result) = parts[i];
            async move { pauses(polls).await; result }.at(i)
        };
        let now = |i: usize| parts[i].1.at(i);
        let concurrent = run((later(0), later(1), later(2), later(3)).all_concurrent());
        prop_assert_eq!(concurrent, (now(0), now(1), now(2), now(3)).all());
    }
}
