//! Turning waiters away when the line stands.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_pool::{CheckoutError, Pool, PoolConfig, Shedding};
use testing::{advance, ms, secs, settle};
use tokio::time::Instant;

use crate::support::{Parts, World, assert_at_rest, sized};

fn shedding(size: usize) -> PoolConfig {
    PoolConfig {
        shedding: Some(Shedding::default()),
        ..sized(size)
    }
}

/// What became of one request: when it came, how long it waited, and whether it was admitted.
type Fates = Arc<Mutex<Vec<(Duration, Duration, bool)>>>;

/// Sends a request every `every` for `time`, each of which works for `work` once it has a member.
async fn load(
    pool: &Pool<Parts>,
    every: Duration,
    work: Duration,
    time: Duration,
) -> Vec<(Duration, Duration, bool)> {
    let (begun, fates) = (Instant::now(), Fates::default());
    let mut tasks = Vec::new();
    while begun.elapsed() < time {
        let (pool, fates) = (pool.clone(), Arc::clone(&fates));
        tasks.push(tokio::spawn(async move {
            let came = Instant::now();
            let outcome = pool.checkout().await;
            let waited = came.elapsed();
            let admitted = match outcome {
                Ok(mut guard) => {
                    guard.use_alone(tokio::time::sleep(work)).await;
                    true
                }
                Err(CheckoutError::Shed { waited: told }) => {
                    assert_eq!(told, waited);
                    false
                }
                Err(other) => panic!("{other}"),
            };
            fates.lock().unwrap().push((came - begun, waited, admitted));
        }));
        tokio::time::sleep(every).await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    Arc::into_inner(fates).unwrap().into_inner().unwrap()
}

#[tokio::test(start_paused = true)]
async fn at_twice_the_load_those_admitted_wait_for_twice_the_target_at_most() {
    let world = World::new();
    let pool = world.pool(shedding(4)).await;
    // Four members for 20 ms each serve 200 in a second; 400 come.
    let fates = load(&pool, Duration::from_micros(2_500), ms(20), secs(20)).await;
    // From when the first interval is over, and the line that stood until then is gone.
    let mut waits: Vec<_> = fates
        .iter()
        .filter(|(came, _, admitted)| *came > secs(4) && *admitted)
        .map(|(_, waited, _)| *waited)
        .collect();
    waits.sort_unstable();
    let p99 = waits[waits.len() * 99 / 100];
    assert!(p99 <= ms(100), "{p99:?}");
    // It goes on working as fast as it can.
    assert!((3_000..=3_300).contains(&waits.len()), "{}", waits.len());
    let shed = fates.iter().filter(|(_, _, admitted)| !admitted).count();
    assert_eq!(pool.stats().shed, shed as u64);
    assert_at_rest(&pool, 4);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_turned_away_below_the_limit_nor_in_a_short_burst() {
    let world = World::new();
    let pool = world.pool(shedding(4)).await;
    let fates = load(&pool, Duration::from_micros(5_500), ms(20), secs(10)).await;
    assert!(fates.iter().all(|(_, _, admitted)| *admitted));
    // 100 at once: the last one waits for half a second, and all are served.
    let fates = load(
        &pool,
        Duration::from_micros(1),
        ms(20),
        Duration::from_micros(100),
    )
    .await;
    assert!(!fates.is_empty() && fates.iter().all(|(_, _, admitted)| *admitted));
    let burst: Vec<_> = (0..100)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut guard = pool.checkout().await.unwrap();
                guard.use_alone(tokio::time::sleep(ms(20))).await;
            })
        })
        .collect();
    for task in burst {
        task.await.unwrap();
    }
    assert_eq!(pool.stats().shed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_in_which_nothing_moves_is_shed_when_the_interval_is_over() {
    let world = World::new();
    let pool = world
        .pool(PoolConfig {
            checkout_timeout: secs(60),
            ..shedding(1)
        })
        .await;
    let _out = pool.checkout().await.unwrap();
    let begun = Instant::now();
    let error = pool.checkout().await.unwrap_err();
    assert!(matches!(error, CheckoutError::Shed { .. }), "{error:?}");
    assert!(begun.elapsed() <= secs(4) + ms(5), "{:?}", begun.elapsed());
    // From then on nobody waits for longer than twice the target.
    let begun = Instant::now();
    assert!(matches!(
        pool.checkout().await,
        Err(CheckoutError::Shed { .. })
    ));
    assert!(begun.elapsed() <= ms(103), "{:?}", begun.elapsed());
}

/// Has so many jobs of 10 ms come at once, and waits for them; tells how many were turned away.
async fn burst(pool: &Pool<Parts>, jobs: usize) -> usize {
    let jobs: Vec<_> = (0..jobs)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let Ok(mut guard) = pool.checkout().await else {
                    return 1;
                };
                guard.use_alone(tokio::time::sleep(ms(10))).await;
                0
            })
        })
        .collect();
    let mut shed = 0;
    for job in jobs {
        shed += job.await.unwrap();
    }
    shed
}

#[tokio::test(start_paused = true)]
async fn when_the_overload_is_over_nobody_is_turned_away_any_more() {
    let world = World::new();
    let pool = world.pool(shedding(1)).await;
    load(&pool, ms(5), ms(10), secs(10)).await;
    let shed = pool.stats().shed;
    assert!(shed > 0);
    advance(secs(3)).await;
    // The last one waits for three times as long as was borne in the overload.
    assert_eq!(burst(&pool, 31).await, 0);
    let fates = load(&pool, ms(11), ms(10), secs(10)).await;
    assert!(fates.iter().all(|(_, _, admitted)| *admitted));
    assert_eq!(pool.stats().shed, shed);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_empties_now_and_then_is_no_trouble() {
    let world = World::new();
    let pool = world.pool(shedding(1)).await;
    for _ in 0..50 {
        // The last one waits for 130 ms, and the first for no time at all.
        assert_eq!(burst(&pool, 14).await, 0);
        tokio::time::sleep(ms(20)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_shedding_each_waits_until_its_own_time_is_over() {
    let world = World::new();
    let pool = world.pool(sized(1)).await;
    let _out = pool.checkout().await.unwrap();
    let tasks: Vec<_> = (0..10)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.checkout().await.map(drop) })
        })
        .collect();
    settle().await;
    advance(ms(4_990)).await;
    assert_eq!(pool.info().waiting, 10);
    for task in tasks {
        assert!(task.await.unwrap().unwrap_err().is_timeout());
    }
    assert_eq!((pool.stats().shed, pool.stats().timed_out), (0, 10));
}
