//! What a handler may do to bind its process to others.

use std::future::Future;

use tokio::runtime::Handle;

use super::Context;
use crate::error::{LinkError, StartError};
use crate::exit_reason::ExitReason;
use crate::exits::{Down, Exit, MonitorRef, Origin};
use crate::gen_server::GenServer;
use crate::mailbox::{Told, take_told};
use crate::options::ServerOptions;
use crate::pid::Pid;
use crate::relations;
use crate::server_ref::ServerRef;
use crate::{spawn, start};

impl<M: Send + 'static> Context<M> {
    /// Has exit signals come to [`GenServer::handle_exit`] instead of ending this process.
    ///
    /// It counts for every signal that arrives from now on. A kill cannot be trapped. If the process
    /// that started this one by [`start_link`](Context::start_link) ends, this one still ends with the
    /// same reason, in order: in its turn, with `terminate`.
    pub fn trap_exit(&mut self) {
        self.relate_own(|relations| relations.traps_exits = true);
    }

    /// Lets exit signals end this process again, as they do by default. What was trapped before is
    /// still handled.
    pub fn untrap_exit(&mut self) {
        self.relate_own(|relations| relations.traps_exits = false);
    }

    /// Links this process with another: when one of them ends, the other gets its exit signal.
    ///
    /// The signal of a `Normal` end does nothing; of any other, the process that gets it ends with the same
    /// reason, at its next `.await` that waits, unless it traps exits. There is one link between two processes,
    /// however often they link, and none of a process with itself.
    ///
    /// # Errors
    ///
    /// [`LinkError::NoProc`] if the other process has ended. A process that traps exits is told of it by
    /// an exit signal with [`ExitReason::NoProc`] instead.
    pub fn link(&mut self, pid: &Pid) -> Result<(), LinkError> {
        let own = self.pid();
        if *pid == own || relations::link(&own, pid) {
            return Ok(());
        }
        let (mut traps_exits, mut linked) = (false, false);
        self.relate_own(|relations| {
            traps_exits = relations.traps_exits;
            linked = relations.links.contains_key(&pid.number());
        });
        if linked {
            // It has just ended, and its exit signal is on the way.
            return Ok(());
        }
        if !traps_exits {
            return Err(LinkError::NoProc);
        }
        let exit = Exit {
            from: Some(pid.clone()),
            reason: ExitReason::NoProc,
        };
        self.tell_own(Told::Exit(Box::new(exit), Origin::Link));
        Ok(())
    }

    /// Takes the link with another process away. After it no exit signal of that link arrives, nor one
    /// that was trapped and not handled yet.
    pub fn unlink(&mut self, pid: &Pid) {
        relations::unlink(&self.pid(), pid);
        let of_the_link = |told: &Told<M>| match told {
            Told::Exit(exit, Origin::Link) => exit.from.as_ref() == Some(pid),
            _ => false,
        };
        let mut inner = self.slot.inner.lock();
        let extras = inner.extras.as_mut();
        let flushed = extras.map(|extras| take_told(&mut extras.told, of_the_link));
        drop(inner);
        drop(flushed);
        if let Some(rare) = &mut self.rare {
            take_told(&mut rare.told, of_the_link);
        }
    }

    /// Has the end of another process reported to [`GenServer::handle_down`], once.
    ///
    /// The report takes its turn behind all that the other process had sent before. For a process that
    /// has ended already it says [`ExitReason::NoProc`].
    pub fn monitor(&mut self, pid: &Pid) -> MonitorRef {
        let monitor = MonitorRef::next();
        let own = self.pid();
        self.rare().monitors.insert(monitor.0, pid.clone());
        let running = pid.relate(|relations| {
            relations.monitors.insert(monitor.0, own.clone());
        });
        if !running {
            self.tell_own(Told::Down(Box::new(Down {
                monitor,
                pid: pid.clone(),
                reason: ExitReason::NoProc,
            })));
        }
        monitor
    }

    /// Takes a monitor away, and tells whether its report was still to come. After it none arrives, nor
    /// one that waits already.
    pub fn demonitor(&mut self, monitor: MonitorRef) -> bool {
        let known = self.rare.as_mut();
        let Some(pid) = known.and_then(|rare| rare.monitors.remove(&monitor.0)) else {
            return false;
        };
        pid.forget_monitor(monitor);
        true
    }

    /// Starts a server linked with this process, and returns when its `init` has returned.
    ///
    /// The link is there before the new process runs. This process is the new one's parent: a new one that
    /// traps exits still ends when its parent does, in order and with its reason, whatever that is. One
    /// that does not trap exits ends as any linked process, which a `Normal` end of its parent leaves
    /// alone. A start that fails is only an error: no exit signal of it arrives here.
    ///
    /// The handler in hand waits for `init`, and this process for the handler. The future borrows nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done ends the new process, without an exit signal.
    ///
    /// # Errors
    ///
    /// As [`start`](crate::start()).
    pub fn start_link<S: GenServer>(
        &mut self,
        server: S,
    ) -> impl Future<Output = Result<ServerRef<S::Msg>, StartError>> + Send + use<M, S> {
        self.start_link_with(server, ServerOptions::default())
    }

    /// Starts a linked server with options; otherwise as [`start_link`](Context::start_link).
    ///
    /// # Cancel safety
    ///
    /// As [`start_link`](Context::start_link).
    ///
    /// # Errors
    ///
    /// As [`start_with`](crate::start_with).
    pub fn start_link_with<S: GenServer>(
        &mut self,
        server: S,
        options: ServerOptions,
    ) -> impl Future<Output = Result<ServerRef<S::Msg>, StartError>> + Send + use<M, S> {
        start::begin(server, options, Some(self.pid()), None)
    }

    /// Runs a future as a process linked with this one; see [`spawn`](crate::spawn()).
    ///
    /// The link is there before the new process runs.
    pub fn spawn_link<F>(&mut self, future: F) -> Pid
    where
        F: Future<Output = Result<(), ExitReason>> + Send + 'static,
    {
        // A process is polled by its runtime, so there is one.
        let own = self.pid();
        spawn::launch(&Handle::current(), future, |pid| relations::link(&own, pid)).0
    }

    /// Runs a future as a process that this one monitors; see [`spawn`](crate::spawn()).
    ///
    /// The monitor is there before the new process runs: its reason cannot be missed.
    pub fn spawn_monitor<F>(&mut self, future: F) -> (Pid, MonitorRef)
    where
        F: Future<Output = Result<(), ExitReason>> + Send + 'static,
    {
        spawn::launch(&Handle::current(), future, |pid| self.monitor(pid))
    }

    fn relate_own(&self, change: impl FnOnce(&mut relations::Relations)) {
        let mut change = Some(change);
        self.slot.relate(self.number, &mut |relations| {
            if let Some(change) = change.take() {
                change(relations);
            }
        });
    }

    fn tell_own(&self, told: Told<M>) {
        // Refused only by a process that has ended, and this one runs.
        let _ = self.slot.tell(self.number, told);
    }
}
