//! The harness that a user writes around an implementation.

use std::fmt;

/// An implementation that is tested, and the place that it delivers to.
///
/// Each rule is given a new one. Methods may be written as `async fn`. Two of them are for what not every implementation can: rules that need
/// it are skipped where it is not implemented, and the report says so.
///
/// A trait that is not about texts fits if a text can be made of what it takes: a storage puts it under the next key, and what was
/// received is what stands under all of them.
pub trait Subject: Send + Sync + 'static {
    /// Why a send fails.
    type Error: fmt::Display + Send;

    /// Returns the name of the implementation.
    fn name(&self) -> String;

    /// Sends a text with the implementation.
    ///
    /// # Errors
    ///
    /// Those of the implementation.
    fn send(&self, text: &str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Returns what has arrived up to now, in the order of arrival.
    ///
    /// It need not wait for what is still on its way: the rules ask again until their
    /// [patience](crate::contract::Contract::patience) is over.
    fn received(&self) -> impl Future<Output = Vec<String>> + Send;

    /// Has the next send fail, and the ones after it work again: the disk is full for once, the peer cuts the connection. Returns a text
    /// that the error must contain. Unless implemented `None`: it cannot be made to fail.
    fn fail_next(&self) -> impl Future<Output = Option<String>> + Send {
        async { None }
    }

    /// Closes the implementation for good. Returns whether it can be closed; unless implemented it cannot.
    fn close(&self) -> impl Future<Output = bool> + Send {
        async { false }
    }
}

/// Why a rule was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unmet {
    /// It was broken, in this way.
    Broken(String),
    /// It does not apply, for this reason, and is skipped.
    NotApplicable(String),
}

impl From<String> for Unmet {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

impl From<&str> for Unmet {
    fn from(text: &str) -> Self {
        Self::Broken(text.to_owned())
    }
}
