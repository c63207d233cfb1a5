//! The ways in which a process ends.

use std::fmt;

use shuttle::future::JoinHandle;

use super::check;
use super::server::Msg;
use crate::error::CallError;
use crate::exit_reason::ExitReason;
use crate::server_ref::ServerRef;
use schedules::block_on;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A handler fails.
    Error,
    Kill,
    /// It is asked to stop.
    Stop,
    /// Its runtime drops its future.
    Runtime,
}

impl End {
    pub(super) const ALL: [Self; 4] = [Self::Error, Self::Kill, Self::Stop, Self::Runtime];

    /// Runs a scenario with each of the ends.
    pub(super) fn check_each(name: &str, scenario: impl Fn(Self) + Copy + Send + Sync + 'static) {
        for end in Self::ALL {
            check(&format!("{name} and {end}"), move || scenario(end));
        }
    }

    /// Ends the process, and waits until it is gone. Tells whether that took a message of its own.
    pub(super) fn bring(self, server: &ServerRef<Msg>, process: JoinHandle<()>) -> bool {
        let mut sent = false;
        match self {
            Self::Error => sent = block_on(server.cast_wait(Msg::Fail)).is_ok(),
            Self::Kill => server.pid().expect("nothing else ends it").kill(),
            Self::Stop => {
                let stopped = block_on(server.stop_with(ExitReason::Shutdown));
                stopped.expect("nothing else ends it");
            }
            Self::Runtime => process.abort(),
        }
        let _ = block_on(process);
        sent
    }

    pub(super) fn is_told_by(self, reason: &ExitReason) -> bool {
        match self {
            Self::Error => matches!(reason, ExitReason::Error(_)),
            Self::Kill | Self::Runtime => matches!(reason, ExitReason::Killed),
            Self::Stop => matches!(reason, ExitReason::Shutdown),
        }
    }

    /// Whether a call may end so that the process did not answer.
    pub(super) fn explains(self, error: &CallError) -> bool {
        match error {
            CallError::NoProc => true,
            CallError::Exited(reason) => self.is_told_by(reason),
            _ => false,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "an error",
            Self::Kill => "a kill",
            Self::Stop => "a stop",
            Self::Runtime => "the end of its runtime",
        })
    }
}
