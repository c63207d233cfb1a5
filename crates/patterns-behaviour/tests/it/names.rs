//! Default names of types.

use patterns_behaviour::default_name;

mod deep {
    pub(super) mod er {
        pub(in super::super) struct Local;
        pub(in super::super) struct Generic<T, const N: usize>(pub(in super::super) [T; N]);
    }
}

trait Trait<T> {
    #[expect(dead_code, reason = "only the name of the trait counts")]
    fn get(&self) -> T;
}

#[test]
fn the_name_of_a_type_is_the_last_segment_of_its_path() {
    struct Here;
    assert_eq!(default_name::<deep::er::Local>(), "Local");
    assert_eq!(default_name::<Here>(), "Here");
    assert_eq!(default_name::<u8>(), "u8");
    assert_eq!(default_name::<str>(), "str");
    assert_eq!(default_name::<&'static str>(), "str");
}

#[test]
fn arguments_do_not_belong_to_it() {
    assert_eq!(default_name::<Vec<String>>(), "Vec");
    assert_eq!(
        default_name::<deep::er::Generic<deep::er::Local, 3>>(),
        "Generic"
    );
    assert_eq!(default_name::<dyn Trait<deep::er::Local>>(), "Trait");
    assert_eq!(default_name::<dyn Trait<u8> + Send + Sync>(), "Trait");
    assert_eq!(
        default_name::<std::collections::HashMap<String, Vec<Option<u8>>>>(),
        "HashMap"
    );
    assert_eq!(default_name::<dyn Fn(u8) -> String>(), "Fn");
}

#[test]
fn a_type_inside_a_generic_function_has_its_own_name() {
    fn inside<T>() -> (&'static str, &'static str) {
        struct Inner;
        (default_name::<Inner>(), default_name::<T>())
    }
    assert_eq!(inside::<Vec<u8>>(), ("Inner", "Vec"));
}

#[test]
fn what_has_no_path_is_named_as_the_compiler_names_it() {
    assert_eq!(default_name::<()>(), "()");
    assert_eq!(default_name::<[u8; 4]>(), "[u8; 4]");
    assert_eq!(
        default_name::<(u8, String)>(),
        "(u8, alloc::string::String)"
    );
    assert_eq!(default_name::<fn(u8) -> String>(), "fn");
}
