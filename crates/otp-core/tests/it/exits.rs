//! OTP's rules for exit signals, links and monitors, one by one, for servers and for processes without one.
//
// | situation | not trapping | trapping |
// |---|---|---|
// | linked peer ends normal | linked::a_normal_end_does_nothing_to_those_linked | linked::a_normal_end_is_told_to_who_traps |
// | linked peer ends with R | linked::another_end_ends_those_linked_with_its_reason | linked::another_end_is_told_to_who_traps |
// | linked peer was killed | linked::a_killed_process_takes_those_linked_along_as_killed | linked::a_kill_is_told_to_who_traps_as_killed |
// | linked peer itself called exit(kill) | linked::kill_is_an_ordinary_reason_through_a_link | linked::kill_through_a_link_can_be_trapped |
// | exit(P, normal) by another | sent::a_normal_exit_signal_does_nothing | sent::a_normal_exit_signal_is_told_to_who_traps |
// | exit(P, boom) by another | sent::an_exit_signal_ends_a_process_with_its_reason | sent::an_exit_signal_is_told_to_who_traps |
// | exit(P, kill) by another | sent::a_kill_signal_ends_everybody_as_killed | the same |
// | exit(self(), normal) | itself::a_process_may_end_itself_normally | itself::who_traps_is_told_of_its_own_exit_signals |
// | exit(self(), boom) | itself::a_process_may_end_itself_for_a_reason | itself::who_traps_is_told_of_its_own_exit_signals |
// | exit(self(), kill) | itself::a_process_may_kill_itself | the same |
// | link to a dead process | links::linking_to_an_ended_process_is_an_error (here an error, no exit) | links::who_traps_is_told_of_linking_to_an_ended_process |
//
// | sentence | where it is shown |
// |---|---|
// | links are symmetric | links::a_link_holds_both_ways |
// | one per pair: linking three times and unlinking once leaves none | links::there_is_one_link_between_two_processes |
// | linking to oneself does nothing | links::a_process_is_not_linked_with_itself |
// | after unlink returns no new EXIT arrives | links::nothing_passes_after_unlinking, links::a_link_may_be_undone_from_either_side, links::race::* |
// | one already in the mailbox stays | links::unlinking_flushes_what_was_trapped (here unlink always flushes) |
// | unlink of what is not linked: true | links::unlinking_what_is_not_linked_does_nothing |
// | monitors stack | monitors::each_monitor_is_reported_for_itself |
// | DOWN carries the real reason, killed for kill | monitors::a_report_gives_the_real_reason |
// | a dead pid: DOWN noproc at once | monitors::an_ended_process_is_reported_as_none |
// | demonitor before the end: no DOWN | monitors::nothing_is_reported_after_demonitoring |
// | demonitor after DOWN has arrived: it stays, with flush it goes | monitors::demonitoring_flushes_a_report_that_waits (here it always flushes) |
// | demonitor of an unknown reference: false | monitors::demonitoring_tells_whether_a_report_was_to_come |
// | order per pair: messages of P, then its EXIT/DOWN | order_of_told::* |
// | "dies with R" at the next await | sent::a_process_dies_at_its_next_await |
// | no terminate for who does not trap | linked::*, sent::* (`fate` looks for it) |
//
// Deviations, all stated in the README: `unlink` and `demonitor` always flush, linking to an ended process is an error
// where exits are not trapped, a failed `start_link` is only an error (parents::a_failed_start_is_only_an_error).

mod current;
mod defaults;
mod itself;
mod linked;
mod sent;

use otp_core::{ExitReason, Pid, ServerRef};
use tokio::sync::oneshot;

use crate::support::{Log, Msg, Probe, inside, quiet};

/// What kind of process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Server,
    /// One without a server.
    Plain,
    /// A server that traps exits.
    Trapping,
}

/// How a process ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    With(ExitReason),
    Killed,
}

/// A process, what it wrote down, and the way to end it.
pub(crate) struct Subject {
    pub(crate) pid: Pid,
    pub(crate) log: Log,
    pub(crate) server: Option<ServerRef<Msg>>,
    ends: Option<oneshot::Sender<ExitReason>>,
}

impl Subject {
    pub(crate) async fn new(kind: Kind) -> Self {
        let log = Log::default();
        if kind == Kind::Plain {
            let (ends, end) = oneshot::channel();
            let pid = otp_core::spawn(async move { Err(end.await?) }).unwrap();
            return Self {
                pid,
                log,
                server: None,
                ends: Some(ends),
            };
        }
        let server = Probe::new(&log).start().await.unwrap();
        if kind == Kind::Trapping {
            inside(&server, |_, ctx| ctx.trap_exit()).await;
        }
        Self {
            pid: server.pid().unwrap(),
            log,
            server: Some(server),
            ends: None,
        }
    }

    /// Links it with another, from the side that can.
    pub(crate) async fn link(&self, other: &Self) {
        let (server, whom) = match (&self.server, &other.server) {
            (Some(server), _) => (server, other.pid.clone()),
            (None, Some(server)) => (server, self.pid.clone()),
            (None, None) => panic!("neither has a context"),
        };
        inside(server, move |_, ctx| ctx.link(&whom)).await.unwrap();
    }

    /// Ends it and waits for its end.
    pub(crate) async fn end(mut self, how: End) {
        let over = self.pid.monitor();
        match (how, &self.server, self.ends.take()) {
            (End::Killed, ..) => self.pid.exit(ExitReason::Kill),
            (End::With(reason), Some(server), _) => server.cast(Msg::end(reason)).unwrap(),
            (End::With(reason), None, ends) => ends.unwrap().send(reason).unwrap(),
        }
        over.await;
    }

    /// What has become of it; `of` is written as `P`.
    async fn fate(&self, over: otp_core::Monitor, of: &Pid) -> String {
        quiet().await;
        let lines = self.log.take();
        let terminated = lines.iter().any(|line| line.starts_with("terminate"));
        assert!(!terminated, "{lines:?}");
        if !self.pid.is_alive() {
            return format!("dies: {}", over.await);
        }
        let of = of.to_string();
        let lines: Vec<_> = lines.iter().map(|line| line.replace(&of, "P")).collect();
        format!("lives: {}", lines.join(", "))
    }
}

pub(crate) fn boom() -> ExitReason {
    ExitReason::boxed("boom")
}
