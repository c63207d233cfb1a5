//! Implementations by name.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use patterns_behaviour::{Catalog, MakeError};
use proptest::prelude::*;
use testing::quiet;

trait Greeter: Send + Sync {
    fn greet(&self) -> String;
}

#[derive(Debug)]
struct Plain;

struct Named(String);

impl Greeter for Plain {
    fn greet(&self) -> String {
        "hello".to_owned()
    }
}

impl Greeter for Named {
    fn greet(&self) -> String {
        format!("hello, {}", self.0)
    }
}

#[derive(Debug, PartialEq)]
struct NoName;

fn greeters() -> Catalog<dyn Greeter, str, NoName> {
    let mut greeters = Catalog::new();
    greeters
        .register("plain", |_: &str| Ok(Arc::new(Plain) as Arc<dyn Greeter>))
        .unwrap()
        .register("named", |name: &str| match name {
            "" => Err(NoName),
            name => Ok(Arc::new(Named(name.to_owned())) as Arc<dyn Greeter>),
        })
        .unwrap();
    greeters
}

#[test]
fn a_name_makes_its_implementation_of_the_configuration() {
    let greeters = greeters();
    assert_eq!(greeters.make("plain", "Joe").ok().unwrap().greet(), "hello");
    assert_eq!(
        greeters.make("named", "Joe").ok().unwrap().greet(),
        "hello, Joe"
    );
    assert_eq!(
        (
            greeters.len(),
            greeters.is_empty(),
            greeters.contains("named")
        ),
        (2, false, true)
    );
}

#[test]
fn each_make_makes_a_new_one_and_none_is_made_before() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let mut greeters: Catalog<dyn Greeter> = Catalog::new();
    greeters
        .register("counted", move |()| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Arc::new(Plain))
        })
        .unwrap();
    assert_eq!(made.load(Ordering::SeqCst), 0);
    let (one, two) = (
        greeters.make("counted", &()).ok().unwrap(),
        greeters.make("counted", &()).ok().unwrap(),
    );
    assert_eq!(made.load(Ordering::SeqCst), 2);
    assert!(!Arc::ptr_eq(&one, &two));
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
    let error = greeters().make("nmaed", "").err().unwrap();
    assert!(
        matches!(&error, MakeError::Unknown(unknown) if &*unknown.name == "nmaed" && unknown.known.len() == 2)
    );
    insta::assert_snapshot!(match error { MakeError::Unknown(unknown) => unknown.to_string(), _ => unreachable!() }, @"there is no `nmaed`; there are: plain, named");
    let none: Catalog<dyn Greeter> = Catalog::default();
    insta::assert_snapshot!(none.make("any", &()).err().unwrap(), @"there is no `any`; nothing is registered");
    // Case counts, and so do blanks.
    for name in ["Plain", " plain", ""] {
        assert!(!greeters().contains(name));
    }
}

#[test]
fn a_factory_that_fails_is_named() {
    let error = greeters().make("named", "").err().unwrap();
    assert_eq!(
        error,
        MakeError::Failed {
            name: "named".into(),
            error: NoName
        }
    );
    let mut greeters: Catalog<dyn Greeter> = Catalog::new();
    greeters
        .register("broken", |()| Err("no such file".into()))
        .unwrap();
    insta::assert_snapshot!(greeters.make("broken", &()).err().unwrap(), @"`broken` could not be made: no such file");
}

#[test]
fn a_second_one_of_the_same_name_is_refused_and_the_first_stays() {
    let mut greeters = greeters();
    let marked = Arc::new(7);
    let kept = Arc::clone(&marked);
    let error = greeters
        .register("plain", move |_: &str| {
            Ok(Arc::new(Named(kept.to_string())) as Arc<dyn Greeter>)
        })
        .err()
        .unwrap();
    insta::assert_snapshot!(error, @"the name `plain` is taken");
    // The factory comes back, and does what it did.
    assert_eq!((error.refused)("").ok().unwrap().greet(), "hello, 7");
    drop(error);
    assert_eq!(Arc::strong_count(&marked), 1);
    assert_eq!(greeters.make("plain", "").ok().unwrap().greet(), "hello");
    assert_eq!(greeters.names().collect::<Vec<_>>(), ["plain", "named"]);
}

#[test]
fn a_type_gives_its_name() {
    let mut greeters: Catalog<dyn Greeter> = Catalog::new();
    greeters
        .register_type::<Plain, _>(|()| Ok(Arc::new(Plain)))
        .unwrap();
    greeters
        .register_type::<Vec<Plain>, _>(|()| Ok(Arc::new(Plain)))
        .unwrap();
    assert_eq!(greeters.names().collect::<Vec<_>>(), ["Plain", "Vec"]);
    assert!(
        greeters
            .register_type::<Vec<u8>, _>(|()| Ok(Arc::new(Plain)))
            .is_err()
    );
    insta::assert_snapshot!(format!("{greeters:?}"), @r#"Catalog { of: "Greeter", names: ["Plain", "Vec"] }"#);
}

#[test]
fn a_factory_that_panics_does_so_in_its_caller_and_the_catalog_stays_whole() {
    quiet();
    let mut greeters: Catalog<dyn Greeter> = Catalog::new();
    greeters.register("bad", |()| panic!("as told")).unwrap();
    greeters.register("good", |()| Ok(Arc::new(Plain))).unwrap();
    for _ in 0..2 {
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            greeters.make("bad", &()).is_ok()
        }));
        assert!(made.is_err());
        assert!(greeters.make("good", &()).is_ok());
    }
}

#[test]
fn it_can_be_shared_by_threads() {
    let greeters = Arc::new(greeters());
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let greeters = Arc::clone(&greeters);
            std::thread::spawn(move || {
                greeters
                    .make("named", &number.to_string())
                    .ok()
                    .unwrap()
                    .greet()
            })
        })
        .collect();
    let greetings: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(greetings, ["hello, 0", "hello, 1", "hello, 2", "hello, 3"]);
}

proptest! {
    #[test]
    fn names_are_unique_and_in_order_as_in_a_list(names in prop::collection::vec("[ab]{0,3}", 0..20)) {
        let mut catalog: Catalog<dyn Greeter> = Catalog::new();
        let mut model: Vec<String> = Vec::new();
        for (number, name) in names.iter().enumerate() {
            let is_new = !model.contains(name);
            let registered = catalog.register(name.as_str(), move |()| Ok(Arc::new(Named(number.to_string()))));
            prop_assert_eq!(registered.is_ok(), is_new);
            if is_new {
                model.push(name.clone());
            }
        }
        prop_assert_eq!(catalog.names().collect::<Vec<_>>(), model.iter().map(String::as_str).collect::<Vec<_>>());
        for name in &model {
            let first = names.iter().position(|other| other == name).unwrap();
            prop_assert_eq!(catalog.make(name, &()).ok().unwrap().greet(), format!("hello, {first}"));
        }
    }
}
