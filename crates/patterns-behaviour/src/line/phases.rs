//! How a line stops accepting, gives up what it has, and begins again.

use std::sync::Arc;

use super::{Line, Phase, room_for};
use crate::GaveUp;

impl<D: ?Sized, M, T, E> Line<D, M, T, E> {
    /// Accepts no more, and goes on with what it has.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        let room = Arc::clone(&state.room);
        drop(state);
        room.close();
    }

    /// The same, for good.
    pub(crate) fn remove(&self) {
        self.state.lock().is_removed = true;
        self.close();
    }

    pub(crate) fn is_removed(&self) -> bool {
        self.state.lock().is_removed
    }

    /// Gives up what waits. What is under way is given up by who has it.
    pub(crate) fn shut(&self) {
        // Also what was not closed before: who sends from a listener below is told of the end, and not that there is no room.
        self.close();
        let mut state = self.state.lock();
        state.phase = Phase::Shut;
        let queue = std::mem::take(&mut state.queue);
        drop(state);
        for job in queue {
            self.bury(job, GaveUp::Stopped, false);
        }
    }

    /// Accepts again, after a stop of the dispatcher that its supervisor has followed by a start.
    pub(crate) fn reopen(&self) {
        let mut state = self.state.lock();
        if state.phase != Phase::Open && !state.is_removed {
            state.phase = Phase::Open;
            state.room = room_for(&self.config);
        }
    }
}
