//! What several modules need.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use patterns_agent::{Agent, AgentConfig, AgentError, ExitReason, OnPanic};
use testing::secs;
use tokio::sync::oneshot;

/// Starts an agent with the default options.
pub(crate) async fn agent<T: Send + Sync + 'static>(state: T) -> Agent<T> {
    Agent::start(move || state).await.unwrap()
}

/// Starts an agent in which a panic changes nothing.
pub(crate) async fn restoring<T: Clone + Send + Sync + 'static>(state: T) -> Agent<T> {
    let config = AgentConfig {
        on_panic: OnPanic::Restore(Clone::clone),
        ..AgentConfig::default()
    };
    Agent::start_with(config, move || state).await.unwrap()
}

/// Keeps the agent busy until the sender is used or dropped.
pub(crate) fn keep_busy<T: Clone + Send + Sync + 'static>(agent: &Agent<T>) -> oneshot::Sender<()> {
    let (release, released) = oneshot::channel::<()>();
    let busy = agent.with_timeout(Duration::MAX);
    let update = async move {
        busy.update_async(|state| async move {
            let _ = released.await;
            state
        })
        .await
    };
    // Its first poll sends it, and then nobody need wait for it.
    assert!(
        pin!(update)
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    release
}

/// The outcome of a future that must come. What never comes is a failure and not a hang.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let outcome = tokio::time::timeout(secs(60), future).await;
    outcome.expect("it hangs")
}

/// The message of the panic for which the agent ended.
pub(crate) fn fatal(error: AgentError) -> String {
    match error {
        AgentError::Exited(ExitReason::Panic(panic)) => panic.message().to_owned(),
        other => panic!("not the end by a panic: {other:?}"),
    }
}

/// The message of a panic that changed nothing.
pub(crate) fn harmless(error: AgentError) -> String {
    match error {
        AgentError::Panicked(message) => message.to_string(),
        other => panic!("not a harmless panic: {other:?}"),
    }
}

/// A number whose clones are counted.
#[derive(Debug, Default)]
pub(crate) struct Sheep {
    pub(crate) number: u64,
    pub(crate) clones: Arc<AtomicUsize>,
}

impl Sheep {
    pub(crate) fn count(clones: &AtomicUsize) -> usize {
        clones.load(Ordering::SeqCst)
    }
}

impl Clone for Sheep {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::SeqCst);
        Self {
            number: self.number,
            clones: Arc::clone(&self.clones),
        }
    }
}
