//! Places and how they are written.

use std::collections::HashSet;

use patterns_railway::{Path, Segment};
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_assert_eq, prop_oneof, proptest};

fn shown(path: &Path) -> String {
    format!("{path}  {}", path.json_pointer())
}

#[test]
fn paths_are_written_as_code_would_reach_there() {
    let root = Path::root;
    let paths = [
        root(),
        root().key("name"),
        root().index(0),
        root().key("items").index(3).key("price"),
        root().index(3).index(4).key("x"),
        root().key("content-type").key("größe").key("_x1"),
    ];
    insta::assert_snapshot!(paths.iter().map(shown).collect::<Vec<_>>().join("\n"), @"
      
    name  /name
    [0]  /0
    items[3].price  /items/3/price
    [3][4].x  /3/4/x
    content-type.größe._x1  /content-type/größe/_x1
    ");
}

#[test]
fn odd_keys_are_quoted() {
    let root = Path::root;
    let paths = [
        root().key(""),
        root().key("a.b").key("c"),
        root().key("3"),
        root().key("hosts").key("db-1.example.org").index(0),
        root().key("say \"hi\"\n"),
        root().key("a/b~c"),
        root().key("x[3]"),
        root().key("-x"),
    ];
    insta::assert_snapshot!(paths.iter().map(shown).collect::<Vec<_>>().join("\n"), @r#"
    [""]  /
    ["a.b"].c  /a.b/c
    ["3"]  /3
    hosts["db-1.example.org"][0]  /hosts/db-1.example.org/0
    ["say \"hi\"\n"]  /say "hi"

    ["a/b~c"]  /a~1b~0c
    ["x[3]"]  /x[3]
    ["-x"]  /-x
    "#);
}

#[test]
fn debug_says_what_it_is() {
    insta::assert_debug_snapshot!(Path::root().key("items").index(3), @"Path(items[3])");
}

#[test]
fn segments_are_given_from_the_outside_in() {
    let path = Path::root().key("items").index(3);
    let segments: Vec<_> = path.segments().cloned().collect();
    assert_eq!(segments, [Segment::from("items"), Segment::from(3)]);
    assert_eq!(path.segments().len(), 2);
    assert_eq!(segments.into_iter().collect::<Path>(), path);
    assert_eq!(Path::from(Segment::from(3)), Path::root().index(3));
    assert_eq!(Path::default(), Path::root());
}

#[test]
fn a_path_is_extended_at_both_ends() {
    let path = Path::root().key("b").under("a").index(0);
    assert_eq!(path.to_string(), "a.b[0]");
}

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        (0_usize..4).prop_map(Segment::Index),
        any::<usize>().prop_map(Segment::Index),
        prop_oneof![
            Just("a"),
            Just("a.b"),
            Just("b"),
            Just(""),
            Just("0"),
            Just("[0]"),
            Just("a[0]"),
            Just("\""),
            Just("\\\""),
            Just("~"),
            Just("~1"),
            Just("/")
        ]
        .prop_map(Segment::from),
        any::<String>().prop_map(Segment::from),
    ]
}

/// RFC 6901, read by its own words.
fn read_pointer(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect()
}

proptest! {
    #[test]
    fn two_paths_never_look_the_same(paths in vec(vec(segment(), 0..4).prop_map(|list| list.into_iter().collect::<Path>()), 0..40)) {
        let different: HashSet<_> = paths.iter().collect();
        let texts: HashSet<_> = paths.iter().map(ToString::to_string).collect();
        prop_assert_eq!(different.len(), texts.len());
    }

    #[test]
    fn a_pointer_is_read_back(segments in vec(segment(), 0..6)) {
        let path: Path = segments.iter().cloned().collect();
        let texts: Vec<_> = segments.into_iter().map(|segment| match segment {
            Segment::Key(key) => key.into_string(),
            Segment::Index(index) => index.to_string(),
        }).collect();
        prop_assert_eq!(read_pointer(&path.json_pointer()), texts);
    }

    #[test]
    fn under_is_the_outer_end(segments in vec(segment(), 0..6)) {
        let inside_out = segments.iter().rev().cloned().fold(Path::root(), Path::under);
        let outside_in = segments.into_iter().fold(Path::root(), |path, segment| match segment {
            Segment::Key(key) => path.key(key),
            Segment::Index(index) => path.index(index),
        });
        prop_assert_eq!(inside_out, outside_in);
    }
}
