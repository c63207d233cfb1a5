//! The faults of the pipeline after which this one is made, each as a test that it is not one here.

use patterns_pipeline::Pipeline;

use crate::registration::rules::{RegistrationError, Value, register_user};

fn form(password: Value) -> Value {
    let fields = [
        ("email", Value::Text("ada@example.org".into())),
        ("password", password),
        ("age", Value::Number(36.0)),
    ];
    Value::Map(fields.map(|(key, value)| (key.to_owned(), value)).into())
}

#[test]
fn a_password_that_is_no_text_is_not_called_too_short() {
    for password in [
        Value::Null,
        Value::Number(12_345_678.0),
        Value::Map([].into()),
    ] {
        assert_eq!(
            register_user(form(password)),
            Err(RegistrationError::PasswordNotText)
        );
    }
    assert_eq!(
        register_user(form(Value::Text("short".into()))),
        Err(RegistrationError::PasswordTooShort)
    );
}

#[test]
fn not_only_the_first_missing_key_is_named() {
    let nothing = register_user(Value::Map([].into()));
    assert_eq!(
        nothing,
        Err(RegistrationError::MissingKeys(vec![
            "email", "password", "age"
        ]))
    );
}

/// There, keys of another type count as missing. Here there is one type of keys, and the compiler knows it.
#[test]
fn a_key_is_there_or_not_and_there_is_no_second_kind_of_keys() {
    assert!(register_user(form(Value::Text("12345678".into()))).is_ok());
}

/// There, a step may return anything, and what is neither success nor error is found when it runs; one of its own steps does so. Here it does not
/// compile: see the documentation of `Pipeline::step`. What compiles is either.
#[test]
fn a_step_without_anything_to_return_returns_it_as_a_success() {
    let check =
        Pipeline::<u32, &str>::new().step("check", |n| if n > 0 { Ok(()) } else { Err("zero") });
    assert_eq!(check.run_sync(1), Ok(()));
    assert_eq!(check.run_sync(0), Err("zero"));
}
