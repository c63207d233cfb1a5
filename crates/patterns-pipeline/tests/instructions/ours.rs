//! Five steps as a pipeline, to be compared with the same by hand.

// Public, so that both call the steps in the same way.
pub mod steps;

use std::hint::black_box;

use patterns_pipeline::{Pipeline, SyncChain};

use steps::{
    Problem, adult, checked, cut, doubled, even, grown, measured, named, parsed, positive, shifted,
    short, trimmed, twice, widened,
};

fn called_steps<'a>()
-> Pipeline<&'a str, Problem, impl SyncChain<In = &'a str, Out = u64, Error = Problem>> {
    Pipeline::new()
        .step("parsed", parsed)
        .step("adult", adult)
        .step("even", even)
        .step("doubled", doubled)
        .step("widened", widened)
}

fn inlined_steps() -> Pipeline<i64, Problem, impl SyncChain<In = i64, Out = u64, Error = Problem>> {
    Pipeline::new()
        .step("positive", positive)
        .step("short", short)
        .step("grown", grown)
        .step("twice", twice)
        .step("shifted", shifted)
}

fn owned_steps()
-> Pipeline<String, Problem, impl SyncChain<In = String, Out = String, Error = Problem>> {
    Pipeline::new()
        .step("named", named)
        .step("trimmed", trimmed)
        .step("measured", measured)
        .step("checked", checked)
        .step("cut", cut)
}

#[inline(never)]
fn called<'a, C>(steps: &Pipeline<&'a str, Problem, C>, text: &'a str) -> Result<u64, Problem>
where
    C: SyncChain<In = &'a str, Out = u64, Error = Problem>,
{
    steps.run_sync(text)
}

#[inline(never)]
fn inlined<C>(steps: &Pipeline<i64, Problem, C>, n: i64) -> Result<u64, Problem>
where
    C: SyncChain<In = i64, Out = u64, Error = Problem>,
{
    steps.run_sync(n)
}

#[inline(never)]
fn owned<C>(steps: &Pipeline<String, Problem, C>, name: String) -> Result<String, Problem>
where
    C: SyncChain<In = String, Out = String, Error = Problem>,
{
    steps.run_sync(name)
}

/// Has them compiled.
pub fn all(text: &str) {
    let _ = black_box(called(&called_steps(), black_box(text)));
    let _ = black_box(inlined(&inlined_steps(), black_box(7)));
    let _ = black_box(owned(&owned_steps(), black_box(text.to_owned())));
}
