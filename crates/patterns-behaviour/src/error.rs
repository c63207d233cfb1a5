//! What can go wrong, one type per group of operations.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use otp_core::BadOption;

/// A name is taken. What was to be registered under it comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct DuplicateName<R> {
    /// The name.
    pub name: Arc<str>,
    /// What was refused.
    pub refused: R,
}

impl<R> fmt::Display for DuplicateName<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name `{}` is taken", self.name)
    }
}

impl<R> fmt::Debug for DuplicateName<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplicateName")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl<R> Error for DuplicateName<R> {}

/// There is nothing of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    /// The name.
    pub name: Arc<str>,
    /// The names there are, in the order in which they were registered.
    pub known: Vec<Arc<str>>,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no `{}`; ", self.name)?;
        match self.known.split_first() {
            None => f.write_str("nothing is registered"),
            Some((first, rest)) => {
                write!(f, "there are: {first}")?;
                rest.iter().try_for_each(|name| write!(f, ", {name}"))
            }
        }
    }
}

impl Error for UnknownName {}

/// Why a [`Catalog`](crate::Catalog) made no implementation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MakeError<E> {
    /// There is none of that name.
    Unknown(UnknownName),
    /// Its factory failed.
    Failed {
        /// The name of the implementation.
        name: Arc<str>,
        /// What the factory says.
        error: E,
    },
}

impl<E: fmt::Display> fmt::Display for MakeError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(unknown) => unknown.fmt(f),
            Self::Failed { name, error } => write!(f, "`{name}` could not be made: {error}"),
        }
    }
}

/// The text of the factory's error is in this one's, and [`MakeError::Failed`] has the error itself. Its source is not passed on: it need not be an
/// [`Error`].
impl<E: fmt::Debug + fmt::Display> Error for MakeError<E> {}

/// Why a dispatcher did not take an implementation. What was refused comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddError<R> {
    /// The name is taken, perhaps by one that is being removed and still works off what it had accepted.
    Duplicate(DuplicateName<R>),
    /// An option of the route's own config is outside its range.
    BadOption {
        /// Which one.
        bad: BadOption,
        /// What was refused.
        refused: R,
    },
    /// The dispatcher has ended.
    Closed(R),
}

impl<R> AddError<R> {
    /// Returns what was refused.
    pub fn into_refused(self) -> R {
        match self {
            Self::Duplicate(DuplicateName { refused, .. })
            | Self::BadOption { refused, .. }
            | Self::Closed(refused) => refused,
        }
    }

    pub(crate) fn map<S>(self, map: impl FnOnce(R) -> S) -> AddError<S> {
        match self {
            Self::Duplicate(DuplicateName { name, refused }) => {
                let refused = map(refused);
                AddError::Duplicate(DuplicateName { name, refused })
            }
            Self::BadOption { bad, refused } => {
                let refused = map(refused);
                AddError::BadOption { bad, refused }
            }
            Self::Closed(refused) => AddError::Closed(map(refused)),
        }
    }
}

impl<R> fmt::Display for AddError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(duplicate) => duplicate.fmt(f),
            Self::BadOption { bad, .. } => bad.fmt(f),
            Self::Closed(_) => f.write_str("the dispatcher has ended"),
        }
    }
}

impl<R> fmt::Debug for AddError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AddError({self})")
    }
}

impl<R> Error for AddError<R> {}

/// Why a dispatcher did not accept a message, which comes back.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError<M> {
    /// As many wait for the implementation as may.
    Full(M),
    /// There is no implementation of that name.
    Unknown {
        /// The name, and those there are.
        unknown: UnknownName,
        /// The message.
        message: M,
    },
    /// The dispatcher, or this implementation of it, has been stopped.
    Closed(M),
}

impl<M> SendError<M> {
    /// Returns the message.
    pub fn into_message(self) -> M {
        match self {
            Self::Full(message) | Self::Unknown { message, .. } | Self::Closed(message) => message,
        }
    }
}

impl<M> fmt::Display for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(_) => f.write_str("as many deliveries wait as may"),
            Self::Unknown { unknown, .. } => unknown.fmt(f),
            Self::Closed(_) => f.write_str("no more deliveries are accepted"),
        }
    }
}

impl<M> fmt::Debug for SendError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SendError({self})")
    }
}

impl<M> Error for SendError<M> {}
