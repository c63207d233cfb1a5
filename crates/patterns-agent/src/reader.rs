//! Reading a state without taking a turn, and its versions as they come.

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use otp_core::wakers::Ticket;

use crate::core::Shared;
use crate::error::AgentError;

/// A state, and which version it is.
#[derive(Debug)]
#[non_exhaustive]
pub struct Change<T> {
    /// Its version. If it is greater by more than one than that of the change before, those in between were skipped.
    pub version: u64,
    /// The state. While it is held, the agent's next update works on a copy.
    pub state: Arc<T>,
}

impl<T> Clone for Change<T> {
    fn clone(&self) -> Self {
        Self {
            version: self.version,
            state: Arc::clone(&self.state),
        }
    }
}

/// Reads an agent's state without asking the agent; see [`Agent::reader`](crate::Agent::reader).
///
/// Its snapshots are plain function calls, from async and sync code alike. It cannot change the state, and does not keep
/// the agent running. It goes on over a supervisor's restarts.
///
/// # What it costs the agent
///
/// While there is a reader, an update takes a lock twice, for some nanoseconds each. While a snapshot is held, the next
/// update works on a copy of the state, and only that one, for the copy is nobody else's. So a snapshot is best dropped
/// as soon as it has served.
pub struct Reader<T> {
    shared: Arc<Shared<T>>,
    /// The version that `recv` returned last, or that was there when it was made.
    seen: u64,
    ticket: Ticket,
}

impl<T: Clone> Reader<T> {
    /// To be called by the agent's process, or before there is one.
    pub(crate) fn new(shared: Arc<Shared<T>>) -> Self {
        shared.cell.add_reader(T::clone);
        Self {
            seen: shared.cell.version(),
            shared,
            ticket: Ticket::default(),
        }
    }
}

impl<T> Reader<T> {
    /// Returns the latest state: what all updates have made whose calls have returned. It never changes.
    ///
    /// It takes no turn in the mailbox, and waits for no other reader. Only if a closure is changing the state in place at this
    /// very moment, on another thread, it blocks the thread until that closure has returned. With
    /// [`OnPanic::Restore`](crate::OnPanic::Restore), with a validator, and in an async update, closures work on a copy, and a
    /// snapshot never waits for them.
    ///
    /// # Errors
    ///
    /// [`AgentError::NoProc`] if the agent has ended, or is between two incarnations. [`AgentError::CallingSelf`] in a
    /// closure that is changing this state in place. [`AgentError::Deadlock`] in a closure of another agent, if the closure
    /// that changes this state waits for that one, be it by way of others.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::Agent;
    /// let names = Agent::start(|| vec!["Joe"]).await?;
    /// let reader = names.reader().await?;
    /// let before = reader.snapshot()?;
    /// names.update(|names| names.push("Robert")).await?;
    ///
    /// assert_eq!(*before, ["Joe"]);
    /// assert_eq!(*reader.snapshot()?, ["Joe", "Robert"]);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn snapshot(&self) -> Result<Arc<T>, AgentError> {
        let (_, state) = self.shared.cell.snapshot()?;
        Ok(state)
    }

    /// Returns the latest state with its version; otherwise as [`snapshot`](Reader::snapshot).
    ///
    /// # Errors
    ///
    /// As [`snapshot`](Reader::snapshot).
    pub fn latest(&self) -> Result<Change<T>, AgentError> {
        let (version, state) = self.shared.cell.snapshot()?;
        Ok(Change { version, state })
    }

    /// Waits until there is a version newer than the one that this last returned, or than the one that was there when the
    /// reader was made, and returns the latest.
    ///
    /// Nothing queues: who reads slowly gets the latest version and misses those before.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no version.
    ///
    /// # Errors
    ///
    /// [`AgentError::NoProc`] when the agent has ended for good.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::Agent;
    /// let level = Agent::start(|| 0).await?;
    /// let mut reader = level.reader().await?;
    /// level.update(|level| *level = 1).await?;
    /// level.update(|level| *level = 2).await?;
    ///
    /// let latest = reader.recv().await?;
    /// assert_eq!((latest.version, *latest.state), (3, 2));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Result<Change<T>, AgentError> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Polls for what [`recv`](Reader::recv) waits for: `stream::poll_fn` of the crate `futures` makes a `Stream` of it.
    ///
    /// # Errors
    ///
    /// As [`recv`](Reader::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<Change<T>, AgentError>> {
        let newer = self.shared.cell.poll_newer(self.seen, &mut self.ticket, cx);
        let (version, state) = ready!(newer)?;
        self.seen = version;
        Poll::Ready(Ok(Change { version, state }))
    }

    /// Returns the version of the latest state, as [`Agent::version`](crate::Agent::version).
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared.cell.version()
    }
}

impl<T: Clone> Clone for Reader<T> {
    /// Makes another one, for which the same versions are new.
    fn clone(&self) -> Self {
        self.shared.cell.add_reader(T::clone);
        Self {
            shared: Arc::clone(&self.shared),
            seen: self.seen,
            ticket: Ticket::default(),
        }
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        self.shared.cell.leave(self.ticket);
        self.shared.cell.remove_reader();
    }
}

impl<T> fmt::Debug for Reader<T> {
    /// Shows no state, and waits for nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader")
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
