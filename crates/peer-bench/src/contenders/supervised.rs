//! Actors that are replaced by a new one when they crash, one way each.

mod current;
pub(crate) mod floor;
pub(crate) mod floor_kept;
pub(crate) mod kameo;
pub(crate) mod otp;
pub(crate) mod ractor;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::harness::counter::Counter;

/// One way of having an actor replaced when it ends before its time.
pub(crate) trait Supervised: Sized + Send + 'static {
    const NAME: &'static str;

    /// Starts the actor, and what replaces it.
    fn start() -> impl Future<Output = Self> + Send;

    /// Ends the incarnation that runs, from outside.
    fn kill(&self);

    /// Sends the incarnation that runs a message whose handler panics.
    fn panic(&self);

    /// Asks for the sum; `None` if the incarnation that was asked ended instead of answering.
    fn call(&mut self) -> impl Future<Output = Option<u64>> + Send;

    /// Ends the actor for good.
    fn stop(self) -> impl Future<Output = ()> + Send;
}

/// The state of the next incarnation. Each begins with a larger sum than those before, so an answer tells who gave it.
fn incarnation() -> Counter {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut counter = Counter::new();
    counter.add(NEXT.fetch_add(1, Ordering::Relaxed));
    counter
}

/// What the handlers panic with.
pub(crate) const CRASH: &str = "crashed as it was told";
