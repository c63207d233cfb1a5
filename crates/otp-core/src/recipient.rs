//! `Recipient`: a narrow address.

use std::fmt;

use crate::error::CastError;
use crate::server_ref::ServerRef;
use crate::sync::Arc;

/// An address that takes only messages of type `E`, whatever else its server understands: a strong
/// handle.
///
/// Made by [`ServerRef::recipient`]. It lets one part of a program send to servers of many kinds
/// without knowing their message types.
///
/// ```
/// use otp_core::{Recipient, inbox};
///
/// struct Tick(u32);
/// enum Msg { Tick(u32), Other }
/// impl From<Tick> for Msg {
///     fn from(Tick(n): Tick) -> Self { Msg::Tick(n) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (address, mut inbox) = inbox::<Msg>();
/// let ticks: Recipient<Tick> = address.recipient();
/// ticks.cast(Tick(7))?;
/// assert!(matches!(inbox.recv().await, Some(Msg::Tick(7))));
/// # let _ = Msg::Other;
/// # Ok(()) }
/// ```
pub struct Recipient<E> {
    server: Arc<dyn Cast<E>>,
}

impl<E: Send + 'static> Recipient<E> {
    pub(crate) fn new<M>(server: ServerRef<M>) -> Self
    where
        M: From<E> + Send + 'static,
    {
        Self {
            server: Arc::new(server),
        }
    }

    /// Sends an event and goes on. `Ok` means accepted, not handled.
    ///
    /// # Errors
    ///
    /// Gives the event back: [`CastError::Full`] if the mailbox is bounded and has no room,
    /// [`CastError::NoProc`] if the server has ended. If it ends just while the event is turned
    /// into a message, the event counts as accepted and dropped.
    pub fn cast(&self, event: E) -> Result<(), CastError<E>> {
        self.server.cast(event)
    }

    /// Tells whether the server is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.server.is_alive()
    }

    /// Tells whether nothing will ever be accepted again. A supervisor's child is not closed while it is
    /// between two incarnations.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.server.is_closed()
    }
}

impl<E> Clone for Recipient<E> {
    fn clone(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
        }
    }
}

impl<E> fmt::Debug for Recipient<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recipient(..)")
    }
}

trait Cast<E>: Send + Sync {
    fn cast(&self, event: E) -> Result<(), CastError<E>>;
    fn is_alive(&self) -> bool;
    fn is_closed(&self) -> bool;
}

impl<E, M: From<E> + Send> Cast<E> for ServerRef<M> {
    fn cast(&self, event: E) -> Result<(), CastError<E>> {
        self.slot.push_made(event, M::from)
    }

    fn is_alive(&self) -> bool {
        self.is_alive()
    }

    fn is_closed(&self) -> bool {
        self.slot.inner.lock().ended().is_some()
    }
}
