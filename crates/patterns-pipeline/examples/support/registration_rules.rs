//! The rules of a registration, as steps: what is asked for, in which order it is looked at, and what each mistake is called.

use std::collections::BTreeMap;
use std::fmt;

use patterns_pipeline::{Pipeline, SyncChain};

/// Something from outside, of which nothing is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Number(f64),
    Text(String),
    Map(BTreeMap<String, Value>),
}

/// A registered user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// Trimmed and in lower case.
    pub(crate) email: String,
    pub(crate) age: u32,
    pub(crate) status: Status,
}

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Active,
}

/// What is wrong with a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RegistrationError {
    NotAMap,
    /// All that are missing.
    MissingKeys(Vec<&'static str>),
    InvalidEmail,
    PasswordNotText,
    PasswordTooShort,
    InvalidAge,
    UnderAge,
}

/// The same as a form shows it: beside a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldError {
    pub(crate) field: String,
    pub(crate) message: String,
}

/// The values under the keys that there have to be.
struct Form {
    email: Value,
    password: Value,
    age: Value,
}

fn is_a_map(value: Value) -> Result<BTreeMap<String, Value>, RegistrationError> {
    match value {
        Value::Map(map) => Ok(map),
        _ => Err(RegistrationError::NotAMap),
    }
}

fn has_all_keys(mut map: BTreeMap<String, Value>) -> Result<Form, RegistrationError> {
    match ["email", "password", "age"].map(|key| map.remove(key).ok_or(key)) {
        [Ok(email), Ok(password), Ok(age)] => Ok(Form {
            email,
            password,
            age,
        }),
        keys => Err(RegistrationError::MissingKeys(
            keys.into_iter().filter_map(Result::err).collect(),
        )),
    }
}

fn email(form: Form) -> Result<(String, Form), RegistrationError> {
    let Value::Text(text) = &form.email else {
        return Err(RegistrationError::InvalidEmail);
    };
    let email = text.trim().to_lowercase();
    let is_valid = email.split_once('@').is_some_and(|(name, host)| {
        let is_host = host.split('.').count() > 1 && host.split('.').all(|part| !part.is_empty());
        !name.is_empty() && is_host && !host.contains('@') && !email.contains(char::is_whitespace)
    });
    if is_valid {
        Ok((email, form))
    } else {
        Err(RegistrationError::InvalidEmail)
    }
}

fn password((email, form): (String, Form)) -> Result<(String, Form), RegistrationError> {
    match &form.password {
        Value::Text(password) if password.chars().count() < 8 => {
            Err(RegistrationError::PasswordTooShort)
        }
        Value::Text(_) => Ok((email, form)),
        _ => Err(RegistrationError::PasswordNotText),
    }
}

fn age((email, form): (String, Form)) -> Result<(String, u32), RegistrationError> {
    let Value::Number(age) = form.age else {
        return Err(RegistrationError::InvalidAge);
    };
    if !(0.0..=150.0).contains(&age) || age.fract() != 0.0 {
        return Err(RegistrationError::InvalidAge);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is a whole number up to 150"
    )]
    let age = age as u32;
    if age < 18 {
        Err(RegistrationError::UnderAge)
    } else {
        Ok((email, age))
    }
}

fn activate((email, age): (String, u32)) -> Result<User, RegistrationError> {
    Ok(User {
        email,
        age,
        status: Status::Active,
    })
}

/// The steps. They can be run by any of `run_sync`, `run_tagged_sync` and `run_traced_sync`.
pub(crate) fn registration() -> Pipeline<
    Value,
    RegistrationError,
    impl SyncChain<In = Value, Out = User, Error = RegistrationError>,
> {
    Pipeline::new()
        .step("map", is_a_map)
        .step("keys", has_all_keys)
        .step("email", email)
        .step("password", password)
        .step("age", age)
        .step("activate", activate)
}

/// Registers a user, or says what is wrong first.
pub(crate) fn register_user(value: Value) -> Result<User, RegistrationError> {
    registration().run_sync(value)
}

/// Registers a user, or says it in the words of a form.
pub(crate) fn register_user_normalized(value: Value) -> Result<User, FieldError> {
    register_user(value).map_err(FieldError::from)
}

impl From<RegistrationError> for FieldError {
    fn from(error: RegistrationError) -> Self {
        let field = match &error {
            RegistrationError::NotAMap => "form".to_owned(),
            RegistrationError::MissingKeys(keys) => keys.join(", "),
            RegistrationError::InvalidEmail => "email".to_owned(),
            RegistrationError::PasswordNotText | RegistrationError::PasswordTooShort => {
                "password".to_owned()
            }
            RegistrationError::InvalidAge | RegistrationError::UnderAge => "age".to_owned(),
        };
        Self {
            field,
            message: error.to_string(),
        }
    }
}

impl fmt::Display for RegistrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAMap => "must be a map",
            Self::MissingKeys(_) => "must be there",
            Self::InvalidEmail => "must be an e-mail address",
            Self::PasswordNotText => "must be a text",
            Self::PasswordTooShort => "must have 8 characters or more",
            Self::InvalidAge => "must be a whole number of years",
            Self::UnderAge => "must be 18 or more",
        })
    }
}
