//! What a breaker tells its user's code.

use std::fmt;

use otp_core::contained::contain;

use crate::Transition;

type Listener = Box<dyn Fn(&Transition) + Send + Sync>;

/// The closures of a breaker, for [`Breaker::with_hooks`](crate::Breaker::with_hooks). By default there are none.
///
/// # Examples
///
/// ```
/// use patterns_breaker::{Breaker, BreakerConfig, Hooks};
///
/// let hooks = Hooks::new().on_change(|change| eprintln!("billing: {change}"));
/// let billing = Breaker::with_hooks(BreakerConfig::default(), hooks)?;
/// billing.trip(); // billing: closed -> open: tripped, open for 5s
/// # Ok::<(), patterns_breaker::BadOption>(())
/// ```
#[derive(Default)]
pub struct Hooks {
    on_change: Option<Listener>,
}

impl Hooks {
    /// Makes an empty set of closures.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is told of each change of state.
    ///
    /// It is told of one after the other, in order, outside all locks, and may use the breaker. It runs in the thread that made
    /// the change or noticed it, or in one that is just telling it of the change before; so it should be short. A panic in it
    /// goes to the panic hook and no further.
    #[must_use]
    pub fn on_change(mut self, listener: impl Fn(&Transition) + Send + Sync + 'static) -> Self {
        self.on_change = Some(Box::new(listener));
        self
    }

    pub(crate) const fn has_listener(&self) -> bool {
        self.on_change.is_some()
    }

    pub(crate) fn tell(&self, transition: &Transition) {
        if let Some(listener) = &self.on_change {
            // The change is made, and there may be more to tell of.
            contain(|| listener(transition));
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_change", &self.has_listener())
            .finish()
    }
}
