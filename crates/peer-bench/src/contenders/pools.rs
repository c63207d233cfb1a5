//! Pools of eight members that cost nothing to make: what lending one and taking it back costs.

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::ops::Deref;

use patterns_pool::{Manager, Pool, PoolConfig};

/// How many members a pool has.
const SIZE: usize = 8;

/// The name of patterns-pool in every table.
pub(crate) const POOL: &str = "patterns-pool";
/// The name of deadpool in every table.
pub(crate) const DEADPOOL: &str = "deadpool";
/// The name of bb8 in every table.
pub(crate) const BB8: &str = "bb8";

/// A pool.
pub(crate) trait PoolContender: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    fn start() -> impl Future<Output = Self> + Send;

    /// Lends a member; its drop gives it back.
    fn lend(&self) -> impl Future<Output = impl Deref<Target = u64> + Send> + Send;
}

/// Ours, with its time-out of 5 s for each checkout.
#[derive(Clone)]
pub(crate) struct Ours(Pool<Numbers>);

/// deadpool, which waits without limit unless told otherwise.
#[derive(Clone)]
pub(crate) struct Deadpool(deadpool::managed::Pool<Numbers>);

/// bb8, with its time-out of 30 s for each `get`.
#[derive(Clone)]
pub(crate) struct Bb8(bb8::Pool<Numbers>);

/// Makes the members: numbers, which need no check.
#[derive(Debug)]
pub(crate) struct Numbers;

impl Manager for Numbers {
    type Member = u64;
    type Error = Infallible;

    async fn create(&self, id: u64) -> Result<u64, Infallible> {
        Ok(id)
    }
}

impl deadpool::managed::Manager for Numbers {
    type Type = u64;
    type Error = Infallible;

    async fn create(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn recycle(
        &self,
        _: &mut u64,
        _: &deadpool::managed::Metrics,
    ) -> deadpool::managed::RecycleResult<Infallible> {
        Ok(())
    }
}

impl bb8::ManageConnection for Numbers {
    type Connection = u64;
    type Error = Infallible;

    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(1)
    }

    async fn is_valid(&self, _: &mut u64) -> Result<(), Infallible> {
        Ok(())
    }

    fn has_broken(&self, _: &mut u64) -> bool {
        false
    }
}

impl PoolContender for Ours {
    const NAME: &'static str = POOL;

    async fn start() -> Self {
        let config = PoolConfig {
            size: SIZE,
            ..PoolConfig::default()
        };
        Self(Pool::start(config, Numbers).await.expect("it starts"))
    }

    async fn lend(&self) -> impl Deref<Target = u64> + Send {
        self.0.checkout().await.expect("there is time")
    }
}

impl PoolContender for Deadpool {
    const NAME: &'static str = DEADPOOL;

    async fn start() -> Self {
        let pool = deadpool::managed::Pool::builder(Numbers)
            .max_size(SIZE)
            .build();
        Self(pool.expect("it starts"))
    }

    async fn lend(&self) -> impl Deref<Target = u64> + Send {
        self.0.get().await.expect("there is time")
    }
}

impl PoolContender for Bb8 {
    const NAME: &'static str = BB8;

    async fn start() -> Self {
        let size = SIZE as u32;
        let pool = bb8::Pool::builder().max_size(size).min_idle(size);
        Self(pool.build(Numbers).await.expect("it starts"))
    }

    async fn lend(&self) -> impl Deref<Target = u64> + Send {
        self.0.get().await.expect("there is time")
    }
}

/// Lends a member so many times, holding it while others have their turn if `yields`.
pub(crate) async fn lend_often<C: PoolContender>(pool: &C, times: u64, yields: bool) {
    for _ in 0..times {
        let member = pool.lend().await;
        if yields {
            tokio::task::yield_now().await;
        }
        black_box(*member);
    }
}
