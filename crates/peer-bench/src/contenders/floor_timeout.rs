//! The floor with tokio's timer around each call: what a time limit costs when it is added by hand.

use std::time::Duration;

use super::Contender;
use super::floor::Floor;

/// [`Floor`], each call inside `tokio::time::timeout` of 5 s.
pub(crate) struct FloorTimeout;

impl Contender for FloorTimeout {
    const NAME: &'static str = "floor, `tokio::time::timeout` 5 s";
    type Address = <Floor as Contender>::Address;

    async fn start() -> Self::Address {
        Floor::start().await
    }

    async fn call(address: &Self::Address) -> u64 {
        tokio::time::timeout(Duration::from_secs(5), Floor::call(address))
            .await
            .expect("the actor answers in time")
    }

    async fn cast(address: &Self::Address, n: u64) {
        Floor::cast(address, n).await;
    }
}
