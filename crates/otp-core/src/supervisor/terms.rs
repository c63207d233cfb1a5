//! On what terms children are kept.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::sync::Arc;

/// Which children are restarted when one has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// That one alone.
    OneForOne,
    /// All: the others are stopped, last started first, then all are started in order.
    OneForAll,
    /// That one and those that were started after it.
    RestForOne,
}

/// Whether a child is started again when it has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restart {
    /// Always. The default.
    #[default]
    Permanent,
    /// Unless it ended in order: with `Normal`, `Shutdown` or `ShutdownWith`.
    Transient,
    /// Never; its specification goes with it.
    Temporary,
}

/// How a child is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// By a kill, at once.
    BrutalKill,
    /// It is asked to end, and killed if it has not by then. The default for servers and tasks, with 5 s.
    Timeout(Duration),
    /// It is asked to end, and waited for without limit. The default for supervisors, whose children have
    /// limits of their own.
    Infinity,
}

/// Whether a supervisor stops by itself when its significant children have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AutoShutdown {
    /// It does not. The default.
    #[default]
    Never,
    /// When one of them has.
    AnySignificant,
    /// When the last of them has.
    AllSignificant,
}

/// The terms of one child.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) id: Arc<str>,
    pub(crate) restart: Restart,
    pub(crate) shutdown: Shutdown,
    pub(crate) significant: bool,
    /// For how many messages there is room.
    pub(crate) bounded: usize,
    pub(crate) backoff: Option<Backoff>,
    /// How many restarts within how long a time are borne, of this child alone.
    pub(crate) own_limit: Option<(usize, Duration)>,
}

impl Terms {
    /// Names the option that is wrong in a supervisor that is not dynamic, if one is.
    pub(crate) fn fault_in_static(&self, auto_shutdown: AutoShutdown) -> Option<&'static str> {
        if self.own_limit.is_some() {
            return Some("own_limit");
        }
        self.fault(auto_shutdown)
    }

    /// Names the option that is wrong in a supervisor with `auto_shutdown`, if one is.
    pub(crate) fn fault(&self, auto_shutdown: AutoShutdown) -> Option<&'static str> {
        if self.bounded == 0 {
            Some("bounded")
        } else if !self.significant {
            None
        } else if auto_shutdown == AutoShutdown::Never {
            Some("auto_shutdown")
        } else if self.restart == Restart::Permanent {
            Some("restart")
        } else {
            None
        }
    }
}
