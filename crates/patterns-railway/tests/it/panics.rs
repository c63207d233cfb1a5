//! Panics as errors.

use std::any::Any;
use std::cell::Cell;
use std::error::Error;
use std::panic::{self, AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};

use patterns_railway::{Panicked, ResultExt, catch};

#[derive(Debug, PartialEq)]
enum Failure {
    Said(&'static str),
    Panicked(String),
}

impl From<Panicked> for Failure {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(panicked.message().to_owned())
    }
}

/// A payload whose drop panics, with another one that does.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic_any(Bomb);
    }
}

#[test]
fn the_message_of_a_literal_and_of_a_formatted_text_is_kept() {
    assert_eq!(
        catch(|| panic!("literal")).unwrap_err().message(),
        "literal"
    );
    let n = 7;
    let panicked = catch(|| panic!("no {n}")).unwrap_err();
    insta::assert_snapshot!(panicked, @"panicked: no 7");
    insta::assert_debug_snapshot!(panicked, @r#"
    Panicked(
        "no 7",
    )
    "#);
    assert!(panicked.source().is_none());
}

#[test]
fn a_payload_that_is_no_text_is_kept_as_well() {
    let panicked = catch(|| panic_any(42_u8)).unwrap_err();
    assert_eq!(panicked.message(), "Box<dyn Any>");
    assert_eq!(panicked.into_payload().downcast_ref::<u8>(), Some(&42));
}

#[test]
fn what_was_panicked_with_comes_out_as_it_went_in() {
    let literal = catch(|| panic!("literal")).unwrap_err().into_payload();
    assert_eq!(literal.downcast_ref::<&'static str>(), Some(&"literal"));
    let text: Box<dyn Any + Send> = catch(|| panic!("no {}", std::hint::black_box(7)))
        .unwrap_err()
        .into_payload();
    assert_eq!(
        text.downcast_ref::<String>().map(String::as_str),
        Some("no 7")
    );
}

#[test]
fn a_panic_can_be_carried_on() {
    let first = catch(|| panic!("first")).unwrap_err();
    let again = catch(|| resume_unwind(first.into_payload())).unwrap_err();
    assert_eq!(again.message(), "first");
}

#[test]
fn the_error_is_like_others() {
    fn is_error<E: Error + Send + Sync + 'static>(error: E) -> Box<dyn Error + Send + Sync> {
        error.into()
    }
    let error = is_error(catch(|| panic!("first")).unwrap_err());
    assert!(error.downcast_ref::<Panicked>().is_some());
}

#[test]
fn a_payload_that_panics_when_it_is_dropped_harms_nobody() {
    let panicked = catch(|| panic_any(Bomb)).unwrap_err();
    drop(panicked);
    let payload = catch(|| panic_any(Bomb)).unwrap_err().into_payload();
    // Taken out, it is its new owner's.
    assert!(
        catch_unwind(AssertUnwindSafe(|| drop(payload)))
            .map_err(std::mem::forget)
            .is_err()
    );
}

#[test]
fn an_error_with_such_a_payload_may_be_dropped_by_another_panic() {
    let outer = catch(|| {
        let _held = catch(|| panic_any(Bomb)).unwrap_err();
        panic!("outer");
    });
    assert_eq!(outer.unwrap_err().message(), "outer");
}

#[test]
fn what_the_closure_holds_is_dropped_by_its_panic() {
    let live = crate::live::Live::default();
    let held = live.one();
    let result = Ok::<_, Failure>(held).try_catch(|held| {
        let _held = held;
        if live.count() == 1 {
            panic!("out")
        }
        Ok(())
    });
    assert_eq!(result, Err(Failure::Panicked("out".to_owned())));
    assert_eq!(live.count(), 0);
}

#[test]
fn try_catch_gives_values_errors_and_panics_each_as_what_they_are() {
    let step = |n: u8| match n {
        0 => Err(Failure::Said("zero")),
        255 => panic!("too many"),
        n => Ok(n + 1),
    };
    assert_eq!(Ok(1).try_catch(step), Ok(2));
    assert_eq!(Ok(0).try_catch(step), Err(Failure::Said("zero")));
    assert_eq!(
        Ok(255).try_catch(step),
        Err(Failure::Panicked("too many".to_owned()))
    );
    assert_eq!(
        Err(Failure::Said("before")).try_catch(step),
        Err(Failure::Said("before"))
    );
}

#[test]
fn the_hook_has_seen_the_place_by_then() {
    thread_local! {
        static LINE: Cell<u32> = const { Cell::new(0) };
    }
    // The hook is the whole program's; other tests panic too, on other threads, and see what they would.
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        LINE.set(info.location().unwrap().line());
        before(info);
    }));
    let line = line!() + 1;
    let panicked = catch(|| panic!("here"));
    assert!(panicked.is_err());
    assert_eq!(LINE.get(), line);
}
