//! The event that something is wrong.

use std::borrow::Cow;
use std::fmt;

use super::Notification;

/// How bad it is. The set is open: a level of your own renders as the known ones do.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Level {
    /// For who looks for faults.
    Debug,
    /// The default.
    #[default]
    Info,
    /// Something may go wrong.
    Warning,
    /// Something is wrong.
    Error,
    /// Somebody has to act.
    Critical,
    /// Any other word.
    Other(Cow<'static, str>),
}

impl Level {
    fn word(&self) -> &str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Other(word) => word,
        }
    }
}

/// Takes any word; the case of the known ones does not count.
impl From<&str> for Level {
    fn from(word: &str) -> Self {
        let known = [
            Self::Debug,
            Self::Info,
            Self::Warning,
            Self::Error,
            Self::Critical,
        ];
        known
            .into_iter()
            .find(|level| level.word().eq_ignore_ascii_case(word))
            .unwrap_or_else(|| Self::Other(word.to_owned().into()))
    }
}

/// Shows the word as it stands in an alert: in capitals.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.word().to_uppercase())
    }
}

/// Something that a person should know of a service. Renders as `[CRITICAL] api: high latency`, without a message as `[INFO] api`.
///
/// # Examples
///
/// ```
/// use patterns_behaviour::notification::{Alert, Level, Notification};
///
/// let alert = Alert::new("api").level(Level::Critical).message("high latency");
/// assert_eq!(alert.to_message(), "[CRITICAL] api: high latency");
/// assert_eq!(Alert::new("api").to_message(), "[INFO] api");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alert {
    /// Which service.
    pub service: String,
    /// How bad it is. Default: [`Level::Info`].
    pub level: Level,
    /// What is to be said. Default: `None`.
    pub message: Option<String>,
}

impl Alert {
    /// Makes an alert of level [`Level::Info`] without a message.
    #[must_use]
    pub fn new(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            level: Level::default(),
            message: None,
        }
    }

    /// Sets the level.
    #[must_use]
    pub fn level(mut self, level: impl Into<Level>) -> Self {
        self.level = level.into();
        self
    }

    /// Sets the message.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}

impl Notification for Alert {
    fn to_message(&self) -> String {
        let Self {
            service,
            level,
            message,
        } = self;
        match message {
            Some(message) => format!("[{level}] {service}: {message}"),
            None => format!("[{level}] {service}"),
        }
    }
}
