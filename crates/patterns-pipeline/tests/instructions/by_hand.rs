//! Five steps as a chain of `?`.

// Public, so that both call the steps in the same way.
pub mod steps;

use std::hint::black_box;

use steps::{
    Problem, adult, checked, cut, doubled, even, grown, measured, named, parsed, positive, shifted,
    short, trimmed, twice, widened,
};

/// What a pipeline is beside its steps: a reference that is handed in.
pub struct Steps<C>(C);

#[inline(never)]
fn called<C>(_steps: &Steps<C>, text: &str) -> Result<u64, Problem> {
    let age = parsed(text)?;
    let age = adult(age)?;
    let age = even(age)?;
    let age = doubled(age)?;
    widened(age)
}

#[inline(never)]
fn inlined<C>(_steps: &Steps<C>, n: i64) -> Result<u64, Problem> {
    let n = positive(n)?;
    let n = short(n)?;
    let n = grown(n)?;
    let n = twice(n)?;
    shifted(n)
}

#[inline(never)]
fn owned<C>(_steps: &Steps<C>, name: String) -> Result<String, Problem> {
    let name = named(name)?;
    let name = trimmed(name)?;
    let name = measured(name)?;
    let name = checked(name)?;
    cut(name)
}

/// Has them compiled.
pub fn all(text: &str) {
    let _ = black_box(called(&Steps(0_u8), black_box(text)));
    let _ = black_box(inlined(&Steps(0_u8), black_box(7)));
    let _ = black_box(owned(&Steps(0_u8), black_box(text.to_owned())));
}
