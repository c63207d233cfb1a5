//! Lists of errors.

use std::error::Error;
use std::num::ParseIntError;

use patterns_railway::{Errors, Located, Path};

fn three() -> Errors<String> {
    let mut errors = Errors::at("name", "is empty".to_owned());
    errors.push(
        Path::root().key("items").index(3).key("price"),
        "must be positive".to_owned(),
    );
    errors.merge(Errors::here("has no owner".to_owned()));
    errors
}

#[test]
fn they_are_shown_a_line_each() {
    insta::assert_snapshot!(three(), @"
    name: is empty
    items[3].price: must be positive
    has no owner
    ");
}

#[test]
fn they_keep_their_order_and_are_never_empty() {
    let errors = three();
    assert_eq!(errors.len(), 3);
    assert_eq!(errors.first().error, "is empty");
    let by_reference: Vec<_> = (&errors)
        .into_iter()
        .map(|located| &located.error)
        .collect();
    assert_eq!(
        by_reference,
        ["is empty", "must be positive", "has no owner"]
    );
    assert_eq!(errors.iter().len(), 3);
    assert_eq!(
        errors.clone().into_iter().collect::<Vec<_>>(),
        errors.into_vec()
    );
}

#[test]
fn they_go_below_a_key_together() {
    insta::assert_snapshot!(three().under("order").under(7), @"
    [7].order.name: is empty
    [7].order.items[3].price: must be positive
    [7].order: has no owner
    ");
}

#[test]
fn map_leaves_each_where_it_is() {
    let lengths = three().map(|error| error.len());
    let list: Vec<_> = lengths
        .iter()
        .map(|located| (located.path.to_string(), located.error))
        .collect();
    assert_eq!(
        list,
        [
            ("name".to_owned(), 8),
            ("items[3].price".to_owned(), 16),
            (String::new(), 12)
        ]
    );
}

#[test]
fn they_can_be_extended_by_located_errors() {
    let mut errors = Errors::from(Located {
        path: Path::root(),
        error: 1,
    });
    errors.extend([Located {
        path: Path::root().index(0),
        error: 2,
    }]);
    errors.extend([]);
    assert_eq!(errors.to_string(), "1\n[0]: 2");
}

#[test]
fn a_list_is_an_error_without_a_single_source() {
    fn fails() -> Result<(), Box<dyn Error + Send + Sync>> {
        Err(three())?
    }
    let error = fails().unwrap_err();
    assert!(error.source().is_none());
    assert_eq!(error.downcast_ref::<Errors<String>>(), Some(&three()));
}

#[test]
fn a_located_error_passes_on_the_source_of_its_error() {
    #[derive(Debug)]
    struct Outer(ParseIntError);
    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("no port")
        }
    }
    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }
    let located = Located {
        path: Path::root().key("port"),
        error: Outer("x".parse::<u8>().unwrap_err()),
    };
    assert_eq!(located.to_string(), "port: no port");
    assert_eq!(
        located.source().unwrap().to_string(),
        "invalid digit found in string"
    );
}

#[test]
fn many_go_below_a_place_in_a_moment() {
    let mut errors = Errors::here(0);
    errors.extend((1..100_000).map(|error| Located {
        path: Path::root().index(error),
        error,
    }));
    let errors = errors.under("list");
    assert_eq!(errors.len(), 100_000);
    assert_eq!(errors.into_vec()[99_999].path.to_string(), "list[99999]");
}
