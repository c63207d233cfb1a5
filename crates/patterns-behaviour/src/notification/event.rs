//! What can be notified of: dispatch by the value.

use std::borrow::Cow;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// An event that knows its text.
///
/// Text renders as it is, and so do bytes that are UTF-8; others as escapes. There is no implementation for all that has a `Debug`:
/// it would forbid every other one. [`Shown`] asks for that explicitly, and [`Renderers`](crate::Renderers) are for values of unknown type.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::notification::{Notification, Shown};
///
/// struct Signup { user: String }
///
/// impl Notification for Signup {
///     fn to_message(&self) -> String {
///         format!("{} has signed up", self.user)
///     }
/// }
///
/// assert_eq!(Signup { user: "joe".to_owned() }.to_message(), "joe has signed up");
/// assert_eq!("as it is".to_message(), "as it is");
/// assert_eq!(Shown(Some(7)).to_message(), "Some(7)");
/// ```
pub trait Notification {
    /// Returns the text.
    fn to_message(&self) -> String;
}

impl Notification for str {
    fn to_message(&self) -> String {
        self.to_owned()
    }
}

impl Notification for String {
    fn to_message(&self) -> String {
        self.clone()
    }
}

impl Notification for Cow<'_, str> {
    fn to_message(&self) -> String {
        self.clone().into_owned()
    }
}

impl Notification for [u8] {
    fn to_message(&self) -> String {
        match std::str::from_utf8(self) {
            Ok(text) => text.to_owned(),
            Err(_) => self.escape_ascii().to_string(),
        }
    }
}

impl Notification for Vec<u8> {
    fn to_message(&self) -> String {
        self.as_slice().to_message()
    }
}

impl<N: Notification + ?Sized> Notification for &N {
    fn to_message(&self) -> String {
        (**self).to_message()
    }
}

impl<N: Notification + ?Sized> Notification for Box<N> {
    fn to_message(&self) -> String {
        (**self).to_message()
    }
}

impl<N: Notification + ?Sized> Notification for Rc<N> {
    fn to_message(&self) -> String {
        (**self).to_message()
    }
}

impl<N: Notification + ?Sized> Notification for Arc<N> {
    fn to_message(&self) -> String {
        (**self).to_message()
    }
}

/// Any value, shown by its `Debug`: `inspect` in Elixir.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shown<T>(
    /// The value.
    pub T,
);

impl<T: fmt::Debug> Notification for Shown<T> {
    fn to_message(&self) -> String {
        format!("{:?}", self.0)
    }
}

/// As that of the value.
impl<T: fmt::Debug> fmt::Debug for Shown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
