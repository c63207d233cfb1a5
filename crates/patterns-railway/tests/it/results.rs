//! What `Result` gets in addition.

use std::cell::Cell;
use std::num::ParseIntError;

use patterns_railway::{Errors, Path, ResultExt};

#[derive(Debug, PartialEq)]
enum Problem {
    TooYoung(u8),
    Odd,
}

fn even(age: &u8) -> Result<(), Problem> {
    if age.is_multiple_of(2) {
        Ok(())
    } else {
        Err(Problem::Odd)
    }
}

#[test]
fn ensure_keeps_a_value_that_holds() {
    assert_eq!(Ok(18).ensure(|age| *age >= 18, Problem::TooYoung), Ok(18));
}

#[test]
fn ensure_gives_the_value_to_the_error() {
    assert_eq!(
        Ok(17).ensure(|age| *age >= 18, Problem::TooYoung),
        Err(Problem::TooYoung(17))
    );
}

#[test]
fn ensure_asks_nothing_on_the_error_track() {
    let asked = Cell::new(0);
    let result = Err(Problem::Odd).ensure(
        |_: &u8| {
            asked.set(asked.get() + 1);
            true
        },
        |_| {
            asked.set(asked.get() + 1);
            Problem::TooYoung(0)
        },
    );
    assert_eq!((result, asked.get()), (Err(Problem::Odd), 0));
}

#[test]
fn check_looks_once_and_keeps_the_value() {
    let looks = Cell::new(0);
    let result = Ok(4).check(|age| {
        looks.set(looks.get() + 1);
        even(age)
    });
    assert_eq!((result, looks.get()), (Ok(4), 1));
}

#[test]
fn check_gives_its_error_and_looks_at_no_error() {
    assert_eq!(Ok(3).check(even), Err(Problem::Odd));
    let result: Result<u8, _> = Err(Problem::TooYoung(3)).check(|_| panic!("it is skipped"));
    assert_eq!(result, Err(Problem::TooYoung(3)));
}

#[test]
fn a_value_is_not_copied_on_its_way() {
    let name = String::from("a name that is on the heap");
    let address = name.as_ptr();
    let kept = Ok::<_, Problem>(name)
        .ensure(|name| !name.is_empty(), |_| Problem::Odd)
        .check(|_| Ok(()))
        .unwrap();
    assert_eq!(kept.as_ptr(), address);
}

#[test]
fn chains_of_ours_and_of_the_standard_library_read_as_one() {
    let next = |text: &str| {
        text.parse::<u8>()
            .map_err(|_| Problem::Odd)
            .ensure(|age| *age >= 18, Problem::TooYoung)
            .check(even)
            .and_then(|age| age.checked_add(1).ok_or(Problem::Odd))
    };
    assert_eq!(next("18"), Ok(19));
    assert_eq!(next("19"), Err(Problem::Odd));
    assert_eq!(next("17"), Err(Problem::TooYoung(17)));
    assert_eq!(next("x"), Err(Problem::Odd));
}

#[test]
fn places_are_put_around_an_error_from_the_inside_out() {
    let result: Result<u8, Errors<ParseIntError>> = "x".parse().at("port").under(3).under("hosts");
    let errors = result.unwrap_err();
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors.first().path,
        Path::root().key("hosts").index(3).key("port")
    );
}

#[test]
fn an_error_of_the_whole_value_has_the_root_for_its_place() {
    let errors = Err::<(), _>(Problem::Odd).here().unwrap_err();
    assert!(errors.first().path.is_root());
    let errors = Err::<(), _>(Problem::Odd).here().under("age").unwrap_err();
    assert_eq!(errors.first().path, Path::root().key("age"));
}

#[test]
fn places_leave_a_value_alone() {
    let result: Result<u8, Errors<ParseIntError>> = "7".parse().at("port").under(3).under("hosts");
    assert_eq!(result, Ok(7));
    assert_eq!("7".parse::<u8>().here(), Ok(7));
}

#[test]
fn any_text_and_any_index_is_a_key() {
    let name = String::from("port");
    let keys = [
        "x".parse::<u8>().at("port"),
        "x".parse::<u8>().at(&name),
        "x".parse::<u8>().at(name.as_str()),
        "x".parse::<u8>().at(name.clone()),
    ];
    for result in keys {
        assert_eq!(result.unwrap_err().first().path.to_string(), "port");
    }
    // A number needs no type.
    assert_eq!(
        "x".parse::<u8>()
            .at(3)
            .unwrap_err()
            .first()
            .path
            .to_string(),
        "[3]"
    );
}
