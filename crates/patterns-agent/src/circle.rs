//! Closures that wait for each other's states in a circle: found before the last one waits.
//!
//! A closure that changes its agent's state in place may ask for a snapshot of another agent, and waits if that one's
//! state is out as well. So one thread can wait for another, and that one for the first.
//!
//! Invariants:
//! 1. An entry says that a thread waits for a state that another thread has out. It is made under the lock of that
//!    state's cell while the state is out, and is removed under the same lock before the state can be out anew.
//! 2. The entries form no circle: who would close one is told, and makes none.

use parking_lot::Mutex;

use otp_core::Pid;

/// One thread among those that live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Thread(usize);

impl Thread {
    /// The one that runs this.
    #[inline]
    pub(crate) fn current() -> Self {
        // One byte of each thread, at an address of its own: cheaper to ask for than a thread's id.
        thread_local!(static PLACE: u8 = const { 0 });
        PLACE.with(|place| Self(std::ptr::from_ref(place).addr()))
    }
}

/// A thread that waits.
pub(crate) struct Wait {
    pub(crate) thread: Thread,
    /// The thread that has the state.
    pub(crate) holder: Thread,
    /// The cell of the state, by its address.
    pub(crate) cell: usize,
    /// The agent of the cell.
    pub(crate) agent: Option<Pid>,
}

static WAITS: Mutex<Vec<Wait>> = Mutex::new(Vec::new());

/// Notes that a thread waits. If it would wait for itself by way of others, the agents of that circle come back: first the
/// one whose closure asks.
pub(crate) fn begin(wait: Wait) -> Result<(), Vec<Pid>> {
    let mut waits = WAITS.lock();
    let mut circle = vec![wait.agent.clone()];
    let mut holder = wait.holder;
    while let Some(next) = waits.iter().find(|next| next.thread == holder) {
        circle.push(next.agent.clone());
        if next.holder == wait.thread {
            circle.rotate_right(1);
            return Err(circle.into_iter().flatten().collect());
        }
        holder = next.holder;
    }
    waits.push(wait);
    Ok(())
}

/// Nobody waits for the state of this cell any more.
pub(crate) fn end(cell: usize) {
    WAITS.lock().retain(|wait| wait.cell != cell);
}
