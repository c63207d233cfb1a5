//! What can go wrong, one enum per group of operations.

use std::error::Error;
use std::fmt;

use otp_core::BadOption;

/// Why there is no subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscribeError {
    /// This is no pattern.
    BadPattern {
        /// What was given.
        pattern: String,
        /// What patterns look like.
        allowed: &'static str,
    },
    /// An option is outside its range.
    BadOption(BadOption),
    /// The server has ended, and will not run again.
    ServerEnded,
    /// The pub/sub was stopped.
    Closed,
}

impl fmt::Display for SubscribeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPattern { pattern, allowed } => {
                write!(f, "pattern {} must be {allowed}", Short(pattern))
            }
            Self::BadOption(bad) => bad.fmt(f),
            Self::ServerEnded => f.write_str("the server has ended"),
            Self::Closed => f.write_str("the pub/sub is closed"),
        }
    }
}

impl Error for SubscribeError {}

/// Why a payload was not published. It comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PublishError<M> {
    /// This is no topic.
    BadTopic {
        /// What was given.
        topic: String,
        /// What topics look like.
        allowed: &'static str,
        /// The payload.
        payload: M,
    },
    /// No further topic can have a retained message: there are as many as
    /// [`PubSubConfig::max_retained`](crate::PubSubConfig::max_retained). Nobody got it.
    RetainedFull(M),
    /// The pub/sub was stopped.
    Closed(M),
}

impl<M> PublishError<M> {
    /// Takes the payload back.
    pub fn into_payload(self) -> M {
        match self {
            Self::BadTopic { payload, .. }
            | Self::RetainedFull(payload)
            | Self::Closed(payload) => payload,
        }
    }
}

impl<M> fmt::Display for PublishError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadTopic { topic, allowed, .. } => {
                write!(f, "topic {} must be {allowed}", Short(topic))
            }
            Self::RetainedFull(_) => f.write_str("no further topic can have a retained message"),
            Self::Closed(_) => f.write_str("the pub/sub is closed"),
        }
    }
}

impl<M> fmt::Debug for PublishError<M> {
    /// Leaves the payload out, which need not be `Debug`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadTopic { topic, allowed, .. } => f
                .debug_struct("BadTopic")
                .field("topic", topic)
                .field("allowed", allowed)
                .finish_non_exhaustive(),
            Self::RetainedFull(_) => f.write_str("RetainedFull(..)"),
            Self::Closed(_) => f.write_str("Closed(..)"),
        }
    }
}

impl<M> Error for PublishError<M> {}

/// The beginning of a text that may be of any length.
struct Short<'a>(&'a str);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(64) {
            Some((end, _)) => write!(f, "`{}…`", &self.0[..end]),
            None => write!(f, "`{}`", self.0),
        }
    }
}
