//! The chains of `async_ours.rs` as `async fn`s.

use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

pub enum Problem {
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

/// What is waited for.
pub struct LookUp(pub u64);

impl Future for LookUp {
    type Output = Result<u32, Problem>;

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        black_box(cx.waker());
        black_box(match self.0 {
            0 => Poll::Pending,
            1 => Poll::Ready(Err(Problem::TooLarge)),
            id => Poll::Ready(Ok(id as u32)),
        })
    }
}

async fn one(id: u64) -> Result<u64, Problem> {
    let age = LookUp(id).await?;
    if age < 18 {
        return Err(Problem::TooYoung(age));
    }
    even(&age)?;
    Ok(u64::from(doubled(age)?))
}

async fn two(id: u64) -> Result<u64, Problem> {
    let age = doubled(LookUp(id).await?)?;
    let age = LookUp(u64::from(age)).await?;
    even(&age)?;
    Ok(u64::from(age))
}

#[inline(never)]
pub fn one_await(id: u64, cx: &mut Context<'_>) -> Poll<Result<u64, Problem>> {
    pin!(one(id)).poll(cx)
}

#[inline(never)]
pub fn two_awaits(id: u64, cx: &mut Context<'_>) -> Poll<Result<u64, Problem>> {
    pin!(two(id)).poll(cx)
}
