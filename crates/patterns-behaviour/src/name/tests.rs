//! The last segment of every kind of path.

use proptest::prelude::*;

use super::last_segment;

#[test]
fn paths_of_every_kind_have_a_last_segment() {
    for (path, name) in [
        ("u8", "u8"),
        ("alloc::string::String", "String"),
        ("alloc::vec::Vec<alloc::string::String>", "Vec"),
        ("a::Map<b::Key, c::Set<d::E>>", "Map"),
        ("&a::B", "B"),
        ("&mut a::B", "B"),
        ("&&str", "str"),
        ("dyn a::Channel", "Channel"),
        ("dyn a::Channel + core::marker::Send", "Channel"),
        ("&dyn a::Channel<b::C> + core::marker::Send", "Channel"),
        ("dyn core::ops::function::Fn(u8) -> a::B", "Fn"),
        ("fn(a::B) -> c::D", "fn"),
        ("a::<impl b::C>::d::E", "E"),
        ("a::f<b::C>::Local", "Local"),
        ("a::main::{{closure}}", "{{closure}}"),
        ("a::main::{{closure}}::Local", "Local"),
        ("(a::B, c::D)", "(a::B, c::D)"),
        ("[a::B; 4]", "[a::B; 4]"),
        ("*const a::B", "*const a::B"),
        ("()", "()"),
        ("", ""),
    ] {
        assert_eq!(last_segment(path), name, "{path}");
    }
}

fn path() -> impl Strategy<Value = (String, String)> {
    let segment = "[A-Za-z_][A-Za-z0-9_]{0,6}";
    let leaf = prop::collection::vec(segment, 1..4)
        .prop_map(|segments| (segments.join("::"), segments[segments.len() - 1].clone()));
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (
            prop::collection::vec(segment, 1..3),
            prop::collection::vec(inner, 1..3),
        )
            .prop_map(|(segments, arguments)| {
                let arguments: Vec<_> = arguments.into_iter().map(|(path, _)| path).collect();
                let name = segments[segments.len() - 1].clone();
                (
                    format!("{}<{}>", segments.join("::"), arguments.join(", ")),
                    name,
                )
            })
    })
}

proptest! {
    #[test]
    fn whatever_the_arguments_the_name_is_the_last_segment((path, name) in path()) {
        prop_assert_eq!(last_segment(&path), name);
    }

    #[test]
    fn no_text_is_too_odd_and_what_is_left_is_a_part_of_it(text in "[a-c:<>(){}\\[\\] +&*-]{0,24}|\\PC{0,12}") {
        prop_assert!(text.contains(last_segment(&text)));
    }
}
