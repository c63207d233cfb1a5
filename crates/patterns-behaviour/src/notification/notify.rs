//! Events to channels.

use super::{
    Alert, Channel, ChannelError, Collector, Console, Deploy, Failing, Notification, Options,
};
use crate::{Implementations, Renderers};

/// Returns the text of an event: [`Notification::to_message`].
#[must_use]
pub fn render(event: &(impl Notification + ?Sized)) -> String {
    event.to_message()
}

/// Renders an event and delivers it through a channel. Returns the text as it was delivered.
///
/// What is no channel does not compile:
///
/// ```compile_fail,E0277
/// # use patterns_behaviour::notification::{Options, notify};
/// # async fn no_channel() {
/// let _ = notify("text", &"no channel", &Options::new()).await;
/// # }
/// ```
///
/// # Errors
///
/// Those of the channel.
///
/// # Cancel safety
///
/// As that of the channel.
pub async fn notify(
    event: &(impl Notification + ?Sized),
    channel: &dyn Channel,
    options: &Options,
) -> Result<String, ChannelError> {
    let text = event.to_message();
    channel.deliver(&text, options).await
}

/// Renders events and delivers them through a channel, in order: all at once if the channel [can do that](Channel::as_batch), else one
/// after the other.
///
/// # Errors
///
/// The first one of the channel. Of a channel that cannot take them at once, the ones before it are delivered, and the ones after it not.
///
/// # Cancel safety
///
/// As that of the channel.
pub async fn notify_all<N: Notification>(
    events: &[N],
    channel: &dyn Channel,
    options: &Options,
) -> Result<Vec<String>, ChannelError> {
    let texts: Vec<_> = events.iter().map(Notification::to_message).collect();
    if let Some(batch) = channel.as_batch() {
        return batch.deliver_batch(&texts, options).await;
    }
    let mut delivered = Vec::with_capacity(texts.len());
    for text in &texts {
        delivered.push(channel.deliver(text, options).await?);
    }
    Ok(delivered)
}

/// Returns a registry that knows the channels of this module, for the question whether a value of unknown type is one. Register yours
/// in it.
///
/// # Examples
///
/// ```
/// use std::any::Any;
/// use patterns_behaviour::notification::{Console, channels};
///
/// let channels = channels();
/// let values: [&dyn Any; 2] = [&Console::new(), &"a text"];
/// assert_eq!(values.map(|value| channels.contains(value)), [true, false]);
/// assert_eq!(channels.of(values[0]).map(|channel| channel.name()), Some("console"));
/// ```
#[must_use]
pub fn channels() -> Implementations<dyn Channel> {
    let mut channels = Implementations::<dyn Channel>::new();
    channels.register(|console: &Console| console as &dyn Channel);
    channels.register(|collector: &Collector| collector as &dyn Channel);
    channels.register(|failing: &Failing| failing as &dyn Channel);
    channels
}

/// Returns a registry that renders the events of this module and text, for values of unknown type. Register yours in it.
///
/// The fallback is the text `an event of unknown type`; where values have a `Debug`, use
/// [`render_debug`](Renderers::render_debug).
///
/// # Examples
///
/// ```
/// use patterns_behaviour::notification::{Alert, renderers};
///
/// let renderers = renderers();
/// assert_eq!(renderers.render(&Alert::new("api")), "[INFO] api");
/// assert_eq!(renderers.render(&42), "an event of unknown type");
/// assert_eq!(renderers.render_debug(&42), "42");
/// ```
#[must_use]
pub fn renderers() -> Renderers {
    let mut renderers = Renderers::new(|_| "an event of unknown type".to_owned());
    renderers.register(Alert::to_message);
    renderers.register(Deploy::to_message);
    renderers.register(String::to_message);
    renderers.register(|text: &&'static str| text.to_message());
    renderers.register(Vec::<u8>::to_message);
    renderers
}
