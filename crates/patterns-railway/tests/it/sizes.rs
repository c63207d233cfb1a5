//! How large chains are.

use std::future::{Future, ready};
use std::mem::size_of_val;

use futures_util::TryFutureExt;
use patterns_railway::{AllConcurrent, RailwayExt, ResultExt};

use crate::polls::pauses;

/// Something that is kept over an await: a buffer.
async fn load(id: u8) -> Result<u8, String> {
    let buffer = [id; 256];
    pauses(1).await;
    Ok(buffer[usize::from(id)])
}

async fn save(id: u8) -> Result<u8, String> {
    pauses(1).await;
    Ok(id)
}

async fn by_hand(id: u8) -> Result<u8, String> {
    let id = load(id).await?;
    let id = id.wrapping_add(1);
    if id == 0 {
        return Err(format!("{id} is none"));
    }
    let id = match save(id).await {
        Ok(id) => id,
        Err(_) => load(id).await?,
    };
    Ok(id / 2)
}

fn chain(id: u8) -> impl Future<Output = Result<u8, String>> {
    load(id)
        .railway()
        .map(|id| id.wrapping_add(1))
        .ensure(|id| *id != 0, |id| format!("{id} is none"))
        .and_then_async(save)
        .or_else_async(move |_| load(id))
        .map(|id| id / 2)
}

fn with_futures(id: u8) -> impl Future<Output = Result<u8, String>> {
    load(id)
        .map_ok(|id| id.wrapping_add(1))
        .and_then(|id| ready(Ok(id)))
        .and_then(save)
        .or_else(move |_| load(id))
        .map_ok(|id| id / 2)
}

#[test]
fn a_chain_of_five_steps_is_about_as_large_as_the_same_by_hand() {
    let (first, hand) = (size_of_val(&load(1)), size_of_val(&by_hand(1)));
    let (ours, futures) = (size_of_val(&chain(1)), size_of_val(&with_futures(1)));
    println!("the first future {first}, by hand {hand}, the chain {ours}, with futures {futures}");
    assert!(ours <= hand + hand / 4, "{ours} and {hand}");
    assert!(ours <= futures, "{ours} and {futures}");
}

#[test]
fn a_step_adds_a_few_bytes_at_most() {
    let base = size_of_val(&load(1));
    let one = size_of_val(&load(1).railway().map(|id| id + 1));
    let ten = {
        let chain = load(1).railway();
        let chain = chain
            .map(|n| n + 1)
            .map(|n| n + 1)
            .map(|n| n + 1)
            .map(|n| n + 1);
        let chain = chain
            .map(|n| n + 1)
            .map(|n| n + 1)
            .map(|n| n + 1)
            .map(|n| n + 1);
        size_of_val(&chain.map(|n| n + 1).map(|n| n + 1))
    };
    println!("the first future {base}, with one step {one}, with ten {ten}");
    assert!(one <= base + 8, "{one} and {base}");
    assert!(ten <= base + 16, "{ten} and {base}");
}

#[test]
fn a_tuple_is_as_large_as_its_parts() {
    let parts = size_of_val(&load(1)) + size_of_val(&load(2)) + size_of_val(&save(3));
    let all = size_of_val(&(load(1).at("a"), load(2).at("b"), save(3).at("c")).all_concurrent());
    println!("three futures {parts}, side by side {all}");
    assert!(all <= parts + 3 * 40, "{all} and {parts}");
}

#[test]
fn the_sizes_are_those_of_futures_that_do_the_same() {
    for id in [1, 7] {
        let outcomes = (
            crate::polls::run(by_hand(id)),
            crate::polls::run(chain(id)),
            crate::polls::run(with_futures(id)),
        );
        let expected = Ok(id / 2 + 1);
        assert_eq!(outcomes, (expected.clone(), expected.clone(), expected));
    }
}

#[test]
fn placing_an_error_needs_no_room_for_the_key_of_a_literal_but_its_reference() {
    let base = size_of_val(&load(1));
    let placed = size_of_val(&load(1).at("name"));
    assert!(placed <= base + 24, "{placed} and {base}");
    let _: Result<u8, _> = Ok::<_, String>(1).at("name");
}
