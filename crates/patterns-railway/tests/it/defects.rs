//! What goes wrong in railways that are written by hand, one test for each.

use std::cell::Cell;

use patterns_railway::{All, Errors, Panicked, ResultExt, catch};

#[derive(Debug, PartialEq)]
enum Failure {
    Said(u8),
    Panicked(String),
}

impl From<Panicked> for Failure {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(panicked.message().to_owned())
    }
}

/// A step that returns something else does not compile: two doc tests of the README, and `mistakes`.
#[test]
fn bind_and_recover_take_results_only() {
    let bound: Result<usize, Failure> =
        Ok("7").and_then(|text: &str| text.parse().map_err(|_| Failure::Said(0)));
    let recovered: Result<usize, Failure> =
        Err(Failure::Said(1)).or_else(|failure| match failure {
            Failure::Said(_) => Ok(0),
            other @ Failure::Panicked(_) => Err(other),
        });
    assert_eq!((bound, recovered), (Ok(7), Ok(0)));
}

#[test]
fn an_error_that_a_caught_step_returns_stays_an_error() {
    let result: Result<u8, _> = Ok(1).try_catch(|_: u8| Err(Failure::Said(7)));
    assert_eq!(result, Err(Failure::Said(7)));
}

#[test]
fn every_way_to_unwind_is_caught() {
    let ways: [fn(u8) -> Result<u8, Failure>; 4] = [
        |_| panic!("a panic"),
        |_| std::panic::panic_any(7),
        |_| std::panic::resume_unwind(Box::new("carried on")),
        |n| Ok([0_u8; 2][usize::from(n)]),
    ];
    for way in ways {
        let result = Ok(9).try_catch(way);
        assert!(matches!(result, Err(Failure::Panicked(_))), "{result:?}");
    }
}

#[test]
fn what_a_panic_carried_is_not_lost() {
    let panicked = catch(|| std::panic::panic_any(vec![1, 2])).unwrap_err();
    assert_eq!(
        panicked.into_payload().downcast_ref::<Vec<i32>>(),
        Some(&vec![1, 2])
    );
}

#[test]
fn the_function_of_a_skipped_step_was_checked_by_the_compiler_and_is_not_called() {
    let called = Cell::new(false);
    let skipped: Result<u8, _> = Err(Failure::Said(1)).check(|_| {
        called.set(true);
        Ok(())
    });
    assert_eq!((skipped, called.get()), (Err(Failure::Said(1)), false));
}

#[test]
fn results_can_be_combined() {
    let combined = (Ok::<_, Failure>(1).at("a"), Ok("b").at("b")).all();
    assert_eq!(combined, Ok((1, "b")));
    let combined: Result<(u8, u8), Errors<u8>> = (Err(1).at("a"), Err(2).at("b")).all();
    assert_eq!(combined.unwrap_err().len(), 2);
}
