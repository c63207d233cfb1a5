//! Metrics by name: numbers, and how long work takes.

mod metric;
mod table;
mod timed;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::metric::{Metric, Timing};
use self::table::Table;
use self::timed::Timed;
use crate::{
    Agent, AgentConfig, AgentError, AgentInfo, AgentMsg, Child, Pid, StartError, StopError,
};

/// The name of a metric.
type Name = Cow<'static, str>;

/// The options of [`Statistics`].
#[derive(Debug, Clone)]
pub struct StatisticsConfig {
    /// How many metrics there may be, 1 or more. Default: 10,000.
    ///
    /// What would make one more is refused with [`AgentError::Refused`]; the work that [`time`](Statistics::time) measures is done all
    /// the same, and [`unrecorded`](Statistics::unrecorded) counts it.
    pub max_metrics: NonZeroUsize,
    /// The name for log events and listings. Default: `None`.
    pub name: Option<Arc<str>>,
    /// How many requests may wait for their turn. Default: `None`, no bound. See [`AgentConfig::mailbox_capacity`].
    pub mailbox_capacity: Option<NonZeroUsize>,
    /// How long a request waits for its answer. Default: 5 s.
    pub call_timeout: Duration,
}

impl Default for StatisticsConfig {
    fn default() -> Self {
        Self {
            max_metrics: NonZeroUsize::new(10_000).unwrap_or(NonZeroUsize::MIN),
            name: None,
            mailbox_capacity: None,
            call_timeout: Duration::from_secs(5),
        }
    }
}

/// Metrics by name: an [`Agent`] of a map.
///
/// A metric can have a number, which `increment`, `add` and `set` change and which saturates, and a [`Timing`], which `time` adds to.
/// The two do not touch each other.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_agent::Statistics;
///
/// let stats = Statistics::start().await?;
/// stats.increment("requests").await?;
/// stats.add("bytes", 512).await?;
/// let answer = stats.time("work", async { 6 * 7 }).await;
///
/// assert_eq!((answer, stats.get("requests").await?), (42, Some(1)));
/// assert_eq!(stats.timing("work").await?.map(|timing| timing.count), Some(1));
/// assert_eq!(stats.average_time("play").await?, None);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "they end when their last handle is dropped"]
pub struct Statistics {
    agent: Agent<Table>,
    unrecorded: Arc<AtomicU64>,
}

/// A message to the agent of [`Statistics`], which only its handles can make: for what names it.
pub type StatisticsMsg = AgentMsg<Table>;

impl Statistics {
    /// Starts without any metric, and with the default options.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::start`].
    ///
    /// # Errors
    ///
    /// As [`Agent::start`].
    pub async fn start() -> Result<Self, StartError> {
        Self::start_with(StatisticsConfig::default()).await
    }

    /// Starts with options.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::start`].
    ///
    /// # Errors
    ///
    /// As [`Agent::start`].
    pub async fn start_with(config: StatisticsConfig) -> Result<Self, StartError> {
        let table = Table::new(config.max_metrics.get());
        let agent = Agent::start_with(agent_config(config), move || table).await?;
        Ok(Self::of(agent))
    }

    /// Specifies it as a child of a supervisor. It begins without any metric at each start.
    pub fn child(
        id: impl Into<Arc<str>>,
        config: StatisticsConfig,
    ) -> (Child<StatisticsMsg>, Self) {
        let most = config.max_metrics.get();
        let (child, agent) = Agent::child(id, agent_config(config), move || Table::new(most));
        (child, Self::of(agent))
    }

    fn of(agent: Agent<Table>) -> Self {
        Self {
            agent,
            unrecorded: Arc::new(AtomicU64::new(0)),
        }
    }

    /// Adds one to a metric's number, which begins at zero.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// [`AgentError::Refused`] if it would be one metric too many. See [`AgentError`].
    pub async fn increment(&self, metric: impl Into<Cow<'static, str>>) -> Result<(), AgentError> {
        self.add(metric, 1).await
    }

    /// Adds to a metric's number, which begins at zero. `amount` may be negative.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// As [`increment`](Statistics::increment).
    pub async fn add(
        &self,
        metric: impl Into<Cow<'static, str>>,
        amount: i64,
    ) -> Result<(), AgentError> {
        let name = metric.into();
        self.agent
            .update_if(move |table| table.add(name, amount))
            .await
    }

    /// Adds to a metric's number without waiting for it.
    ///
    /// # Errors
    ///
    /// As [`Agent::cast`]. One metric too many is counted by [`unrecorded`](Statistics::unrecorded).
    pub fn cast_add(
        &self,
        metric: impl Into<Cow<'static, str>>,
        amount: i64,
    ) -> Result<(), AgentError> {
        let (name, unrecorded) = (metric.into(), Arc::clone(&self.unrecorded));
        self.agent.cast(move |table| {
            if table.add(name, amount).is_err() {
                unrecorded.fetch_add(1, Ordering::Relaxed);
            }
        })
    }

    /// Sets a metric's number.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// As [`increment`](Statistics::increment).
    pub async fn set(
        &self,
        metric: impl Into<Cow<'static, str>>,
        number: i64,
    ) -> Result<(), AgentError> {
        let name = metric.into();
        self.agent
            .update_if(move |table| table.set(name, number))
            .await
    }

    /// Returns a metric's number, or `None` if it has none.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::get`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn get(&self, metric: &str) -> Result<Option<i64>, AgentError> {
        let metric = self.metric(metric).await?;
        Ok(metric.and_then(|metric| metric.number))
    }

    /// Returns how often and how long a metric's work was done, or `None` if it never was.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::get`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn timing(&self, metric: &str) -> Result<Option<Timing>, AgentError> {
        let metric = self.metric(metric).await?;
        Ok(metric.and_then(|metric| metric.timing))
    }

    /// Returns how long a metric's work takes on average, or `None` if it was never done.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::get`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn average_time(&self, metric: &str) -> Result<Option<Duration>, AgentError> {
        let timing = self.timing(metric).await?;
        Ok(timing.map(|timing| timing.average()))
    }

    /// Returns all metrics, by name.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::get`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn get_all(&self) -> Result<BTreeMap<String, Metric>, AgentError> {
        self.agent.get(Table::all).await
    }

    /// Removes a metric: its number and its timing. Returns them.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn reset(&self, metric: &str) -> Result<Option<Metric>, AgentError> {
        let name = metric.to_owned();
        self.agent
            .get_and_update(move |table| table.remove(&name))
            .await
    }

    /// Removes all metrics. Returns them.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::update`].
    ///
    /// # Errors
    ///
    /// See [`AgentError`].
    pub async fn reset_all(&self) -> Result<BTreeMap<String, Metric>, AgentError> {
        self.agent.get_and_update(Table::clear).await
    }

    /// Does work and notes how long it took. Returns what the work returns.
    ///
    /// It is noted however the work ends: also if that is an error, a panic, or the drop of this future after its first poll. It runs here
    /// and not in the agent, and its result is returned whether or not the time could be noted. What is asked of the statistics from here
    /// afterwards sees it.
    ///
    /// # Cancel safety
    ///
    /// That of the work.
    pub async fn time<W: Future>(
        &self,
        metric: impl Into<Cow<'static, str>>,
        work: W,
    ) -> W::Output {
        let _timed = Timed::begin(self, metric.into());
        work.await
    }

    /// Does work that does not wait, and notes how long it took; otherwise as [`time`](Statistics::time).
    pub fn time_sync<R>(
        &self,
        metric: impl Into<Cow<'static, str>>,
        work: impl FnOnce() -> R,
    ) -> R {
        let _timed = Timed::begin(self, metric.into());
        work()
    }

    /// Returns how often something sent without waiting could not be noted: because there were too many metrics, the mailbox was full, or
    /// the agent was not there.
    #[must_use]
    pub fn unrecorded(&self) -> u64 {
        self.unrecorded.load(Ordering::Relaxed)
    }

    /// Returns the process that runs it at this moment, if one does.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        self.agent.pid()
    }

    /// Tells how its agent is doing, without asking it.
    #[must_use]
    pub fn info(&self) -> AgentInfo {
        self.agent.info()
    }

    /// Stops it, when all that was sent before is done.
    ///
    /// # Cancel safety
    ///
    /// As [`Agent::stop`].
    ///
    /// # Errors
    ///
    /// As [`Agent::stop`].
    pub async fn stop(&self) -> Result<(), StopError> {
        self.agent.stop().await
    }

    async fn metric(&self, metric: &str) -> Result<Option<Metric>, AgentError> {
        let name = metric.to_owned();
        self.agent.get(move |table| table.get(&name)).await
    }

    /// Notes that work took `time`, without waiting.
    fn note(&self, name: Name, time: Duration) {
        let unrecorded = Arc::clone(&self.unrecorded);
        let sent = self.agent.cast(move |table| {
            if table.note(name, time).is_err() {
                unrecorded.fetch_add(1, Ordering::Relaxed);
            }
        });
        if sent.is_err() {
            self.unrecorded.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn agent_config(config: StatisticsConfig) -> AgentConfig<Table> {
    AgentConfig {
        name: config.name,
        mailbox_capacity: config.mailbox_capacity,
        call_timeout: config.call_timeout,
        ..AgentConfig::default()
    }
}
