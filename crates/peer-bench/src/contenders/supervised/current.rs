//! The address of the incarnation that runs, where each has one of its own.

use std::future::Future;

use tokio::sync::watch;

/// What a caller holds instead of an address: it is told of each new one.
pub(crate) struct Current<A>(watch::Receiver<A>);

impl<A: Clone> Current<A> {
    /// The first address, and where the next ones are made known.
    pub(crate) fn new(first: A) -> (watch::Sender<A>, Self) {
        let (sender, receiver) = watch::channel(first);
        (sender, Self(receiver))
    }

    /// The address that was made known last.
    pub(crate) fn address(&self) -> A {
        self.0.borrow().clone()
    }

    /// Calls the incarnation that runs; if it does not answer, waits until the next one can be called.
    pub(crate) async fn call<F: Future<Output = Option<u64>>>(
        &mut self,
        call: impl FnOnce(A) -> F,
    ) -> Option<u64> {
        let address = self.0.borrow_and_update().clone();
        let answer = call(address).await;
        if answer.is_none() {
            let next = self.0.changed().await;
            next.expect("what replaces the actor runs");
        }
        answer
    }
}
