//! What an agent can be told at its start.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use otp_core::ServerOptions;

/// The options of an [`Agent`](crate::Agent).
///
/// # Examples
///
/// ```
/// use patterns_agent::{AgentConfig, OnPanic, Validator};
///
/// #[derive(Clone)]
/// struct Limits { low: u32, high: u32 }
///
/// let config = AgentConfig {
///     name: Some("limits".into()),
///     on_panic: OnPanic::Restore(Clone::clone),
///     validator: Some(Validator::new(|limits: &Limits| {
///         if limits.low <= limits.high { Ok(()) } else { Err("low is above high") }
///     })),
///     ..AgentConfig::default()
/// };
/// # let _ = config;
/// ```
pub struct AgentConfig<T> {
    /// The name for log events, listings and `Debug`. Names need not differ. Default: `None`; a child is then named by its
    /// id.
    pub name: Option<Arc<str>>,

    /// What a panic in a closure does. Default: [`OnPanic::Stop`], as in OTP.
    pub on_panic: OnPanic<T>,

    /// What every new state must pass, the first one too. Default: `None`, every state is good.
    pub validator: Option<Validator<T>>,

    /// How many closures may wait for their turn, 1 or more. Default: `None`, **no bound**, as in OTP.
    ///
    /// In a full mailbox [`cast`](crate::Agent::cast) fails with [`Full`](crate::AgentError::Full); everything else waits
    /// for room.
    pub mailbox_capacity: Option<NonZeroUsize>,

    /// How long a call waits for its answer. Default: 5 s, as in OTP.
    ///
    /// Zero times out as soon as the runtime gets to it, `Duration::MAX` waits without limit.
    /// [`with_timeout`](crate::Agent::with_timeout) changes it for a handle, or for a single call.
    pub call_timeout: Duration,

    /// How long the making of the first state may take. Default: `Duration::MAX`, no limit.
    pub start_timeout: Duration,
}

impl<T> Default for AgentConfig<T> {
    fn default() -> Self {
        Self {
            name: None,
            on_panic: OnPanic::Stop,
            validator: None,
            mailbox_capacity: None,
            call_timeout: Duration::from_secs(5),
            start_timeout: Duration::MAX,
        }
    }
}

impl<T> Clone for AgentConfig<T> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            on_panic: self.on_panic.clone(),
            validator: self.validator.clone(),
            mailbox_capacity: self.mailbox_capacity,
            call_timeout: self.call_timeout,
            start_timeout: self.start_timeout,
        }
    }
}

impl<T> fmt::Debug for AgentConfig<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentConfig")
            .field("name", &self.name)
            .field("on_panic", &self.on_panic)
            .field("validator", &self.validator)
            .field("mailbox_capacity", &self.mailbox_capacity)
            .field("call_timeout", &self.call_timeout)
            .field("start_timeout", &self.start_timeout)
            .finish()
    }
}

impl<T> AgentConfig<T> {
    pub(crate) fn server_options(&self) -> ServerOptions {
        let mut options = ServerOptions::default().start_timeout(self.start_timeout);
        if let Some(name) = &self.name {
            options = options.name(Arc::clone(name));
        }
        if let Some(bound) = self.mailbox_capacity {
            options = options.bounded(bound.get());
        }
        options
    }
}

/// What a panic in a closure does to the agent. The closure's caller is told in any case, with the panic's message.
pub enum OnPanic<T> {
    /// The agent ends with [`ExitReason::Panic`](crate::ExitReason::Panic), as in OTP; a supervisor may start it again. The state
    /// that the closure left half done is dropped, and nobody sees it.
    Stop,

    /// Nothing is changed, and the agent goes on. The function copies the state, which each update does before it begins:
    /// `OnPanic::Restore(Clone::clone)`.
    Restore(fn(&T) -> T),
}

impl<T> Clone for OnPanic<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Stop => Self::Stop,
            Self::Restore(copy) => Self::Restore(*copy),
        }
    }
}

impl<T> fmt::Debug for OnPanic<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stop => "Stop",
            Self::Restore(_) => "Restore(..)",
        })
    }
}

type Check<T> = dyn Fn(&T) -> Result<(), Arc<dyn Error + Send + Sync>> + Send + Sync;

/// What a state must pass before anybody sees it.
///
/// With a validator, each update works on a copy of the state.
pub struct Validator<T> {
    pub(crate) copy: fn(&T) -> T,
    check: Arc<Check<T>>,
}

impl<T: Clone> Validator<T> {
    /// Makes a validator of a function that says why it refuses a state: by a text, or by any error.
    ///
    /// It runs in the agent. A panic in it counts as one in the closure that made the state.
    pub fn new<E>(check: impl Fn(&T) -> Result<(), E> + Send + Sync + 'static) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        Self {
            copy: T::clone,
            check: Arc::new(move |state| check(state).map_err(|cause| Arc::from(cause.into()))),
        }
    }
}

impl<T> Validator<T> {
    pub(crate) fn check(&self, state: &T) -> Result<(), Arc<dyn Error + Send + Sync>> {
        (self.check)(state)
    }
}

impl<T> Clone for Validator<T> {
    fn clone(&self) -> Self {
        Self {
            copy: self.copy,
            check: Arc::clone(&self.check),
        }
    }
}

impl<T> fmt::Debug for Validator<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Validator(..)")
    }
}
