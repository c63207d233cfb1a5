//! Workers that are started and ended at run time, one way each, and the list of them.

pub(crate) mod alone;
pub(crate) mod floor;
pub(crate) mod otp;
mod workers;

use std::future::Future;

/// One way of starting workers at run time, under something that knows them if there is such a thing.
pub(crate) trait Dynamic: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    type Worker: Send + Sync + 'static;

    fn new() -> impl Future<Output = Self> + Send;

    /// Starts one; returns when it is initialised, where that can be waited for.
    fn start_child(&self) -> impl Future<Output = Self::Worker> + Send;

    /// Ends one, and returns when it has ended.
    fn terminate_child(&self, worker: Self::Worker) -> impl Future<Output = ()> + Send;

    /// Ends all, and returns when they have ended.
    fn stop(&self, workers: Vec<Self::Worker>) -> impl Future<Output = ()> + Send;
}

/// Runs `visit` with each way.
pub(crate) trait Visit {
    fn visit<D: Dynamic>(&mut self);
}

/// Visits all, the floor first.
pub(crate) fn every(visit: &mut impl Visit) {
    visit.visit::<floor::Floor>();
    visit.visit::<alone::Alone>();
    visit.visit::<otp::OneByOne>();
    visit.visit::<otp::AtOnce>();
    visit.visit::<workers::Workers>();
}
