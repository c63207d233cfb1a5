//! All errors of independent checks: tuples, lists and maps.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use patterns_railway::{All, Errors, Located, Path, ResultExt, each, each_entry};
use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

type Checked = Result<u8, Errors<&'static str>>;

fn shown(errors: &Errors<&'static str>) -> Vec<String> {
    errors.iter().map(ToString::to_string).collect()
}

fn wrong(key: &str, error: &'static str) -> Checked {
    Err(error).at(key)
}

fn right(value: u8) -> Checked {
    Ok(value)
}

#[test]
fn a_tuple_without_errors_is_its_values() {
    assert_eq!((right(1),).all(), Ok((1,)));
    assert_eq!(
        (right(1), Ok("two"), Ok(3.0).at("c")).all(),
        Ok((1, "two", 3.0))
    );
}

#[test]
fn a_tuple_gives_all_errors_in_the_order_in_which_they_stand() {
    let result = (wrong("a", "1"), right(2), wrong("c", "3"), wrong("d", "4")).all();
    assert_eq!(shown(&result.unwrap_err()), ["a: 1", "c: 3", "d: 4"]);
}

#[test]
fn twelve_may_stand_in_a_tuple() {
    let w = |key: &'static str| wrong(key, "x");
    let result = (
        w("a"),
        w("b"),
        w("c"),
        w("d"),
        w("e"),
        w("f"),
        w("g"),
        w("h"),
        w("i"),
        w("j"),
        w("k"),
        w("l"),
    )
        .all();
    let keys: String = shown(&result.unwrap_err())
        .iter()
        .map(|line| &line[..1])
        .collect();
    assert_eq!(keys, "abcdefghijkl");
    let r = right;
    let result = (
        r(1),
        r(2),
        r(3),
        r(4),
        r(5),
        r(6),
        r(7),
        r(8),
        r(9),
        r(10),
        r(11),
        r(12),
    )
        .all();
    assert_eq!(result, Ok((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)));
}

#[test]
fn lists_of_errors_keep_their_own_order_in_a_tuple() {
    let inner = (wrong("x", "1"), wrong("y", "2")).all().under("inner");
    let result = (wrong("a", "0"), inner, wrong("b", "3"))
        .all()
        .under("outer");
    assert_eq!(
        shown(&result.unwrap_err()),
        [
            "outer.a: 0",
            "outer.inner.x: 1",
            "outer.inner.y: 2",
            "outer.b: 3"
        ]
    );
}

#[test]
fn the_values_beside_an_error_are_dropped() {
    let live = crate::live::Live::default();
    let result = (Ok(live.one()), wrong("b", "x"), Ok(live.one())).all();
    assert!(result.is_err());
    assert_eq!(live.count(), 0);
}

#[test]
fn each_gives_all_values_in_order() {
    assert_eq!(each([3, 1, 2], |n| right(n + 1)), Ok(vec![4, 2, 3]));
    assert_eq!(each(Vec::new(), right), Ok(Vec::new()));
}

#[test]
fn each_looks_at_every_item_and_names_each_that_is_wrong() {
    let seen = RefCell::new(Vec::new());
    let result = each(0..5_u8, |n| {
        seen.borrow_mut().push(n);
        if n % 2 == 1 {
            wrong("odd", "x")
        } else {
            right(n)
        }
    });
    assert_eq!(shown(&result.unwrap_err()), ["[1].odd: x", "[3].odd: x"]);
    assert_eq!(seen.into_inner(), [0, 1, 2, 3, 4]);
}

#[test]
fn each_of_each_has_both_indices() {
    let rows = [vec![0, 9], vec![], vec![9, 9]];
    let check = |n: &u8| Ok(*n).ensure(|n| *n < 9, |_| "too large").here();
    let result = each(&rows, |row| each(row, check)).under("rows");
    assert_eq!(
        shown(&result.unwrap_err()),
        [
            "rows[0][1]: too large",
            "rows[2][0]: too large",
            "rows[2][1]: too large"
        ]
    );
}

#[test]
fn a_panic_in_each_drops_what_was_gathered() {
    let live = crate::live::Live::default();
    let panicked = patterns_railway::catch(|| {
        each(0..5, |n| {
            if n == 3 {
                panic!("out")
            }
            Ok::<_, Errors<&str>>(live.one())
        })
        .map(|list| list.len())
    });
    assert_eq!(panicked.unwrap_err().message(), "out");
    assert_eq!(live.count(), 0);
}

#[test]
fn entries_have_their_keys_for_places() {
    let raw = BTreeMap::from([(443, "tls"), (80, "http"), (22, "")]);
    let full = |_: &u16, name: &'static str| {
        Ok(name)
            .ensure(|name| !name.is_empty(), |_| "is empty")
            .here()
    };
    let result: Result<Vec<_>, _> = each_entry(raw, full).under("services");
    assert_eq!(shown(&result.unwrap_err()), [r#"services["22"]: is empty"#]);
}

#[test]
fn entries_go_into_the_map_that_is_wanted() {
    struct Limits {
        of_user: HashMap<String, u8>,
    }
    let raw = BTreeMap::from([("ann", 1), ("bob", 2)]);
    let limits = (each_entry(&raw, |name, limit| {
        Ok::<_, Errors<&str>>(((*name).to_string(), limit + 1))
    }),)
        .all()
        .map(|(of_user,)| Limits { of_user })
        .unwrap();
    assert_eq!(
        limits.of_user,
        HashMap::from([("ann".to_owned(), 2), ("bob".to_owned(), 3)])
    );
}

/// A shape of checks: what `all`, `each` and `under` are made of.
#[derive(Debug, Clone)]
enum Shape {
    Right,
    Wrong(u8),
    Pair(Box<Shape>, Box<Shape>),
    Many(Vec<Shape>),
    Named(String, Box<Shape>),
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = any::<Option<u8>>().prop_map(|error| error.map_or(Shape::Right, Shape::Wrong));
    leaf.prop_recursive(4, 40, 5, |inner| {
        let pair =
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Shape::Pair(a.into(), b.into()));
        let many = vec(inner.clone(), 0..5).prop_map(Shape::Many);
        let named =
            ("[a-c.]{1,2}", inner).prop_map(|(name, shape)| Shape::Named(name, shape.into()));
        proptest::prop_oneof![pair, many, named]
    })
}

/// How many are right, or all errors: with the crate.
fn check(shape: &Shape) -> Result<usize, Errors<u8>> {
    match shape {
        Shape::Right => Ok(1),
        Shape::Wrong(error) => Err(*error).here(),
        Shape::Pair(a, b) => (check(a), check(b)).all().map(|(a, b)| a + b),
        Shape::Many(list) => each(list, check).map(|list| list.into_iter().sum()),
        Shape::Named(name, shape) => check(shape).under(name),
    }
}

/// The same by a walk with a list.
fn walk(shape: &Shape, at: &Path, right: &mut usize, errors: &mut Vec<Located<u8>>) {
    match shape {
        Shape::Right => *right += 1,
        Shape::Wrong(error) => errors.push(Located {
            path: at.clone(),
            error: *error,
        }),
        Shape::Pair(a, b) => {
            walk(a, at, right, errors);
            walk(b, at, right, errors);
        }
        Shape::Many(list) => {
            for (index, shape) in list.iter().enumerate() {
                walk(shape, &at.clone().index(index), right, errors);
            }
        }
        Shape::Named(name, shape) => walk(shape, &at.clone().key(name), right, errors),
    }
}

proptest! {
    #[test]
    fn whatever_the_shape_every_error_is_there_once_and_in_order(shape in shape()) {
        let (mut right, mut errors) = (0, Vec::new());
        walk(&shape, &Path::root(), &mut right, &mut errors);
        match check(&shape) {
            Ok(count) => prop_assert_eq!((count, Vec::new()), (right, errors)),
            Err(list) => prop_assert_eq!(list.into_vec(), errors),
        }
    }
}

#[test]
fn a_collection_that_has_had_enough_keeps_no_entry_from_being_looked_at() {
    let entries = BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]);
    let checked: Result<Option<Vec<i32>>, Errors<&str>> = each_entry(&entries, |_, n| match n {
        1 => Ok(None),
        3 => Err("is three").here(),
        n => Ok(Some(*n)),
    });
    assert_eq!(checked.unwrap_err().to_string(), "c: is three");
}
