//! Registers users from a file of forms, and says at which step and why the others are turned away.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

#[path = "support/registration_rules.rs"]
mod registration_rules;

use registration_rules::{Status, Value, register_user, register_user_normalized, registration};

/// Reads a line such as `email: "ada@example.org", age: 36`: a map, if it has keys.
fn read(line: &str) -> Value {
    let fields: Option<BTreeMap<_, _>> = line
        .split(", ")
        .map(|field| {
            field
                .split_once(": ")
                .map(|(key, value)| (key.to_owned(), scalar(value)))
        })
        .collect();
    fields.map_or_else(|| scalar(line), Value::Map)
}

fn scalar(text: &str) -> Value {
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    match (quoted, text.parse()) {
        (Some(text), _) => Value::Text(text.to_owned()),
        (None, Ok(number)) => Value::Number(number),
        (None, Err(_)) => Value::Null,
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/registrations.txt");
    let steps = registration();
    let (mut registered, mut refused) = (0, 0);
    for line in std::fs::read_to_string(file)?.lines() {
        println!("{line}");
        match steps.run_tagged_sync(read(line)) {
            Ok(user) => {
                let Status::Active = user.status;
                println!("  registered {}, {} years old", user.email, user.age);
                registered += 1;
                if register_user(read(line)) != Ok(user) {
                    return Err("two runs of the same steps differ".into());
                }
            }
            Err(error) => {
                let Err(shown) = register_user_normalized(read(line)) else {
                    return Err("two runs of the same steps differ".into());
                };
                println!(
                    "  turned away by step `{}`; the form shows {}: {}",
                    error.step, shown.field, shown.message
                );
                refused += 1;
            }
        }
    }
    println!("{registered} registered, {refused} turned away");
    Ok(())
}
