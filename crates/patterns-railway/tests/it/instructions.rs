//! What the compiler makes of chains, beside the same by hand: instruction for instruction.
//!
//! The sources are in `tests/instructions`. They are compiled here, by the compiler of the test, to the text of their instructions, and functions of
//! the same name are compared after their labels are numbered in the order in which they appear.

use testing::Listing;

#[cfg(feature = "async")]
use crate::compiler::built_with_cargo;
use crate::compiler::{Folder, cargo, manifest, run};

#[test]
fn a_chain_is_the_hand_written_match() {
    let folder = Folder::new("sync");
    let library = folder.library();
    let ours = functions(&folder.listing("ours", &library));
    let by_hand = functions(&folder.listing("by_hand", &library));

    for function in ["chained", "checked", "placed", "all_of_three"] {
        println!("{function}: {} instructions", ours.count(function));
        assert_eq!(ours.body(function), by_hand.body(function), "{function}");
    }
    // These differ in how a comparison is spelled, and in what is copied when: in no more than that.
    for function in ["ensured", "owned"] {
        let counts = (ours.count(function), by_hand.count(function));
        println!("{function}: {counts:?} instructions");
        assert!(counts.0 <= counts.1, "{function}: {counts:?}");
    }
    let chained = ours.count("chained");
    let with_question_marks = by_hand.count("chained_with_question_marks");
    println!("chained with `?`: {with_question_marks} instructions");
    assert!(chained <= with_question_marks);
}

#[cfg(feature = "async")]
#[test]
fn a_chain_of_futures_is_hardly_more_than_an_async_fn() {
    let folder = Folder::new("async");
    let library = built_with_cargo();
    let ours = functions(&folder.listing("async_ours", &library));
    let by_hand = functions(&folder.listing("async_by_hand", &library));

    for function in ["one_await", "two_awaits"] {
        let (ours, by_hand) = (ours.count(function), by_hand.count(function));
        println!("{function}: {ours} instructions, as an `async fn`: {by_hand}");
        assert!(ours * 4 <= by_hand * 5, "{function}: {ours} and {by_hand}");
    }
}

#[test]
fn without_features_nothing_is_depended_on() {
    let tree = |features: &[&str]| {
        let output = run(cargo()
            .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
            .arg("--manifest-path")
            .arg(manifest())
            .args(features));
        output.lines().count()
    };
    assert_eq!(tree(&["--no-default-features"]), 1);
    assert_eq!(tree(&[]), 2);
    // And the compiler agrees: nothing is given to it but the crate's own source.
    assert!(Folder::new("alone").library().exists());
}

/// The functions of the crate `chains`.
fn functions(listing: &str) -> Listing {
    // What makes one list of several: a function of the crate there, and of the source here.
    Listing::read(listing, function_name, |word| {
        word.contains("5merge").then_some("merge")
    })
}

/// `chained` of `_ZN6chains7chained17h0123456789abcdefE`, and of `_RNvCs1234_6chains7chained`.
fn function_name(symbol: &str) -> Option<String> {
    let (_, rest) = symbol.split_once("6chains")?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let length: usize = rest[..digits].parse().ok()?;
    let (name, rest) = rest[digits..].split_at_checked(length)?;
    (rest.is_empty() || rest.starts_with("17h")).then(|| name.to_owned())
}
