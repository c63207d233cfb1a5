//! The channel of tests: it keeps what it is given.

use std::fmt;
use std::mem;
use std::sync::Arc;

use otp_core::{CastError, Recipient};
use parking_lot::Mutex;

use super::{Channel, ChannelError, Options};
use crate::BoxFuture;

/// What a [`Collector`] sends to its [`Target`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collected {
    /// The name of the channel.
    pub channel: String,
    /// What was delivered.
    pub text: String,
}

/// As an option of one delivery: where a [`Collector`] sends it, instead of keeping it.
#[derive(Debug, Clone)]
pub struct Target(
    /// The address of a process or of an [`inbox`](otp_core::inbox).
    pub Recipient<Collected>,
);

/// Keeps what it is given, or sends it to a process: to see what was delivered, in a test. Its name is `collector`. Clones share what they keep.
///
/// What it keeps has no bound; [`take`](Self::take) empties it.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use patterns_behaviour::inbox;
/// use patterns_behaviour::notification::{Channel, Collected, Collector, Options, Target};
///
/// let collector = Collector::new();
/// collector.deliver("kept", &Options::new()).await?;
/// assert_eq!(collector.take(), ["kept"]);
///
/// let (address, mut inbox) = inbox::<Collected>();
/// let options = Options::new().with(Target(address.recipient()));
/// collector.deliver("sent", &options).await?;
/// assert_eq!(inbox.recv().await.map(|collected| collected.text).as_deref(), Some("sent"));
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct Collector {
    target: Option<Target>,
    kept: Arc<Mutex<Vec<String>>>,
}

impl Collector {
    /// Makes one that keeps what it is given.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one that sends it to a process.
    #[must_use]
    pub fn to(target: Recipient<Collected>) -> Self {
        Self {
            target: Some(Target(target)),
            kept: Arc::default(),
        }
    }

    /// Returns what it keeps, in the order of delivery.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        self.kept.lock().clone()
    }

    /// Returns what it keeps, and keeps nothing any more.
    #[must_use]
    pub fn take(&self) -> Vec<String> {
        mem::take(&mut self.kept.lock())
    }
}

impl Channel for Collector {
    /// Delivers a text.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Closed`] if the process it is sent to has ended, [`ChannelError::Failed`] if its mailbox is full.
    fn deliver<'a>(
        &'a self,
        text: &'a str,
        options: &'a Options,
    ) -> BoxFuture<'a, Result<String, ChannelError>> {
        Box::pin(async move {
            match options.get::<Target>().or(self.target.as_ref()) {
                Some(Target(target)) => {
                    let collected = Collected {
                        channel: self.name().to_owned(),
                        text: text.to_owned(),
                    };
                    target.cast(collected).map_err(|refused| match refused {
                        CastError::Full(_) => ChannelError::Failed("the mailbox is full".into()),
                        CastError::NoProc(_) => ChannelError::Closed,
                    })?;
                }
                None => self.kept.lock().push(text.to_owned()),
            }
            Ok(text.to_owned())
        })
    }

    fn name(&self) -> &str {
        "collector"
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("target", &self.target)
            .field("kept", &self.kept.lock().len())
            .finish()
    }
}
