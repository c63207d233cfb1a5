//! Rendering of values whose type is known only at run time.

use std::any::Any;

use patterns_behaviour::notification::{Alert, Deploy, Level, renderers};
use patterns_behaviour::{AnyDebug, Renderers};
use testing::quiet;

#[derive(Debug)]
struct Unknown {
    #[expect(dead_code, reason = "its `Debug` reads it")]
    id: u8,
}

#[test]
fn each_value_renders_by_its_type() {
    let renderers = renderers();
    let values: [&dyn Any; 6] = [
        &Alert::new("api")
            .level(Level::Critical)
            .message("high latency"),
        &Deploy::new("web", "1.4.0"),
        &"text",
        &String::from("owned"),
        &vec![104_u8, 105],
        &Unknown { id: 1 },
    ];
    let texts: Vec<_> = values
        .iter()
        .map(|value| renderers.render(*value))
        .collect();
    insta::assert_snapshot!(texts.join("\n"), @r"
    [CRITICAL] api: high latency
    Deploy of web 1.4.0 started
    text
    owned
    hi
    an event of unknown type
    ");
}

#[test]
fn the_fallback_is_stated_and_sees_the_value() {
    let renderers = Renderers::new(|value| match value.downcast_ref::<i64>() {
        Some(number) => format!("the number {number}"),
        None => "nothing that is known".to_owned(),
    });
    assert_eq!(renderers.render(&7_i64), "the number 7");
    assert_eq!(renderers.render(&7_i32), "nothing that is known");
    assert_eq!(renderers.try_render(&7_i64), None);
    assert!(!renderers.contains(&7_i64));
}

#[test]
fn what_has_a_debug_falls_back_to_it() {
    let renderers = renderers();
    let values: Vec<Box<dyn AnyDebug>> = vec![
        Box::new(Unknown { id: 1 }),
        Box::new(Alert::new("api")),
        Box::new([1, 2]),
    ];
    let texts: Vec<_> = values
        .iter()
        .map(|value| renderers.render_debug(&**value))
        .collect();
    assert_eq!(texts, ["Unknown { id: 1 }", "[INFO] api", "[1, 2]"]);
}

#[test]
fn the_last_closure_of_a_type_counts() {
    let mut renderers = renderers();
    assert!(renderers.register(|unknown: &Unknown| format!("{unknown:?}!")));
    assert!(!renderers.register(|_: &Unknown| "again".to_owned()));
    assert_eq!(renderers.render(&Unknown { id: 2 }), "again");
    assert_eq!(
        renderers.names().collect::<Vec<_>>(),
        ["Alert", "Deploy", "String", "str", "Vec", "Unknown"]
    );
}

#[test]
fn the_result_need_not_be_a_text() {
    let mut sizes = Renderers::new(|_| 0);
    sizes.register(|text: &String| text.len());
    assert_eq!(
        (sizes.render(&"seven!!".to_owned()), sizes.render(&7)),
        (7, 0)
    );
    insta::assert_snapshot!(format!("{sizes:?}"), @r#"Renderers { types: ["String"], .. }"#);
}

#[test]
fn a_closure_that_panics_does_so_in_its_caller() {
    quiet();
    let mut renderers = renderers();
    renderers.register(|_: &Unknown| -> String { panic!("as told") });
    let rendered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        renderers.render(&Unknown { id: 0 })
    }));
    assert!(rendered.is_err());
    assert_eq!(renderers.render(&"text"), "text");
}
