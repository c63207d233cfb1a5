//! The future that a method of a trait object returns.

use std::pin::Pin;

/// A boxed future that may borrow for `'a`: what a method returns that is to be called through `dyn Trait`.
///
/// An `async fn` in a trait cannot be called through a trait object, for each implementation's future has another size. A method that
/// returns this one can. It costs one allocation a call.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::BoxFuture;
///
/// trait Storage: Send + Sync {
///     fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>>;
/// }
///
/// struct Echo;
///
/// impl Storage for Echo {
///     fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>> {
///         Box::pin(async move { Some(key.to_uppercase()) })
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let storage: Box<dyn Storage> = Box::new(Echo);
/// assert_eq!(storage.get("key").await.as_deref(), Some("KEY"));
/// # }
/// ```
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
