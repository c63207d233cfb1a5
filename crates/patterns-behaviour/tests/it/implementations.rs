//! The question whether a value implements a trait.

use std::any::Any;
use std::sync::Arc;

use patterns_behaviour::Implementations;
use patterns_behaviour::notification::{Channel, Collector, Console, Failing, Options, channels};

trait Area {
    fn area(&self) -> f64;
}

struct Square(f64);
struct Scaled<T>(T, f64);

impl Area for Square {
    fn area(&self) -> f64 {
        self.0 * self.0
    }
}

impl<T: Area> Area for Scaled<T> {
    fn area(&self) -> f64 {
        self.0.area() * self.1
    }
}

fn shapes() -> Implementations<dyn Area> {
    let mut shapes = Implementations::<dyn Area>::new();
    assert!(shapes.register(|square: &Square| square as &dyn Area));
    assert!(shapes.register(|scaled: &Scaled<Square>| scaled as &dyn Area));
    shapes
}

#[test]
fn a_value_of_a_registered_type_is_seen_as_the_trait() {
    let shapes = shapes();
    let values: [Box<dyn Any>; 3] = [
        Box::new(Square(3.0)),
        Box::new(Scaled(Square(2.0), 10.0)),
        Box::new(7),
    ];
    let areas: Vec<_> = values
        .iter()
        .map(|value| shapes.of(&**value).map(Area::area))
        .collect();
    assert_eq!(areas, [Some(9.0), Some(40.0), None]);
}

#[test]
fn what_implements_the_trait_and_was_not_registered_is_not_known() {
    let shapes = shapes();
    let twice = Scaled(Scaled(Square(1.0), 2.0), 3.0);
    assert!(shapes.of(&twice).is_none() && !shapes.contains(&twice));
    assert!(shapes.contains_type::<Square>() && !shapes.contains_type::<Scaled<Scaled<Square>>>());
}

#[test]
fn a_box_or_an_arc_is_another_type_than_what_is_in_it() {
    let shapes = shapes();
    let boxed: Box<dyn Any> = Box::new(Square(1.0));
    assert!(shapes.contains(&*boxed) && !shapes.contains(&boxed));
    let shared = Arc::new(Square(1.0));
    assert!(shapes.contains(&*shared) && !shapes.contains(&shared));
}

#[test]
fn the_last_closure_of_a_type_counts() {
    let mut shapes = shapes();
    static UNIT: Square = Square(1.0);
    assert!(!shapes.register(|_: &Square| &UNIT as &dyn Area));
    assert_eq!(shapes.of(&Square(5.0)).map(Area::area), Some(1.0));
    assert_eq!((shapes.len(), shapes.is_empty()), (2, false));
    assert_eq!(shapes.names(), ["Scaled", "Square"]);
    insta::assert_snapshot!(format!("{shapes:?}"), @r#"Implementations { of: "Area", types: ["Scaled", "Square"] }"#);
    assert!(Implementations::<dyn Area>::default().is_empty());
}

#[test]
fn a_part_of_a_value_may_stand_for_it() {
    struct Holder {
        shape: Square,
    }
    let mut shapes = Implementations::<dyn Area>::new();
    shapes.register(|holder: &Holder| &holder.shape as &dyn Area);
    assert_eq!(
        shapes.of(&Holder { shape: Square(2.0) }).map(Area::area),
        Some(4.0)
    );
}

#[tokio::test]
async fn does_it_implement_delivery_is_answered_by_the_value() {
    let channels = channels();
    let values: [&dyn Any; 5] = [
        &Console::new(),
        &Collector::new(),
        &Failing::new(),
        &"console",
        &(),
    ];
    let names: Vec<_> = values
        .iter()
        .map(|value| channels.of(*value).map(Channel::name))
        .collect();
    assert_eq!(
        names,
        [
            Some("console"),
            Some("collector"),
            Some("Failing"),
            None,
            None
        ]
    );
    let collector = Collector::new();
    let unknown: &dyn Any = &collector;
    channels
        .of(unknown)
        .unwrap()
        .deliver("through", &Options::new())
        .await
        .unwrap();
    assert_eq!(collector.texts(), ["through"]);
}

#[test]
fn it_can_be_shared_by_threads() {
    let shapes = Arc::new(shapes());
    let threads: Vec<_> = (1..4_u8)
        .map(|side| {
            let shapes = Arc::clone(&shapes);
            std::thread::spawn(move || shapes.of(&Square(side.into())).map(Area::area))
        })
        .collect();
    let areas: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    assert_eq!(areas, [Some(1.0), Some(4.0), Some(9.0)]);
}
