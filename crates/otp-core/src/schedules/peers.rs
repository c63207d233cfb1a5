//! Two processes of which one ends while the other has to do with it.

use std::time::Duration;

use shuttle::future::JoinHandle;

use super::actor::Do;
use super::check;
use crate::exit_reason::ExitReason;
use crate::pid::Pid;
use crate::server_ref::ServerRef;
use schedules::{block_on, join};

/// How the other process ends, while it is being linked or monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Error,
    Kill,
    Signal,
    /// Its last handle is dropped.
    LastHandle,
}

impl Ending {
    pub(super) const ALL: [(&'static str, Self); 4] = [
        ("an error", Self::Error),
        ("a kill", Self::Kill),
        ("an exit signal", Self::Signal),
        ("the last handle", Self::LastHandle),
    ];

    pub(super) fn check_each(name: &str, scenario: fn(Self)) {
        for (text, ending) in Self::ALL {
            check(&format!("{name} and {text}"), move || scenario(ending));
        }
    }

    pub(super) fn bring(self, server: ServerRef<Do>, process: JoinHandle<()>) {
        match self {
            Self::Error => assert!(server.cast(Do::Fail).is_ok(), "nothing else ends it"),
            Self::Kill => pid_of(&server).kill(),
            Self::Signal => pid_of(&server).exit(ExitReason::Shutdown),
            Self::LastHandle => {}
        }
        drop(server);
        join(process);
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Error => "asked to",
            Self::Kill => "killed",
            Self::Signal => "shutdown",
            Self::LastHandle => "normal",
        }
    }
}

pub(super) fn pid_of(server: &ServerRef<Do>) -> Pid {
    server.pid().expect("nothing else ends it")
}

/// Waits until an actor has handled all that it was sent.
pub(super) fn settle(server: &ServerRef<Do>) {
    // What a handler tells its own process comes behind the first of them, and before the second.
    for _ in 0..2 {
        let _ = block_on(server.call_timeout(Do::Ping, Duration::MAX));
    }
}

/// Waits until an actor has handled all that it was sent, and ends it.
pub(super) fn finish(server: &ServerRef<Do>, process: JoinHandle<()>) {
    settle(server);
    let _ = block_on(server.stop());
    join(process);
}
