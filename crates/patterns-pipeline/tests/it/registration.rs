//! The registration of the example: every error, and the order in which they are found.

#[path = "../../examples/support/registration_rules.rs"]
pub(crate) mod rules;

use rules::{
    FieldError, RegistrationError, Status, User, Value, register_user, register_user_normalized,
    registration,
};

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn good() -> Vec<(&'static str, Value)> {
    vec![
        ("email", text("ada@example.org")),
        ("password", text("12345678")),
        ("age", Value::Number(18.0)),
    ]
}

fn map(fields: Vec<(&str, Value)>) -> Value {
    Value::Map(
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// A good one with one field changed.
fn with(key: &'static str, value: Value) -> Value {
    let mut fields = good();
    fields.retain(|(name, _)| *name != key);
    fields.push((key, value));
    map(fields)
}

/// A good one without some.
fn without(keys: &[&str]) -> Value {
    map(good()
        .into_iter()
        .filter(|(name, _)| !keys.contains(name))
        .collect())
}

#[test]
fn a_good_registration_is_an_active_user_whose_email_is_trimmed_and_in_lower_case() {
    let user = register_user(with("email", text("  Ada@Example.ORG\n")));
    assert_eq!(
        user,
        Ok(User {
            email: "ada@example.org".into(),
            age: 18,
            status: Status::Active
        })
    );
    assert_eq!(register_user_normalized(map(good())), Ok(user.unwrap()));
    // What is not asked for is not looked at.
    let mut more = good();
    more.push(("name", Value::Null));
    assert!(register_user(map(more)).is_ok());
}

#[test]
fn each_mistake_has_its_own_error_its_field_and_its_step() {
    use RegistrationError::{
        InvalidAge, InvalidEmail, MissingKeys, NotAMap, PasswordNotText, PasswordTooShort, UnderAge,
    };
    let cases = [
        (text("ada"), NotAMap, "form", "must be a map", "map"),
        (Value::Null, NotAMap, "form", "must be a map", "map"),
        (
            without(&["email"]),
            MissingKeys(vec!["email"]),
            "email",
            "must be there",
            "keys",
        ),
        (
            without(&["password"]),
            MissingKeys(vec!["password"]),
            "password",
            "must be there",
            "keys",
        ),
        (
            without(&["age"]),
            MissingKeys(vec!["age"]),
            "age",
            "must be there",
            "keys",
        ),
        (
            with("email", text("ada.example.org")),
            InvalidEmail,
            "email",
            "must be an e-mail address",
            "email",
        ),
        (
            with("email", text("@example.org")),
            InvalidEmail,
            "email",
            "must be an e-mail address",
            "email",
        ),
        (
            with("email", text("ada@localhost")),
            InvalidEmail,
            "email",
            "must be an e-mail address",
            "email",
        ),
        (
            with("email", text("a da@example.org")),
            InvalidEmail,
            "email",
            "must be an e-mail address",
            "email",
        ),
        (
            with("email", Value::Number(1.0)),
            InvalidEmail,
            "email",
            "must be an e-mail address",
            "email",
        ),
        (
            with("password", text("1234567")),
            PasswordTooShort,
            "password",
            "must have 8 characters or more",
            "password",
        ),
        (
            with("password", Value::Number(12345678.0)),
            PasswordNotText,
            "password",
            "must be a text",
            "password",
        ),
        (
            with("age", text("18")),
            InvalidAge,
            "age",
            "must be a whole number of years",
            "age",
        ),
        (
            with("age", Value::Number(18.5)),
            InvalidAge,
            "age",
            "must be a whole number of years",
            "age",
        ),
        (
            with("age", Value::Number(-1.0)),
            InvalidAge,
            "age",
            "must be a whole number of years",
            "age",
        ),
        (
            with("age", Value::Number(f64::NAN)),
            InvalidAge,
            "age",
            "must be a whole number of years",
            "age",
        ),
        (
            with("age", Value::Number(17.0)),
            UnderAge,
            "age",
            "must be 18 or more",
            "age",
        ),
    ];
    for (value, error, field, message, step) in cases {
        assert_eq!(register_user(value.clone()), Err(error));
        let shown = FieldError {
            field: field.into(),
            message: message.into(),
        };
        assert_eq!(register_user_normalized(value.clone()), Err(shown));
        assert_eq!(
            registration().run_tagged_sync(value).unwrap_err().step,
            step
        );
    }
}

#[test]
fn all_missing_keys_are_named_at_once() {
    let error = register_user(map(vec![("name", text("Ada"))])).unwrap_err();
    assert_eq!(
        error,
        RegistrationError::MissingKeys(vec!["email", "password", "age"])
    );
    assert_eq!(FieldError::from(error).field, "email, password, age");
    let error = register_user(without(&["email", "age"])).unwrap_err();
    assert_eq!(error, RegistrationError::MissingKeys(vec!["email", "age"]));
}

#[test]
fn of_several_mistakes_the_first_in_the_order_of_the_steps_is_told() {
    let mut fields = vec![
        ("email", text("no")),
        ("password", text("no")),
        ("age", text("no")),
    ];
    let mut told = Vec::new();
    for (at, (_, right)) in good().into_iter().enumerate() {
        told.push(register_user(map(fields.clone())).unwrap_err());
        fields[at].1 = right;
    }
    use RegistrationError::{InvalidAge, InvalidEmail, PasswordTooShort};
    assert_eq!(told, [InvalidEmail, PasswordTooShort, InvalidAge]);
    assert!(register_user(map(fields)).is_ok());
}
