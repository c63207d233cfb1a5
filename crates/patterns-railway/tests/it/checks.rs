//! Checks that are taken one by one.

use patterns_railway::{Errors, ResultExt, accumulate};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert_eq, proptest};

#[derive(Debug, PartialEq)]
struct Wide {
    fields: [u8; 14],
}

fn byte(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("{text:?} is no byte"))
}

fn wide(texts: &[&str; 14]) -> Result<Wide, Errors<String>> {
    accumulate(|mut checks| {
        let fields = std::array::from_fn::<_, 14, _>(|i| checks.take(byte(texts[i]).at(i)));
        checks.finish(|open| Wide {
            fields: fields.map(|field| open.get(field)),
        })
    })
}

#[test]
fn a_struct_of_more_than_twelve_fields_is_built() {
    assert_eq!(wide(&["7"; 14]), Ok(Wide { fields: [7; 14] }));
}

#[test]
fn all_errors_come_in_the_order_in_which_they_were_taken() {
    let mut texts = ["7"; 14];
    texts[13] = "x";
    texts[2] = "256";
    insta::assert_snapshot!(wide(&texts).unwrap_err(), @r#"
    [2]: "256" is no byte
    [13]: "x" is no byte
    "#);
}

#[test]
fn no_check_is_a_success() {
    let result: Result<u8, Errors<String>> = accumulate(|checks| checks.finish(|_| 7));
    assert_eq!(result, Ok(7));
}

#[test]
fn a_check_of_nothing_counts_as_well() {
    let result: Result<u8, _> = accumulate(|mut checks| {
        checks.take(Err::<(), _>("closed today").here());
        checks.finish(|_| panic!("it is not called"))
    });
    assert_eq!(result, Err(Errors::here("closed today")));
}

#[test]
fn a_check_may_depend_on_those_before_if_they_have_succeeded() {
    let range = |from: &str, to: &str| {
        accumulate(|mut checks| {
            let from = checks.take(byte(from).at("from"));
            let to = checks.take(byte(to).at("to"));
            if let (Some(first), Some(last)) = (from.value(), to.value()) {
                checks.take(
                    Ok(())
                        .ensure(|()| first <= last, |()| "is empty".to_owned())
                        .here(),
                );
            }
            checks.finish(|open| open.get(from)..=open.get(to))
        })
    };
    assert_eq!(range("1", "3"), Ok(1..=3));
    assert_eq!(range("3", "1"), Err(Errors::here("is empty".to_owned())));
    assert_eq!(range("x", "1").unwrap_err().len(), 1);
    assert_eq!(range("x", "y").unwrap_err().len(), 2);
}

#[test]
fn one_may_stand_in_another() {
    let result: Result<(u8, u8), _> = accumulate(|mut outer| {
        let a = outer.take(byte("x").at("a"));
        let b = outer.take(
            accumulate(|mut inner| {
                let c = inner.take(byte("y").at("c"));
                inner.finish(|open| open.get(c))
            })
            .under("b"),
        );
        outer.finish(|open| (open.get(a), open.get(b)))
    });
    insta::assert_snapshot!(result.unwrap_err(), @r#"
    a: "x" is no byte
    b.c: "y" is no byte
    "#);
}

#[test]
fn values_that_are_not_opened_are_dropped() {
    let live = crate::live::Live::default();
    let result: Result<(), Errors<&str>> = accumulate(|mut checks| {
        checks.take(Ok(live.one()));
        let _b = checks.take(Ok(live.one()));
        checks.take(Err::<(), _>("wrong").here());
        assert_eq!(live.count(), 1);
        checks.finish(|_| ())
    });
    assert!(result.is_err());
    assert_eq!(live.count(), 0);
}

proptest! {
    #[test]
    fn it_is_a_list_of_checks(results in vec(any::<Result<u8, u16>>(), 0..20)) {
        let gathered: Result<Vec<u8>, Errors<u16>> = accumulate(|mut checks| {
            let list: Vec<_> = results.iter().enumerate().map(|(i, result)| checks.take((*result).at(i))).collect();
            checks.finish(|open| list.into_iter().map(|checked| open.get(checked)).collect())
        });
        prop_assert_eq!(gathered, patterns_railway::each(results, ResultExt::here));
    }
}
