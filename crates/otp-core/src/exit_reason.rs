//! Why a process ended.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::panics::CaughtPanic;

/// The cause carried by some exit reasons: any error, shared.
type Cause = Arc<dyn Error + Send + Sync + 'static>;

/// The reason why a process ended, or is asked to end.
///
/// Cheap to clone. A handler that returns `Err(reason)` ends its process with that reason, and
/// because every [`std::error::Error`] converts into one, `?` works in handlers:
///
/// ```
/// use otp_core::ExitReason;
///
/// fn parse(text: &str) -> Result<u16, ExitReason> {
///     Ok(text.trim().parse::<u16>()?)
/// }
///
/// let reason = parse("not a port").unwrap_err();
/// assert!(reason.downcast_ref::<std::num::ParseIntError>().is_some());
/// assert!(!reason.is_clean());
/// ```
///
/// It is no `Error` itself, for that would forbid the conversion. For `anyhow` errors and plain
/// text there is [`ExitReason::boxed`].
#[derive(Clone)]
pub enum ExitReason {
    /// The process did what it was for.
    Normal,
    /// The process was asked to end, by its supervisor for instance.
    Shutdown,
    /// As `Shutdown`, with a cause to pass on: OTP's `{shutdown, Term}`.
    ShutdownWith(Cause),
    /// The request to end at once, which cannot be refused. Who is ended by it is seen as `Killed`.
    Kill,
    /// The process was ended by a kill, or its runtime was dropped under it.
    Killed,
    /// There was no such process.
    NoProc,
    /// Code of the process panicked.
    Panic(Arc<CaughtPanic>),
    /// The process ended itself with an error.
    Error(Cause),
}

impl ExitReason {
    /// Makes an [`Error`](ExitReason::Error) reason of plain text or of anything else that turns
    /// into a boxed error, `anyhow::Error` for instance.
    ///
    /// ```
    /// # use otp_core::ExitReason;
    /// assert_eq!(ExitReason::boxed("disk full").to_string(), "disk full");
    /// ```
    pub fn boxed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Error(Arc::from(cause.into()))
    }

    /// Makes a [`ShutdownWith`](ExitReason::ShutdownWith) reason of plain text or of any error.
    pub fn shutdown_with(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::ShutdownWith(Arc::from(cause.into()))
    }

    /// Tells whether the reason is `Normal`.
    #[must_use]
    pub fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }

    /// Tells whether the end was in order: `Normal`, `Shutdown` or `ShutdownWith`.
    ///
    /// This is the question that a supervisor asks of a transient child.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown | Self::ShutdownWith(_))
    }

    /// Returns the cause as an error, if the reason carries one.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match self {
            Self::ShutdownWith(cause) | Self::Error(cause) => Some(&**cause),
            _ => None,
        }
    }

    /// Returns the cause as an `E`, if it is one.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.cause().and_then(|cause| cause.downcast_ref())
    }

    /// Tells whether two reasons are the same: the same variant and, where there is a cause or a
    /// panic, the very same one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Normal, Self::Normal)
            | (Self::Shutdown, Self::Shutdown)
            | (Self::Kill, Self::Kill)
            | (Self::Killed, Self::Killed)
            | (Self::NoProc, Self::NoProc) => true,
            (Self::ShutdownWith(a), Self::ShutdownWith(b)) | (Self::Error(a), Self::Error(b)) => {
                Arc::ptr_eq(a, b)
            }
            (Self::Panic(a), Self::Panic(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

impl<E: Error + Send + Sync + 'static> From<E> for ExitReason {
    fn from(error: E) -> Self {
        Self::Error(Arc::new(error))
    }
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::ShutdownWith(cause) => write!(f, "shutdown: {cause}"),
            Self::Kill => f.write_str("kill"),
            Self::Killed => f.write_str("killed"),
            Self::NoProc => f.write_str("no such process"),
            Self::Panic(panic) => panic.fmt(f),
            Self::Error(cause) => cause.fmt(f),
        }
    }
}

impl fmt::Debug for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("Normal"),
            Self::Shutdown => f.write_str("Shutdown"),
            Self::ShutdownWith(cause) => f.debug_tuple("ShutdownWith").field(cause).finish(),
            Self::Kill => f.write_str("Kill"),
            Self::Killed => f.write_str("Killed"),
            Self::NoProc => f.write_str("NoProc"),
            Self::Panic(panic) => f.debug_tuple("Panic").field(panic).finish(),
            Self::Error(cause) => f.debug_tuple("Error").field(cause).finish(),
        }
    }
}
