//! The steps that both sources have.

use std::num::ParseIntError;

pub enum Problem {
    NoNumber(ParseIntError),
    TooYoung(u32),
    Odd(u32),
    TooLarge,
    Empty(String),
}

// Steps that are called, as those are that do any work.

#[inline(never)]
pub fn parsed(text: &str) -> Result<u32, Problem> {
    text.parse().map_err(Problem::NoNumber)
}

#[inline(never)]
pub fn adult(age: u32) -> Result<u32, Problem> {
    if age < 18 {
        Err(Problem::TooYoung(age))
    } else {
        Ok(age)
    }
}

#[inline(never)]
pub fn even(age: u32) -> Result<u32, Problem> {
    if age % 2 == 0 {
        Ok(age)
    } else {
        Err(Problem::Odd(age))
    }
}

#[inline(never)]
pub fn doubled(age: u32) -> Result<u32, Problem> {
    age.checked_mul(2).ok_or(Problem::TooLarge)
}

#[inline(never)]
pub fn widened(age: u32) -> Result<u64, Problem> {
    Ok(u64::from(age) << 8)
}

// Steps that are so small that nothing is left of them.

pub fn positive(n: i64) -> Result<u64, Problem> {
    u64::try_from(n).map_err(|_| Problem::TooLarge)
}

pub fn short(n: u64) -> Result<u32, Problem> {
    u32::try_from(n).map_err(|_| Problem::TooLarge)
}

pub fn grown(age: u32) -> Result<u32, Problem> {
    if age < 18 {
        Err(Problem::TooYoung(age))
    } else {
        Ok(age)
    }
}

pub fn twice(age: u32) -> Result<u32, Problem> {
    age.checked_mul(2).ok_or(Problem::TooLarge)
}

pub fn shifted(age: u32) -> Result<u64, Problem> {
    Ok(u64::from(age) << 8)
}

// Steps whose values are moved, and dropped when one fails.

pub fn named(name: String) -> Result<String, Problem> {
    if name.is_empty() {
        Err(Problem::Empty(name))
    } else {
        Ok(name)
    }
}

#[inline(never)]
pub fn trimmed(name: String) -> Result<String, Problem> {
    let trimmed = name.trim();
    if trimmed.len() > 40 {
        Err(Problem::TooLarge)
    } else {
        Ok(trimmed.to_owned())
    }
}

pub fn measured(name: String) -> Result<(String, u32), Problem> {
    let length = u32::try_from(name.len()).map_err(|_| Problem::TooLarge)?;
    Ok((name, length))
}

pub fn checked((name, length): (String, u32)) -> Result<(String, u32), Problem> {
    even(length).map(|length| (name, length))
}

pub fn cut((mut name, length): (String, u32)) -> Result<String, Problem> {
    name.truncate(2);
    if length > 7 {
        Ok(name)
    } else {
        Err(Problem::Empty(name))
    }
}
