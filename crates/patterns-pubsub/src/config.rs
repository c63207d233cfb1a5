//! What a pub/sub can be told at its start.

use crate::BadOption;

/// The options of a [`PubSub`](crate::PubSub).
///
/// # Examples
///
/// ```
/// use patterns_pubsub::PubSubConfig;
///
/// let config = PubSubConfig { max_retained: 10_000, ..PubSubConfig::default() };
/// assert_eq!(config.name, "pubsub");
/// ```
#[derive(Debug, Clone)]
pub struct PubSubConfig {
    /// What its process is called in log events and listings. Default: `pubsub`.
    pub name: String,

    /// How many topics can have a retained message at the same time, any number. Default: 1,024.
    ///
    /// Zero allows none. Nothing is set aside for them.
    pub max_retained: usize,

    /// Into how many parts the topics are dealt out, each with a lock of its own: from 1 to 1,024. Default: 16.
    ///
    /// Rounded up to a power of two.
    pub shards: usize,
}

impl Default for PubSubConfig {
    fn default() -> Self {
        Self {
            name: "pubsub".to_owned(),
            max_retained: 1_024,
            shards: 16,
        }
    }
}

impl PubSubConfig {
    pub(crate) fn check(&self) -> Result<(), BadOption> {
        if (1..=1_024).contains(&self.shards) {
            Ok(())
        } else {
            Err(BadOption {
                option: "shards",
                allowed: "from 1 to 1,024",
            })
        }
    }
}
