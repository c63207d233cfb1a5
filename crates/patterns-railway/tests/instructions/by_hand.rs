//! The chains of `ours.rs` by hand, a `match` for each step.

use std::num::ParseIntError;

use patterns_railway::Errors;

pub enum Problem {
    NoNumber(ParseIntError),
    TooYoung(u32),
    Odd(u32),
    Text(String),
    TooLarge,
}

fn even(age: &u32) -> Result<(), Problem> {
    if age % 2 == 0 {
        Ok(())
    } else {
        Err(Problem::Odd(*age))
    }
}

fn doubled(age: u32) -> Result<u32, Problem> {
    age.checked_mul(2).ok_or(Problem::TooLarge)
}

#[inline(never)]
pub fn ensured(age: Result<u32, Problem>) -> Result<u32, Problem> {
    match age {
        Ok(age) => {
            if age >= 18 {
                Ok(age)
            } else {
                Err(Problem::TooYoung(age))
            }
        }
        Err(problem) => Err(problem),
    }
}

#[inline(never)]
pub fn checked(age: Result<u32, Problem>) -> Result<u32, Problem> {
    match age {
        Ok(age) => match even(&age) {
            Ok(()) => Ok(age),
            Err(problem) => Err(problem),
        },
        Err(problem) => Err(problem),
    }
}

#[inline(never)]
pub fn chained(text: &str) -> Result<u64, Problem> {
    let age = match text.parse::<u32>() {
        Ok(age) => Ok(age),
        Err(error) => Err(Problem::NoNumber(error)),
    };
    let age = match age {
        Ok(age) => {
            if age >= 18 {
                Ok(age)
            } else {
                Err(Problem::TooYoung(age))
            }
        }
        Err(problem) => Err(problem),
    };
    let age = match age {
        Ok(age) => match even(&age) {
            Ok(()) => Ok(age),
            Err(problem) => Err(problem),
        },
        Err(problem) => Err(problem),
    };
    let age = match age {
        Ok(age) => doubled(age),
        Err(problem) => Err(problem),
    };
    match age {
        Ok(age) => Ok(u64::from(age)),
        Err(problem) => Err(problem),
    }
}

#[inline(never)]
pub fn owned(name: Result<String, Problem>) -> Result<String, Problem> {
    let name = match name {
        Ok(name) => {
            if name.len() > 3 {
                Ok(name)
            } else {
                Err(Problem::TooLarge)
            }
        }
        Err(problem) => Err(problem),
    };
    match name {
        Ok(mut name) => {
            name.truncate(3);
            Ok(name)
        }
        Err(problem) => Err(problem),
    }
}

#[inline(never)]
pub fn placed(text: &str) -> Result<u32, Errors<Problem>> {
    match text.parse::<u32>() {
        Ok(age) => Ok(age),
        Err(error) => Err(Errors::at("age", Problem::NoNumber(error))),
    }
}

#[inline(never)]
pub fn all_of_three(
    a: Result<u32, Errors<Problem>>,
    b: Result<u64, Errors<Problem>>,
    c: Result<u32, Errors<Problem>>,
) -> Result<(u32, u64, u32), Errors<Problem>> {
    match (a, b, c) {
        (Ok(a), Ok(b), Ok(c)) => Ok((a, b, c)),
        (a, b, c) => Err(merge([a.err(), b.err(), c.err()])),
    }
}

#[cold]
fn merge<const N: usize>(lists: [Option<Errors<Problem>>; N]) -> Errors<Problem> {
    let mut all: Option<Errors<Problem>> = None;
    for list in lists.into_iter().flatten() {
        match &mut all {
            None => all = Some(list),
            Some(all) => all.merge(list),
        }
    }
    match all {
        Some(errors) => errors,
        None => unreachable!(),
    }
}

#[inline(never)]
pub fn chained_with_question_marks(text: &str) -> Result<u64, Problem> {
    let age = text.parse::<u32>().map_err(Problem::NoNumber)?;
    if age < 18 {
        return Err(Problem::TooYoung(age));
    }
    even(&age)?;
    Ok(u64::from(doubled(age)?))
}
