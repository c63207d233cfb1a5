//! Who delivers: dispatch by the implementation that the caller picks.

use super::{ChannelError, Options};
use crate::{BoxFuture, default_name};

/// A way to bring a text to somebody.
///
/// It is what a plug-in trait of your own looks like: the method that does the work returns a [`BoxFuture`], so that `dyn Channel` works;
/// what need not be there has a default; and what only some can do has a query that answers `None` unless it is implemented.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::BoxFuture;
/// use patterns_behaviour::notification::{Channel, ChannelError, Options};
///
/// struct Shouting<C>(C);
///
/// impl<C: Channel> Channel for Shouting<C> {
///     fn deliver<'a>(&'a self, text: &'a str, options: &'a Options) -> BoxFuture<'a, Result<String, ChannelError>> {
///         Box::pin(async move { self.0.deliver(&text.to_uppercase(), options).await })
///     }
/// }
///
/// # use patterns_behaviour::notification::Collector;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let channel: Box<dyn Channel> = Box::new(Shouting(Collector::new()));
/// assert_eq!(channel.deliver("fire", &Options::new()).await?, "FIRE");
/// assert_eq!(channel.name(), "Shouting");
/// # Ok(()) }
/// ```
pub trait Channel: Send + Sync {
    /// Delivers a text, and returns it as it was delivered.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from delivering.
    fn deliver<'a>(
        &'a self,
        text: &'a str,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>>;

    /// Returns its name. Unless implemented, it is the last segment of its type's path; see [`default_name`].
    fn name(&self) -> &str {
        default_name::<Self>()
    }

    /// Returns it as one that takes many texts at once, if it is. Unless implemented, it is not.
    fn as_batch(&self) -> Option<&dyn BatchChannel> {
        None
    }
}

/// What a channel may also do: deliver many texts in one go. Asked for by [`Channel::as_batch`], and used by
/// [`notify_all`](super::notify_all).
pub trait BatchChannel: Channel {
    /// Delivers all these texts, in order, or none of them, and returns them as they were delivered.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from delivering.
    fn deliver_batch<'a>(
        &'a self,
        texts: &'a [String],
        options: &'a Options,
    ) -> BoxFuture<'a, Result<Vec<String>, ChannelError>>;
}
