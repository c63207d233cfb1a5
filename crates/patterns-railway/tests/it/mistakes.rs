//! Ordinary mistakes, and what the compiler says to them: it names what to do, or what is wrong with which part.

use crate::compiler::{Folder, errors_of};

const BEGIN: &str = r#"
use patterns_railway::{All, Errors, ResultExt, accumulate, each, each_entry};
pub struct Problem;
pub struct Other;
fn name() -> Result<String, Problem> { Ok(String::new()) }
fn address() -> Result<u8, Errors<Problem>> { Ok(1) }
"#;

fn errors(bodies: &[&str]) -> Vec<String> {
    let folder = Folder::new("mistakes");
    let mut program = BEGIN.to_owned();
    for (number, body) in bodies.iter().enumerate() {
        program.push_str(&format!("pub fn mistake{number}() {{ {body} }}\n"));
    }
    errors_of(&folder, &folder.metadata(), &program)
}

#[test]
fn a_result_without_a_place_is_named_wherever_it_stands() {
    let errors = errors(&[
        r#"(name(), address().under("address")).all();"#,
        r#"(address().under("address"), name()).all();"#,
        r#"name().under("name");"#,
        "each([1], |_| name());",
        "accumulate(|mut checks| { let a = checks.take(name()); checks.finish(|open| open.get(a)) });",
    ]);
    assert_eq!(errors.len(), 5, "{errors:#?}");
    for error in errors {
        assert_eq!(
            error,
            "error[E0277]: the errors of `Result<String, Problem>` have no place yet"
        );
    }
}

#[test]
fn two_types_of_errors_in_a_tuple_are_named() {
    let errors = errors(&[
        r#"(name().at("name"), Err::<u8, _>(Other).at("age")).all();"#,
        r#"(name().at("name"), address().at("address")).all();"#,
    ]);
    insta::assert_snapshot!(errors.join("\n"), @"
    error[E0271]: type mismatch resolving `<Result<u8, Errors<Other>> as Placed>::Error == Problem`
    error[E0271]: type mismatch resolving `<Result<u8, Errors<Errors<Problem>>> as Placed>::Error == Problem`
    ");
}

#[test]
fn what_was_checked_in_one_call_is_of_no_use_in_another() {
    let errors = errors(&["
        let _: Result<u8, Errors<Problem>> = accumulate(|mut outer| {
            let a = outer.take(address());
            let _: Result<u8, Errors<Problem>> = accumulate(|inner| inner.finish(move |open| open.get(a)));
            outer.finish(|_| 0)
        });
    "]);
    insta::assert_snapshot!(errors.join("\n"), @"
    error: lifetime may not live long enough
    error: lifetime may not live long enough
    ");
}

#[test]
fn checks_cannot_be_left_without_looking_at_their_errors() {
    let errors = errors(&[
        "let _: Result<u8, Errors<Problem>> = accumulate(|mut checks| { checks.take(address()); Ok(0) });",
        "let _: Result<u8, Errors<Problem>> = accumulate(|mut checks| { let a = checks.take(address()); a.value });",
    ]);
    insta::assert_snapshot!(errors.join("\n"), @"
    error[E0308]: mismatched types
    error[E0616]: field `value` of struct `Checked` is private
    ");
}

#[test]
fn a_step_that_returns_no_result_does_not_compile() {
    let errors = errors(&[
        "name().and_then(|name| name.len());",
        "name().or_else(|_| String::new());",
        "name().check(|name| name.is_empty());",
        "name().try_catch(|name| Ok(name));",
        "name().ensure(|name: &u8| true, |_| Problem);",
    ]);
    insta::assert_snapshot!(errors.join("\n"), @"
    error[E0308]: mismatched types
    error[E0308]: mismatched types
    error[E0308]: mismatched types
    error[E0277]: the trait bound `Problem: From<Panicked>` is not satisfied
    error[E0631]: type mismatch in closure arguments
    ");
}
