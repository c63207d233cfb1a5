//! Async methods of trait objects, and optional methods with a query.

use std::any::Any;
use std::sync::Arc;

use patterns_behaviour::{BoxFuture, Implementations, default_name};

/// A plug-in trait: one required method, one with a default, one with a query, and the way to capabilities it does not know of.
trait Storage: Any + Send + Sync {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>>;

    fn name(&self) -> &str {
        default_name::<Self>()
    }

    fn as_listing(&self) -> Option<&dyn Listing> {
        None
    }
}

trait Listing: Storage {
    fn keys(&self) -> BoxFuture<'_, Vec<String>>;
}

/// A capability that the trait knows nothing of.
trait Compacts {
    fn compact(&self) -> usize;
}

struct Fixed;
struct Echo(&'static str);

impl Storage for Fixed {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move { (key == "a").then(|| "1".to_owned()) })
    }

    fn as_listing(&self) -> Option<&dyn Listing> {
        Some(self)
    }
}

impl Listing for Fixed {
    fn keys(&self) -> BoxFuture<'_, Vec<String>> {
        Box::pin(async { vec!["a".to_owned()] })
    }
}

impl Storage for Echo {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            Some(format!("{}{key}", self.0))
        })
    }

    fn name(&self) -> &str {
        self.0
    }
}

impl Compacts for Echo {
    fn compact(&self) -> usize {
        self.0.len()
    }
}

fn both() -> [Arc<dyn Storage>; 2] {
    [Arc::new(Fixed), Arc::new(Echo(">"))]
}

#[tokio::test]
async fn async_methods_are_called_through_a_trait_object_and_may_borrow() {
    let [fixed, echo] = both();
    let key = String::from("a");
    assert_eq!(fixed.get(&key).await.as_deref(), Some("1"));
    assert_eq!(echo.get(&key).await.as_deref(), Some(">a"));
    // They are `Send`, so a task may run them.
    let task = tokio::spawn(async move { echo.get("b").await });
    assert_eq!(task.await.unwrap().as_deref(), Some(">b"));
}

#[test]
fn an_optional_method_has_its_default_or_its_own() {
    let [fixed, echo] = both();
    assert_eq!((fixed.name(), echo.name()), ("Fixed", ">"));
}

#[tokio::test]
async fn an_implementation_is_asked_what_else_it_can_do() {
    let [fixed, echo] = both();
    assert_eq!(fixed.as_listing().unwrap().keys().await, ["a"]);
    assert!(echo.as_listing().is_none());
}

#[test]
fn a_capability_that_the_trait_does_not_know_is_asked_of_a_registry() {
    let mut compacting = Implementations::<dyn Compacts>::new();
    compacting.register(|echo: &Echo| echo as &dyn Compacts);
    let answers = both().map(|storage| {
        let value: &dyn Any = &*storage;
        compacting.of(value).map(Compacts::compact)
    });
    assert_eq!(answers, [None, Some(1)]);
}
