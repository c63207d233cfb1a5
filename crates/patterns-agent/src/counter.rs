//! A counter.

use std::sync::Arc;

use crate::{Agent, AgentConfig, AgentError, AgentMsg, Child, Pid, StartError};

/// A number that many count up and down: an [`Agent`] of an `i64`.
///
/// It saturates: at `i64::MAX` it stays there when it is incremented, and at `i64::MIN` when it is decremented.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_agent::Counter;
///
/// let counter = Counter::start(10).await?;
/// assert_eq!(counter.increment().await?, 11);
/// assert_eq!(counter.add(-5).await?, 6);
/// assert_eq!(counter.reset().await?, 6);
///
/// counter.cast_increment()?; // without waiting
/// assert_eq!(counter.get().await?, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "the counter ends when its last handle is dropped"]
pub struct Counter {
    agent: Agent<i64>,
}

impl Counter {
    /// Starts a counter at `initial`.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::start`].
    ///
    /// # Errors
    ///
    /// As [`Agent::start`].
    pub async fn start(initial: i64) -> Result<Self, StartError> {
        Self::start_with(AgentConfig::default(), initial).await
    }

    /// Starts a counter with options; a validator can keep it within bounds.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::start`].
    ///
    /// # Errors
    ///
    /// As [`Agent::start_with`].
    pub async fn start_with(config: AgentConfig<i64>, initial: i64) -> Result<Self, StartError> {
        let agent = Agent::start_with(config, move || initial).await?;
        Ok(Self { agent })
    }

    /// Specifies a counter as a child of a supervisor. It begins at `initial` at each start.
    pub fn child(
        id: impl Into<Arc<str>>,
        config: AgentConfig<i64>,
        initial: i64,
    ) -> (Child<AgentMsg<i64>>, Self) {
        let (child, agent) = Agent::child(id, config, move || initial);
        (child, Self { agent })
    }

    /// Returns the number, after everything that was sent before.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::get`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn get(&self) -> Result<i64, AgentError> {
        self.agent.get(|number| *number).await
    }

    /// Adds one. Returns the new number.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn increment(&self) -> Result<i64, AgentError> {
        self.agent.get_and_update(|number| plus(number, 1)).await
    }

    /// Takes one away. Returns the new number.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn decrement(&self) -> Result<i64, AgentError> {
        self.agent.get_and_update(|number| plus(number, -1)).await
    }

    /// Adds `amount`, which may be negative. Returns the new number.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn add(&self, amount: i64) -> Result<i64, AgentError> {
        let add = move |number: &mut _| plus(number, amount);
        self.agent.get_and_update(add).await
    }

    /// Sets the number to zero, whatever it began with. Returns the previous one.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn reset(&self) -> Result<i64, AgentError> {
        self.set(0).await
    }

    /// Sets the number. Returns the previous one.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn set(&self, number: i64) -> Result<i64, AgentError> {
        let set = move |before: &mut _| std::mem::replace(before, number);
        self.agent.get_and_update(set).await
    }

    /// Adds one, without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`Agent::cast`].
    #[inline]
    pub fn cast_increment(&self) -> Result<(), AgentError> {
        self.agent.cast(|number| *number = number.saturating_add(1))
    }

    /// Adds `amount`, without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`Agent::cast`].
    #[inline]
    pub fn cast_add(&self, amount: i64) -> Result<(), AgentError> {
        self.agent
            .cast(move |number| *number = number.saturating_add(amount))
    }

    /// Returns the process that runs it at this moment, if one does.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.agent.pid()
    }

    /// Returns the agent: to wait for a number, to watch it, to stop it.
    pub fn agent(&self) -> &Agent<i64> {
        &self.agent
    }
}

fn plus(number: &mut i64, amount: i64) -> i64 {
    *number = number.saturating_add(amount);
    *number
}
