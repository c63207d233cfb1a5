//! The event that a version goes out.

use std::borrow::Cow;
use std::fmt;

use super::Notification;

/// How far a deploy has come. The set is open: a status of your own renders as the known ones do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Status {
    /// The default.
    #[default]
    Started,
    /// It is out.
    Succeeded,
    /// It is not.
    Failed,
    /// Any other words: `rolled back`, say.
    Other(Cow<'static, str>),
}

impl Status {
    fn words(&self) -> &str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Other(words) => words,
        }
    }
}

/// Takes any words; the case of the known ones does not count.
impl From<&str> for Status {
    fn from(words: &str) -> Self {
        let known = [Self::Started, Self::Succeeded, Self::Failed];
        known
            .into_iter()
            .find(|status| status.words().eq_ignore_ascii_case(words))
            .unwrap_or_else(|| Self::Other(words.to_owned().into()))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// The deploy of a version of an app. Renders as `Deploy of web 1.4.0 succeeded`, with whatever status.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::notification::{Deploy, Notification, Status};
///
/// let deploy = Deploy::new("web", "1.4.0").status(Status::Succeeded);
/// assert_eq!(deploy.to_message(), "Deploy of web 1.4.0 succeeded");
/// assert_eq!(deploy.status("rolled back").to_message(), "Deploy of web 1.4.0 rolled back");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Deploy {
    /// Which app.
    pub app: String,
    /// Which version of it.
    pub version: String,
    /// How far it has come. Default: [`Status::Started`].
    pub status: Status,
}

impl Deploy {
    /// Makes a deploy that has started.
    #[must_use]
    pub fn new(app: impl Into<String>, version: impl Into<String>) -> Self {
        Self {
            app: app.into(),
            version: version.into(),
            status: Status::default(),
        }
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: impl Into<Status>) -> Self {
        self.status = status.into();
        self
    }
}

impl Notification for Deploy {
    fn to_message(&self) -> String {
        format!("Deploy of {} {} {}", self.app, self.version, self.status)
    }
}
