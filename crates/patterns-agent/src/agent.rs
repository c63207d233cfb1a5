//! The handle: what a program does with an agent.

mod asynchronous;
mod watching;

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use otp_core::contained::{contain, drop_contained};
use otp_core::{Child, Pid, ReplyTo, ServerRef, StartError, StopError};

use crate::config::AgentConfig;
use crate::core::{Core, Failure, Shared};
use crate::error::{AgentError, Fault};
use crate::info::AgentInfo;
use crate::server::{AgentMsg, AgentServer, Life, Work};

/// State behind a process, which changes it one closure after the other.
///
/// A handle is cheap to clone, and all clones are one agent. Closures run in the agent's process, in the order in which
/// they were sent, each of them whole before the next one begins. The agent ends with its last handle, after it has
/// worked off what was sent, unless a supervisor keeps it: see [`child`](Agent::child).
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_agent::Agent;
///
/// let names = Agent::start(Vec::new).await?;
/// names.update(|names| names.push("Joe")).await?;
/// names.cast(|names| names.push("Robert"))?;
///
/// assert_eq!(names.get(|names| names.len()).await?, 2);
/// assert_eq!(names.get_and_update(|names| names.pop()).await?, Some("Robert"));
/// # Ok(())
/// # }
/// ```
#[must_use = "the agent ends when its last handle is dropped"]
pub struct Agent<T> {
    server: ServerRef<AgentMsg<T>>,
    shared: Arc<Shared<T>>,
    timeout: Duration,
}

impl<T: Send + Sync + 'static> Agent<T> {
    /// Starts an agent with the default options. `initial` makes the first state, in the agent's process.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped, there is no agent, and what had begun of it ends.
    ///
    /// # Errors
    ///
    /// [`StartError::Failed`] if `initial` panics; [`StartError::NoRuntime`] and others if there cannot be a process here.
    pub async fn start(initial: impl FnOnce() -> T + Send + 'static) -> Result<Self, StartError> {
        Self::start_with(AgentConfig::default(), initial).await
    }

    /// Starts an agent with options; otherwise as [`start`](Agent::start).
    ///
    /// # Cancel safety
    ///
    /// As [`start`](Agent::start).
    ///
    /// # Errors
    ///
    /// As [`start`](Agent::start). If the validator refuses the first state, it is [`StartError::Failed`] with a reason whose
    /// cause is [`AgentError::Refused`].
    pub async fn start_with(
        config: AgentConfig<T>,
        initial: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Self, StartError> {
        Self::begin(Arc::new(Shared::new()), config, initial).await
    }

    /// Starts an agent whose shared part is there already, with readers.
    pub(crate) async fn begin(
        shared: Arc<Shared<T>>,
        config: AgentConfig<T>,
        initial: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Self, StartError> {
        let (options, timeout) = (config.server_options(), config.call_timeout);
        let life = Some(Life(Arc::clone(&shared)));
        let server = AgentServer::new(Arc::clone(&shared), config, initial, life);
        Ok(Self {
            server: otp_core::start_with(server, options).await?,
            shared,
            timeout,
        })
    }

    /// Specifies an agent as a child of a supervisor. `initial` makes the first state anew at each start.
    ///
    /// The handle is valid now, and after each restart: what is sent while the agent does not run waits for it. The child is
    /// a permanent one, unless its specification is told otherwise.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use patterns_agent::{Strategy, Supervisor};
    /// use patterns_agent::{Agent, AgentConfig, AgentError};
    ///
    /// let (child, hits) = Agent::child("hits", AgentConfig::default(), || 0_u32);
    /// let tree = Supervisor::new(Strategy::OneForOne).child(child).start().await?;
    ///
    /// hits.update(|hits| *hits = 10).await?;
    /// let error = hits.update(|hits| assert!(*hits < 5, "too many")).await.unwrap_err();
    /// assert!(matches!(error, AgentError::Exited(_)));
    /// assert_eq!(hits.get(|hits| *hits).await?, 0);
    /// # tree.stop().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn child(
        id: impl Into<Arc<str>>,
        config: AgentConfig<T>,
        initial: impl Fn() -> T + Send + Sync + 'static,
    ) -> (Child<AgentMsg<T>>, Self) {
        let (options, timeout) = (config.server_options(), config.call_timeout);
        let shared = Arc::new(Shared::new());
        let (life, initial) = (Life(Arc::clone(&shared)), Arc::new(initial));
        let child = Child::server_with(id, options, move || {
            let initial = Arc::clone(&initial);
            AgentServer::new(Arc::clone(&life.0), config.clone(), move || initial(), None)
        });
        let server = child.server_ref();
        let agent = Self {
            server,
            shared,
            timeout,
        };
        (child, agent)
    }

    /// Reads the state, after everything that was sent before, and returns what `read` makes of it.
    ///
    /// To look at the latest state again and again without taking a turn, get a [`reader`](Agent::reader).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is safe at any time: the closure may still run, and its result is dropped.
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    #[inline]
    pub fn get<R: Send + 'static>(
        &self,
        read: impl FnOnce(&T) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, AgentError>> + Send {
        self.call(move |core| core.read(read))
    }

    /// Reads the state, and returns its version and what `read` makes of it; otherwise as [`get`](Agent::get).
    ///
    /// # Cancel safety
    ///
    /// As [`get`](Agent::get).
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub fn get_versioned<R: Send + 'static>(
        &self,
        read: impl FnOnce(&T) -> R + Send + 'static,
    ) -> impl Future<Output = Result<(u64, R), AgentError>> + Send {
        self.call(move |core| Ok((core.version(), core.read(read)?)))
    }

    /// Changes the state, and returns when that is done.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future calls nothing off: once it was polled, the closure runs, whole.
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    #[inline]
    pub fn update(
        &self,
        change: impl FnOnce(&mut T) + Send + 'static,
    ) -> impl Future<Output = Result<(), AgentError>> + Send {
        self.call(move |core| core.update(change))
    }

    /// Changes the state, and returns what `change` returns.
    ///
    /// # Cancel safety
    ///
    /// As [`update`](Agent::update).
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    #[inline]
    pub fn get_and_update<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, AgentError>> + Send {
        self.call(move |core| core.update(change))
    }

    /// Changes the state, or refuses to before it has touched it: then there is no new version.
    pub(crate) fn update_if<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut T) -> Result<R, Fault> + Send + 'static,
    ) -> impl Future<Output = Result<R, AgentError>> + Send {
        self.call(move |core| core.update_if(change))
    }

    /// Changes the state if it is still of this version, and returns what `change` returns.
    ///
    /// # Cancel safety
    ///
    /// As [`update`](Agent::update).
    ///
    /// # Errors
    ///
    /// [`AgentError::Conflict`] if the version is another one by now: the closure does not run then. See [`AgentError`] for the others.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::{Agent, AgentError};
    /// let text = Agent::start(|| String::from("draft")).await?;
    /// let (version, length) = text.get_versioned(|text| text.len()).await?;
    /// text.update(|text| text.push('!')).await?;
    ///
    /// let late = text.compare_and_update(version, move |text| text.truncate(length)).await;
    /// assert!(matches!(late, Err(AgentError::Conflict { current: 2 })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn compare_and_update<R: Send + 'static>(
        &self,
        version: u64,
        change: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> impl Future<Output = Result<R, AgentError>> + Send {
        self.call(move |core| match core.version() {
            current if current == version => core.update(change),
            current => {
                drop_contained(change);
                Err(Failure::Told(Fault::Conflict(current)))
            }
        })
    }

    /// Sends a change and goes on. `Ok` means accepted: it runs when its turn comes.
    ///
    /// Nobody is told of its panic, or that the validator has refused what it made: [`info`](Agent::info) counts them.
    ///
    /// # Errors
    ///
    /// [`AgentError::Full`] if the mailbox is bounded and has no room, [`AgentError::NoProc`] if the agent has ended. The closure is
    /// dropped.
    #[inline]
    pub fn cast(&self, change: impl FnOnce(&mut T) + Send + 'static) -> Result<(), AgentError> {
        self.server.cast(casting(change)).map_err(AgentError::from)
    }

    /// Sends a change, waiting for room in a bounded mailbox; otherwise as [`cast`](Agent::cast).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the closure, unless it was let in just before.
    ///
    /// # Errors
    ///
    /// [`AgentError::NoProc`] if the agent has ended, or ends meanwhile.
    pub async fn cast_wait(
        &self,
        change: impl FnOnce(&mut T) + Send + 'static,
    ) -> Result<(), AgentError> {
        let sent = self.server.cast_wait(casting(change)).await;
        sent.map_err(AgentError::from)
    }

    /// Stops the agent and waits for its end. What was sent before is done before.
    ///
    /// A supervisor starts a permanent child again.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back: the agent goes on stopping.
    ///
    /// # Errors
    ///
    /// [`StopError::NoProc`] if the agent has ended, [`StopError::Exited`] if it ends for another reason,
    /// [`StopError::CallingSelf`] or [`StopError::Deadlock`] if it would wait for itself.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.server.stop().await
    }

    /// Returns the process that runs the agent at this moment, if one does: to monitor it, or to kill it.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.server.pid()
    }

    #[inline]
    pub(crate) fn shared(&self) -> &Arc<Shared<T>> {
        &self.shared
    }

    #[inline]
    fn call<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Core<T>) -> Result<R, Failure> + Send + 'static,
    ) -> impl Future<Output = Result<R, AgentError>> + Send {
        let request = |reply| AgentMsg::new(move |core| answer(job(core), reply));
        let call = self.server.call_timeout(request, self.timeout);
        // One future around the other, for each one more is a copy of what the closure has captured.
        async move {
            match call.await {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(fault)) => Err(fault.into()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

impl<T> Agent<T> {
    /// Returns a handle whose calls wait for their answers for `timeout`.
    ///
    /// For a single call: `agent.with_timeout(soon).get(|state| ..)`. Zero times out as soon as the runtime gets to it,
    /// `Duration::MAX` waits without limit.
    #[must_use = "the handle that it is called on keeps its own"]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self {
            timeout,
            ..self.clone()
        }
    }

    /// Returns the version of the state: how many states there were, this one included, over all restarts. Zero before
    /// the first start.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.shared.cell.version()
    }

    /// Tells whether the agent is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// Tells how the agent is doing, without asking it.
    #[must_use]
    pub fn info(&self) -> AgentInfo {
        let server = self.server.info();
        AgentInfo {
            name: server.name,
            state: server.state,
            version: self.version(),
            waiting: server.mailbox_len,
            handled: server.handled,
            panicked: self.shared.panicked.load(Ordering::Relaxed),
            refused: self.shared.refused.load(Ordering::Relaxed),
        }
    }
}

#[inline]
fn casting<T: 'static>(change: impl FnOnce(&mut T) + Send + 'static) -> AgentMsg<T> {
    // Captures the closure alone: one that captures nothing itself needs no allocation then.
    AgentMsg::new(move |core| {
        if let Err(Failure::Fatal(payload)) = core.update(change) {
            payload.resume();
        }
        None
    })
}

/// Tells the caller, or leaves it to the end of the process to tell it.
#[inline]
fn answer<T, R>(
    outcome: Result<R, Failure>,
    reply: ReplyTo<Result<R, Box<Fault>>>,
) -> Option<Work<T>> {
    let outcome = match outcome {
        Ok(result) => Ok(result),
        Err(Failure::Told(fault)) => Err(Box::new(fault)),
        // The hook has told of it. otp-core makes it the reason for which the process ends, and tells that to the caller,
        // whose reply is dropped on the way.
        Err(Failure::Fatal(payload)) => payload.resume(),
    };
    // If the caller has gone, the result is dropped here.
    if !mem::needs_drop::<R>() {
        reply.send(outcome);
    } else {
        contain(|| reply.send(outcome));
    }
    None
}

impl<T> Clone for Agent<T> {
    fn clone(&self) -> Self {
        Self {
            server: self.server.clone(),
            shared: Arc::clone(&self.shared),
            timeout: self.timeout,
        }
    }
}

impl<T> fmt::Debug for Agent<T> {
    /// Shows no state, and asks nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("name", &self.server.info().name)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
