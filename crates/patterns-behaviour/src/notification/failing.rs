//! The channel that never delivers, for the tests of whoever has to bear that.

use std::borrow::Cow;

use super::{Channel, ChannelError, Options};
use crate::BoxFuture;

/// As an option of one delivery: why a [`Failing`] fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason(
    /// The text of the error.
    pub Cow<'static, str>,
);

/// Fails every delivery, with `unavailable` unless told otherwise. It has no name of its own, and so is called `Failing`.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use patterns_behaviour::notification::{Channel, Failing, Options, Reason};
///
/// let failing = Failing::new();
/// assert_eq!(failing.deliver("x", &Options::new()).await.unwrap_err().to_string(), "unavailable");
/// let options = Options::new().with(Reason("over quota".into()));
/// assert_eq!(failing.deliver("x", &options).await.unwrap_err().to_string(), "over quota");
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing(Reason);

impl Failing {
    /// Makes one that is `unavailable`.
    #[must_use]
    pub fn new() -> Self {
        Self::because("unavailable")
    }

    /// Makes one that fails for this reason.
    #[must_use]
    pub fn because(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(Reason(reason.into()))
    }
}

impl Default for Failing {
    fn default() -> Self {
        Self::new()
    }
}

impl Channel for Failing {
    fn deliver<'a>(
        &'a self,
        _text: &'a str,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>> {
        Box::pin(async move {
            let Reason(reason) = options.get::<Reason>().unwrap_or(&self.0);
            Err(ChannelError::Failed(reason.clone()))
        })
    }
}
