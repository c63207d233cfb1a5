//! Chains with the crate, to be compared with the same by hand.

use std::num::ParseIntError;

use patterns_railway::{All, Errors, ResultExt};

pub enum Problem {
    NoNumber(ParseIntError),
    TooYoung(u32),
    Odd(u32),
    Text(String),
    TooLarge,
}

fn even(age: &u32) -> Result<(), Problem> {
    if age % 2 == 0 { Ok(()) } else { Err(Problem::Odd(*age)) }
}

fn doubled(age: u32) -> Result<u32, Problem> {
    age.checked_mul(2).ok_or(Problem::TooLarge)
}

#[inline(never)]
pub fn ensured(age: Result<u32, Problem>) -> Result<u32, Problem> {
    age.ensure(|age| *age >= 18, Problem::TooYoung)
}

#[inline(never)]
pub fn checked(age: Result<u32, Problem>) -> Result<u32, Problem> {
    age.check(even)
}

#[inline(never)]
pub fn chained(text: &str) -> Result<u64, Problem> {
    text.parse::<u32>()
        .map_err(Problem::NoNumber)
        .ensure(|age| *age >= 18, Problem::TooYoung)
        .check(even)
        .and_then(doubled)
        .map(u64::from)
}

#[inline(never)]
pub fn owned(name: Result<String, Problem>) -> Result<String, Problem> {
    name.ensure(|name| name.len() > 3, |_| Problem::TooLarge)
        .map(|mut name| {
            name.truncate(3);
            name
        })
}

#[inline(never)]
pub fn placed(text: &str) -> Result<u32, Errors<Problem>> {
    text.parse::<u32>().map_err(Problem::NoNumber).at("age")
}

#[inline(never)]
pub fn all_of_three(
    a: Result<u32, Errors<Problem>>,
    b: Result<u64, Errors<Problem>>,
    c: Result<u32, Errors<Problem>>,
) -> Result<(u32, u64, u32), Errors<Problem>> {
    (a, b, c).all()
}
