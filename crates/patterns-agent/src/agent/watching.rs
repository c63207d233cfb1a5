//! Looking at an agent's state without taking a turn, and waiting for it to change.

use std::sync::Arc;
use std::time::Duration;

use super::Agent;
use crate::error::AgentError;
use crate::observer::Waiter;
use crate::reader::Reader;
use crate::server::AgentMsg;
use crate::view::{Projection, View};

impl<T: Send + Sync + 'static> Agent<T> {
    /// Makes a reader, which takes snapshots of the state without asking the agent, and tells of new versions.
    ///
    /// It sees what was sent before. The first one has the agent show its state to others, and the last one's drop ends that.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no reader.
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::Agent;
    /// let routes = Agent::start(|| vec!["/", "/about"]).await?;
    /// let reader = routes.reader().await?;
    /// std::thread::spawn(move || assert_eq!(reader.snapshot().unwrap().len(), 2)).join().unwrap();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn reader(&self) -> Result<Reader<T>, AgentError>
    where
        T: Clone,
    {
        self.call(|core| {
            let reader = Reader::new(Arc::clone(core.shared()));
            core.share();
            Ok(reader)
        })
        .await
    }

    /// Waits until the version is greater than `seen`, and returns it. Without limit: put a time-out around it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: what counts is `seen`.
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Agent::wait_for).
    pub async fn changed(&self, seen: u64) -> Result<u64, AgentError> {
        self.wait_until(move |_, version| (version > seen).then_some(version))
            .await
    }

    /// Waits for a version of which `predicate` says yes, and returns its number. Without limit: put a time-out around it.
    ///
    /// It sees the present state, and then every version there is, none left out: it runs in the agent, inside the
    /// update that made the version. So it should be quick, and for a moment true is enough. Its panic is told to this caller alone, and
    /// the agent goes on.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the waiting. The predicate may run once more, and is dropped in the agent at a later version or
    /// by others that wait.
    ///
    /// # Errors
    ///
    /// [`AgentError::Exited`] if this incarnation of the agent ends; [`AgentError::Panicked`] if the predicate does. See
    /// [`AgentError`].
    pub async fn wait_for(
        &self,
        mut predicate: impl FnMut(&T) -> bool + Send + 'static,
    ) -> Result<u64, AgentError> {
        self.wait_until(move |state, version| predicate(state).then_some(version))
            .await
    }

    /// Waits for a version of which `find` makes something, and returns that; otherwise as [`wait_for`](Agent::wait_for).
    ///
    /// # Cancel safety
    ///
    /// As [`wait_for`](Agent::wait_for).
    ///
    /// # Errors
    ///
    /// As [`wait_for`](Agent::wait_for).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::Agent;
    /// let leader = Agent::start(|| None).await?;
    /// let election = leader.clone();
    /// tokio::spawn(async move { election.update(|leader| *leader = Some("node-3")).await });
    ///
    /// assert_eq!(leader.wait_for_some(|leader| *leader).await?, "node-3");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_for_some<R: Send + 'static>(
        &self,
        mut find: impl FnMut(&T) -> Option<R> + Send + 'static,
    ) -> Result<R, AgentError> {
        self.wait_until(move |state, _| find(state)).await
    }

    async fn wait_until<R: Send + 'static>(
        &self,
        find: impl FnMut(&T, u64) -> Option<R> + Send + 'static,
    ) -> Result<R, AgentError> {
        let request = |reply| {
            AgentMsg::new(move |core| {
                core.wait(Box::new(Waiter::new(find, reply)));
                None
            })
        };
        Ok(self.server.call_timeout(request, Duration::MAX).await??)
    }

    /// Makes a view: what `project` makes of the state, kept up to date by the agent.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no view.
    ///
    /// # Errors
    ///
    /// [`AgentError::Panicked`] if `project` panics, which does the agent no harm. See [`AgentError`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::Agent;
    /// let names = Agent::start(|| vec!["Joe"]).await?;
    /// let mut count = names.view(|names| names.len()).await?;
    /// names.update(|names| names.push("Robert")).await?;
    /// assert_eq!(*count.get(), 2);
    ///
    /// names.update(|names| names.reverse()).await?; // no change of the count
    /// names.update(|names| names.push("Mike")).await?;
    /// assert_eq!(*count.recv().await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn view<U: PartialEq + Send + Sync + 'static>(
        &self,
        project: impl FnMut(&T) -> U + Send + 'static,
    ) -> Result<View<U>, AgentError> {
        let request = |reply| {
            AgentMsg::new(move |core| {
                core.view(Box::new(Projection::new(project, reply)));
                None
            })
        };
        Ok(self.server.call_timeout(request, self.timeout).await??)
    }
}
