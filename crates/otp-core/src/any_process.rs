//! What can be done to a process whatever its messages are.

use crate::exit_reason::ExitReason;
use crate::exits::{Down, ExitSignal};
use crate::mailbox::Told;
use crate::relations::Relations;
use crate::reply::Awaiting;
use crate::slot::Slot;
use crate::waits::{SlotId, Wait};
use crate::watch::ServerChange;

/// A slot, whatever its messages are. Where a method takes a `number`, it is that of an incarnation,
/// and nothing happens if that one has ended.
pub(crate) trait AnyProcess: Send + Sync {
    /// The number of the running incarnation, 0 for none.
    fn number(&self) -> u64;
    fn name(&self) -> Option<&str>;
    fn kill(&self, number: u64);
    fn crash(&self, number: u64, panic: ExitReason);
    /// Hears of the end, in a future; `None` if it has come.
    fn monitor(&self, number: u64) -> Option<Awaiting<ExitReason>>;
    /// Runs `change` under the lock, and tells whether it did.
    fn relate(&self, number: u64, change: &mut dyn FnMut(&mut Relations)) -> bool;
    fn exit_signal(&self, number: u64, signal: ExitSignal);
    /// Adds a handle if `parent` has started the process by `start_link`; tells whether it did.
    fn hold_for(&self, number: u64, parent: u64) -> bool;
    /// Takes such a handle away.
    fn release_handle(&self);
    fn tell_down(&self, number: u64, down: Down);
    fn tell_change(&self, number: u64, watch: u64, change: ServerChange);
    /// Takes out a watch over all incarnations.
    fn unwatch(&self, watch: u64);
    /// Writes down a wait of the process in hand; tells whether others can find it already.
    fn add_wait(&self, wait: Wait) -> bool;
    /// Others can find it from now on.
    fn can_be_found(&self, id: SlotId);
    /// What the process waits for at the moment.
    fn waits(&self) -> Vec<Wait>;
}

impl<M: Send + 'static> AnyProcess for Slot<M> {
    fn number(&self) -> u64 {
        self.number()
    }

    fn name(&self) -> Option<&str> {
        self.name()
    }

    fn kill(&self, number: u64) {
        self.kill(number);
    }

    fn crash(&self, number: u64, panic: ExitReason) {
        self.crash(number, panic);
    }

    fn monitor(&self, number: u64) -> Option<Awaiting<ExitReason>> {
        self.monitor(number)
    }

    fn relate(&self, number: u64, change: &mut dyn FnMut(&mut Relations)) -> bool {
        self.relate(number, change)
    }

    fn exit_signal(&self, number: u64, signal: ExitSignal) {
        self.exit_signal(number, signal);
    }

    fn hold_for(&self, number: u64, parent: u64) -> bool {
        self.number() == number && self.parent() == parent && self.add_handle()
    }

    fn release_handle(&self) {
        self.release_handle();
    }

    fn tell_down(&self, number: u64, down: Down) {
        // Nobody is left to be told if it is refused.
        let _ = self.tell(number, Told::Down(Box::new(down)));
    }

    fn tell_change(&self, number: u64, watch: u64, change: ServerChange) {
        let _ = self.tell(number, Told::Change(watch, change));
    }

    fn unwatch(&self, watch: u64) {
        self.unwatch(watch);
    }

    fn add_wait(&self, wait: Wait) -> bool {
        self.add_wait(wait)
    }

    fn can_be_found(&self, id: SlotId) {
        self.can_be_found(id);
    }

    fn waits(&self) -> Vec<Wait> {
        self.waits()
    }
}
