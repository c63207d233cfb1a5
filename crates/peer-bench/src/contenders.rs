//! What is measured, one file each, all behind the same functions.

pub(crate) mod actix;
pub(crate) mod caches;
#[cfg(feature = "otp")]
pub(crate) mod directories;
#[cfg(feature = "otp")]
pub(crate) mod dynamic;
pub(crate) mod floor;
pub(crate) mod floor_bounded;
pub(crate) mod floor_timeout;
pub(crate) mod kameo;
pub(crate) mod moka;
#[cfg(feature = "otp")]
pub(crate) mod otp;
#[cfg(feature = "cache")]
pub(crate) mod patterns_cache;
#[cfg(feature = "otp")]
pub(crate) mod pools;
pub(crate) mod quick_cache;
pub(crate) mod ractor;
#[cfg(feature = "otp")]
pub(crate) mod stores;
#[cfg(feature = "otp")]
pub(crate) mod supervised;
pub(crate) mod xtra;

use std::future::Future;
use std::time::Duration;

use crate::harness::{Bench, runtime};

/// The name of the hand-written actor in every table.
pub(crate) const FLOOR: &str = "floor (tokio by hand)";
/// The name of otp-core in every table.
pub(crate) const OTP: &str = "otp-core";
/// The name of dashmap, from keys to `Arc`s, in every table.
pub(crate) const DASHMAP: &str = "dashmap to `Arc`";
/// The names of the actor crates beside which otp-core is measured.
pub(crate) const PEERS: [&str; 4] = ["ractor", "kameo", "xtra", "actix"];

/// One way of writing an actor that holds a [`Counter`](crate::harness::counter::Counter).
pub(crate) trait Contender: 'static {
    const NAME: &'static str;
    type Address: Clone + Send + Sync + 'static;

    /// Starts an actor and, where the crate can, waits until it is initialised.
    fn start() -> impl Future<Output = Self::Address> + Send;

    /// Asks for the sum.
    fn call(address: &Self::Address) -> impl Future<Output = u64> + Send;

    /// Adds to the sum without waiting for an answer.
    fn cast(address: &Self::Address, n: u64) -> impl Future<Output = ()> + Send;

    /// Tells all to end; returns possibly before they have.
    fn stop_all(addresses: Vec<Self::Address>) -> impl Future<Output = ()> + Send {
        async move { drop(addresses) }
    }

    /// Runs `body` inside an actor, as a handler that calls another actor would.
    fn inside(
        body: impl Future<Output = Duration> + Send + 'static,
    ) -> impl Future<Output = Duration> + Send {
        async move { tokio::spawn(body).await.expect("the body does not panic") }
    }

    /// Runs the body of a benchmark where this contender's users would run their code.
    fn run<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        runtime::run(body)
    }

    /// Runs the body on a single thread.
    fn run_single<T: Send + 'static>(body: impl Future<Output = T> + Send + 'static) -> T {
        runtime::run_single(body)
    }
}

/// The body of a benchmark that can be run for any contender.
pub(crate) trait Scenario: Copy + Send + Sync + 'static {
    /// Does `iterations` of it and gives the time of each measured quantity.
    fn body<C: Contender>(
        self,
        iterations: u64,
    ) -> impl Future<Output = Vec<Duration>> + Send + 'static;
}

/// The scenario for one contender.
pub(crate) fn bench<C: Contender, S: Scenario>(scenario: S) -> Bench {
    Bench::new(C::NAME, move |iterations| {
        C::run(scenario.body::<C>(iterations))
    })
}

/// The scenario for one contender, on a single thread.
pub(crate) fn bench_single<C: Contender, S: Scenario>(scenario: S) -> Bench {
    Bench::new(C::NAME, move |iterations| {
        C::run_single(scenario.body::<C>(iterations))
    })
}

/// The scenario for every actor contender once, the floor first.
pub(crate) fn every<S: Scenario>(scenario: S) -> Vec<Bench> {
    let mut benches = floor_and_otp(scenario);
    benches.extend([
        bench::<ractor::Ractor, S>(scenario),
        bench::<kameo::Kameo, S>(scenario),
        bench::<xtra::Xtra, S>(scenario),
        bench::<actix::Actix, S>(scenario),
    ]);
    benches
}

/// The scenario for every actor contender on a single thread.
pub(crate) fn every_single<S: Scenario>(scenario: S) -> Vec<Bench> {
    vec![
        bench_single::<floor::Floor, S>(scenario),
        #[cfg(feature = "otp")]
        bench_single::<otp::Otp, S>(scenario),
        bench_single::<ractor::Ractor, S>(scenario),
        bench_single::<kameo::Kameo, S>(scenario),
        bench_single::<xtra::Xtra, S>(scenario),
        bench_single::<actix::Actix, S>(scenario),
    ]
}

/// The scenario for the floor and for otp-core.
pub(crate) fn floor_and_otp<S: Scenario>(scenario: S) -> Vec<Bench> {
    vec![
        bench::<floor::Floor, S>(scenario),
        #[cfg(feature = "otp")]
        bench::<otp::Otp, S>(scenario),
    ]
}

/// The scenario for what differs from the default way to call: with and without a time limit, across threads.
pub(crate) fn other_ways_to_call<S: Scenario>(scenario: S) -> Vec<Bench> {
    vec![
        bench::<floor_timeout::FloorTimeout, S>(scenario),
        #[cfg(feature = "otp")]
        bench::<otp::OtpWithoutTimeout, S>(scenario),
        bench::<actix::ActixOtherThread, S>(scenario),
    ]
}

/// The scenario for every contender whose mailbox can be bounded; each has room for [`floor_bounded::ROOM`] messages.
pub(crate) fn bounded<S: Scenario>(scenario: S) -> Vec<Bench> {
    vec![
        bench::<floor_bounded::FloorBounded, S>(scenario),
        #[cfg(feature = "otp")]
        bench::<otp::OtpBounded, S>(scenario),
        bench::<kameo::KameoBounded, S>(scenario),
        bench::<xtra::XtraBounded, S>(scenario),
    ]
}
