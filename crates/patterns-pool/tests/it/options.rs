//! The options: their defaults, and what is refused.

use std::time::Duration;

use patterns_pool::{BadOption, Order, PoolConfig, Shedding, StartError, WarmUp};
use testing::{ms, secs};

use crate::support::{World, assert_at_rest, lazy, sized};

async fn refused(config: PoolConfig) -> (&'static str, &'static str) {
    let world = World::new();
    let error = world.try_pool(config).await.unwrap_err();
    assert_eq!(world.made(), 0);
    match error {
        StartError::BadOption(BadOption { option, allowed }) => (option, allowed),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_defaults_are_as_documented() {
    let config = PoolConfig::default();
    assert_eq!(config.name, "pool");
    assert_eq!(
        (config.size, config.max_overflow, config.min_idle),
        (3, 0, None)
    );
    assert_eq!((config.warm_up, config.order), (WarmUp::Wait, Order::Lifo));
    assert_eq!(
        (config.checkout_timeout, config.create_timeout),
        (secs(5), secs(5))
    );
    assert_eq!(
        (config.check_timeout, config.close_timeout),
        (secs(1), secs(5))
    );
    assert!(config.check_on_checkout);
    assert_eq!((config.check_interval, config.idle_timeout), (None, None));
    assert_eq!((config.max_lifetime, config.leak_after), (None, None));
    assert_eq!((config.shedding, config.max_starting), (None, 16));
    let shedding = Shedding::default();
    assert_eq!((shedding.target, shedding.interval), (ms(50), secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_size_of_zero_is_refused() {
    let (option, allowed) = refused(sized(0)).await;
    assert_eq!(option, "size");
    assert_eq!(
        allowed,
        "1 or more, and 1,000,000 at most where `min_idle` is `None`"
    );
}

#[tokio::test(start_paused = true)]
async fn zero_durations_are_refused_where_they_make_no_sense() {
    let zero = Duration::ZERO;
    let shed = |target, interval| Some(Shedding { target, interval });
    for (wanted, config) in [
        (
            "create_timeout",
            PoolConfig {
                create_timeout: zero,
                ..sized(1)
            },
        ),
        (
            "check_timeout",
            PoolConfig {
                check_timeout: zero,
                ..sized(1)
            },
        ),
        (
            "close_timeout",
            PoolConfig {
                close_timeout: zero,
                ..sized(1)
            },
        ),
        (
            "check_interval",
            PoolConfig {
                check_interval: Some(zero),
                ..sized(1)
            },
        ),
        (
            "idle_timeout",
            PoolConfig {
                idle_timeout: Some(zero),
                ..lazy(1)
            },
        ),
        (
            "max_lifetime",
            PoolConfig {
                max_lifetime: Some(zero),
                ..sized(1)
            },
        ),
        (
            "leak_after",
            PoolConfig {
                leak_after: Some(zero),
                ..sized(1)
            },
        ),
        (
            "shedding.target",
            PoolConfig {
                shedding: shed(zero, secs(1)),
                ..sized(1)
            },
        ),
        (
            "shedding.interval",
            PoolConfig {
                shedding: shed(secs(1), zero),
                ..sized(1)
            },
        ),
    ] {
        let (option, allowed) = refused(config).await;
        assert_eq!(option, wanted);
        assert!(allowed.starts_with("more than zero"), "{allowed}");
    }
}

#[tokio::test(start_paused = true)]
async fn options_that_contradict_each_other_are_refused() {
    let (option, _) = refused(PoolConfig {
        min_idle: Some(4),
        ..sized(3)
    })
    .await;
    assert_eq!(option, "min_idle");
    let (option, _) = refused(PoolConfig {
        idle_timeout: Some(secs(1)),
        ..sized(3)
    })
    .await;
    assert_eq!(option, "idle_timeout");
    let (option, _) = refused(PoolConfig {
        max_starting: 0,
        ..sized(3)
    })
    .await;
    assert_eq!(option, "max_starting");
    let (option, _) = refused(sized(usize::MAX)).await;
    assert_eq!(option, "size");
}

#[tokio::test(start_paused = true)]
async fn huge_options_are_fine_and_cost_nothing() {
    let (long, huge) = (Some(Duration::MAX), usize::MAX);
    let world = World::new();
    let config = PoolConfig {
        max_overflow: huge,
        max_starting: huge,
        checkout_timeout: Duration::MAX,
        create_timeout: Duration::MAX,
        check_timeout: Duration::MAX,
        close_timeout: Duration::MAX,
        check_interval: long,
        idle_timeout: long,
        max_lifetime: long,
        leak_after: long,
        shedding: Some(Shedding {
            target: Duration::MAX,
            interval: Duration::MAX,
        }),
        ..lazy(huge)
    };
    let pool = world.pool(config).await;
    let guards = (
        pool.checkout().await.unwrap(),
        pool.checkout().await.unwrap(),
    );
    assert_eq!(world.made(), 2);
    drop(guards);
    drop(pool.checkout().await.unwrap());
    assert_at_rest(&pool, 2);
    pool.stop().await.unwrap();
    assert_eq!(world.alive(), 0);
}

#[test]
fn without_a_runtime_a_start_is_an_error() {
    let mut start = Box::pin(World::new().pool_boxed());
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match start.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(Err(StartError::Server(otp_core::StartError::NoRuntime))) => {}
        other => panic!("{other:?}"),
    }
}
