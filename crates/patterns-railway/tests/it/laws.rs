//! A chain over futures does what the same chain does on results.

use std::future::ready;

use patterns_railway::{RailwayExt, ResultExt};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, prop_oneof, proptest};

use crate::polls::{pauses, run};

type Outcome = Result<u32, u32>;

/// A function from a value to an outcome.
#[derive(Debug, Clone, Copy)]
struct Step {
    factor: u32,
    fails_below: u32,
    pauses: usize,
}

impl Step {
    fn apply(self, n: u32) -> Outcome {
        if n < self.fails_below {
            Err(n)
        } else {
            Ok(n.wrapping_mul(self.factor))
        }
    }

    async fn apply_later(self, n: u32) -> Outcome {
        pauses(self.pauses).await;
        self.apply(n)
    }
}

fn step() -> impl Strategy<Value = Step> {
    let bound = prop_oneof![0_u32..2, any::<u32>()];
    (any::<u32>(), bound, 0_usize..3).prop_map(|(factor, fails_below, pauses)| Step {
        factor,
        fails_below,
        pauses,
    })
}

/// One method of many.
#[derive(Debug, Clone, Copy)]
enum Method {
    AndThen(Step),
    OrElse(Step),
    Map(u32),
    MapErr(u32),
    Ensure(u32),
    Check(Step),
}

fn method() -> impl Strategy<Value = Method> {
    prop_oneof![
        step().prop_map(Method::AndThen),
        step().prop_map(Method::OrElse),
        any::<u32>().prop_map(Method::Map),
        any::<u32>().prop_map(Method::MapErr),
        any::<u32>().prop_map(Method::Ensure),
        step().prop_map(Method::Check),
    ]
}

/// The method by a `match`.
fn by_hand(result: Outcome, method: Method) -> Outcome {
    match (result, method) {
        (Ok(n), Method::AndThen(step)) => step.apply(n),
        (Err(n), Method::OrElse(step)) => step.apply(n),
        (Ok(n), Method::Map(by)) => Ok(n.wrapping_add(by)),
        (Err(n), Method::MapErr(by)) => Err(n.wrapping_add(by)),
        (Ok(n), Method::Ensure(least)) if n < least => Err(n),
        (Ok(n), Method::Check(step)) => step.apply(n).map(|_| n),
        (kept, _) => kept,
    }
}

fn on_a_future(result: Outcome, method: Method) -> Outcome {
    let chain = ready(result).railway();
    match method {
        Method::AndThen(step) => run(chain.and_then(|n| step.apply(n))),
        Method::OrElse(step) => run(chain.or_else(|n| step.apply(n))),
        Method::Map(by) => run(chain.map(|n| n.wrapping_add(by))),
        Method::MapErr(by) => run(chain.map_err(|n| n.wrapping_add(by))),
        Method::Ensure(least) => run(chain.ensure(|n| *n >= least, |n| n)),
        Method::Check(step) => run(chain.check(|n| step.apply(*n).map(drop))),
    }
}

fn on_a_future_async(result: Outcome, method: Method) -> Outcome {
    let chain = ready(result).railway();
    match method {
        Method::AndThen(step) => run(chain.and_then_async(|n| step.apply_later(n))),
        Method::OrElse(step) => run(chain.or_else_async(|n| step.apply_later(n))),
        Method::Map(by) => run(chain.map_async(|n| async move { n.wrapping_add(by) })),
        Method::MapErr(by) => run(chain.map_err_async(|n| async move { n.wrapping_add(by) })),
        Method::Ensure(least) => {
            run(chain.check_async(async |n| if *n < least { Err(*n) } else { Ok(()) }))
        }
        Method::Check(step) => {
            run(chain.check_async(async |n| step.apply_later(*n).await.map(drop)))
        }
    }
}

fn on_a_result(result: Outcome, method: Method) -> Outcome {
    match method {
        Method::Ensure(least) => result.ensure(|n| *n >= least, |n| n),
        Method::Check(step) => result.check(|n| step.apply(*n).map(drop)),
        other => by_hand(result, other),
    }
}

proptest! {
    #[test]
    fn every_method_does_on_a_future_what_it_does_on_a_result(start in any::<Outcome>(), methods in vec(method(), 0..12)) {
        let expected = methods.iter().fold(start, |result, method| by_hand(result, *method));
        let with = |one: fn(Outcome, Method) -> Outcome| methods.iter().fold(start, |result, method| one(result, *method));
        prop_assert_eq!(with(on_a_result), expected);
        prop_assert_eq!(with(on_a_future), expected);
        prop_assert_eq!(with(on_a_future_async), expected);
    }

    #[test]
    fn left_identity(n in any::<u32>(), f in step()) {
        let chain = ready(Ok(n)).railway().and_then_async(|n| f.apply_later(n));
        prop_assert_eq!(run(chain), run(f.apply_later(n)));
    }

    #[test]
    fn right_identity(start in any::<Outcome>()) {
        let chain = ready(start).railway().and_then_async(|n| async move { Ok(n) });
        prop_assert_eq!(run(chain), start);
    }

    #[test]
    fn associativity(start in any::<Outcome>(), f in step(), g in step()) {
        let one_after_the_other = ready(start).railway().and_then_async(|n| f.apply_later(n)).and_then_async(|n| g.apply_later(n));
        let one_in_the_other = ready(start).railway().and_then_async(|n| f.apply_later(n).railway().and_then_async(|n| g.apply_later(n)));
        prop_assert_eq!(run(one_after_the_other), run(one_in_the_other));
    }

    #[test]
    fn map_is_and_then_with_ok(start in any::<Outcome>(), by in any::<u32>()) {
        let mapped = ready(start).railway().map(|n| n.wrapping_add(by));
        let bound = ready(start).railway().and_then(|n| Ok(n.wrapping_add(by)));
        prop_assert_eq!(run(mapped), run(bound));
    }

    #[test]
    fn two_maps_are_one(start in any::<Outcome>(), a in any::<u32>(), b in any::<u32>()) {
        let two = ready(start).railway().map(|n| n.wrapping_add(a)).map(|n| n.wrapping_mul(b));
        let one = ready(start).railway().map(|n| n.wrapping_add(a).wrapping_mul(b));
        prop_assert_eq!(run(two), run(one));
    }
}
