//! The traits of the `futures` crate in scope at the same time.

use futures_util::{FutureExt, TryFutureExt};
use patterns_railway::{RailwayExt, ResultExt};

use crate::polls::run;

#[test]
fn a_railways_own_methods_come_first() {
    let chain = async { Ok::<u8, String>(1) }
        .railway()
        // `FutureExt::map` would be given the whole result, `TryFutureExt::and_then` wants a future.
        .map(|n| n + 1)
        .and_then(|n| Ok(n + 1))
        .or_else(|error| Err(error.len()))
        .map_err(|length| length + 1)
        .inspect(|n: &u8| assert_eq!(*n, 3))
        .inspect_err(|_: &usize| panic!("it is skipped"));
    assert_eq!(run(chain), Ok(3));
    assert_eq!(
        run(async { Err::<u8, u8>(7) }
            .railway()
            .unwrap_or_else(|error| error + 1)),
        8
    );
}

#[test]
fn what_only_they_have_is_still_there() {
    let chain = Ok::<u8, String>(1)
        .map_async(|n| async move { n + 1 })
        .boxed()
        .map_ok(|n| n + 1);
    assert_eq!(run(chain.railway().map(|n| n + 1)), Ok(4));
}
