//! Times to live: exact for whoever looks, and swept out in steps.

use std::sync::mpsc;
use std::time::Duration;

use patterns_store::{OrderedSet, Store, StoreConfig, TableOwner, TableType};
use testing::{advance, ms, secs};

use crate::support::{Alive, owner};

#[tokio::test(start_paused = true)]
async fn a_row_is_gone_at_its_deadline_and_not_before() {
    let owner: TableOwner<&str, u32> = owner();
    owner.put_with_ttl("a", 1, secs(1)).unwrap();
    tokio::time::advance(secs(1) - Duration::from_nanos(1)).await;
    assert_eq!(owner.get("a"), Ok(Some(1)));
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert_eq!(owner.get("a"), Ok(None));
    assert_eq!(owner.with("a", |value| *value), Ok(None));
    assert_eq!(owner.member("a"), Ok(false));
}

async fn nobody_sees_an_old_row<T: TableType<u32, u32>>() {
    let owner: TableOwner<u32, u32, T> = owner();
    for key in 0..10 {
        owner
            .put_with_ttl(key, key, secs(u64::from(key) + 1))
            .unwrap();
    }
    tokio::time::advance(secs(4)).await;
    assert_eq!(owner.size(), Ok(6));
    assert_eq!(owner.stats().unwrap().size, 6);
    assert_eq!(owner.info().unwrap().size, 6);
    let mut keys = owner.select(|key, _| Some(*key)).unwrap();
    keys.sort_unstable();
    assert_eq!(keys, [4, 5, 6, 7, 8, 9]);
    assert_eq!(owner.snapshot().unwrap().len(), 6);
    assert_eq!(owner.fold(0, |count, _, _| count + 1), Ok(6));
    assert_eq!(
        owner.select_delete(|key, _| *key <= 4),
        Ok(1),
        "an old row is not deleted"
    );
    assert_eq!(owner.sweep(), Ok(4));
    assert_eq!(owner.sweep(), Ok(0));
    assert_eq!(owner.size(), Ok(5));
}

#[tokio::test(start_paused = true)]
async fn nobody_sees_an_old_row_in_any_type() {
    nobody_sees_an_old_row::<patterns_store::Set>().await;
    nobody_sees_an_old_row::<OrderedSet>().await;
    nobody_sees_an_old_row::<patterns_store::Bag>().await;
    nobody_sees_an_old_row::<patterns_store::DuplicateBag>().await;
}

#[tokio::test(start_paused = true)]
async fn an_old_row_is_no_row_for_whoever_writes() {
    let owner: TableOwner<&str, u32> = owner();
    for key in ["put", "new", "take", "delete", "alter", "swap"] {
        owner.put_with_ttl(key, 1, secs(1)).unwrap();
    }
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.put("put", 2).unwrap(), None);
    assert!(owner.insert_new("new", 2).unwrap());
    assert_eq!(owner.take("take"), Ok(None));
    assert_eq!(owner.delete("delete"), Ok(false));
    assert_eq!(
        owner.alter(&"alter", |value| {
            assert_eq!(value, None);
            Some(2)
        }),
        Ok(true)
    );
    assert_eq!(owner.compare_and_swap(&"swap", &1, 2), Ok(false));
    assert_eq!(owner.size(), Ok(3));
    tokio::time::advance(secs(1_000)).await;
    assert_eq!(owner.size(), Ok(3), "new rows have no deadline");
    assert_eq!(owner.sweep(), Ok(1), "the one that compare_and_swap left");
}

#[tokio::test(start_paused = true)]
async fn zero_is_over_at_once_and_the_greatest_is_for_ever() {
    let owner: TableOwner<&str, u32> = owner();
    owner.put("a", 1).unwrap();
    assert_eq!(owner.put_with_ttl("a", 2, Duration::ZERO).unwrap(), Some(1));
    assert_eq!(owner.get("a"), Ok(None));
    owner.put_with_ttl("b", 1, Duration::MAX).unwrap();
    owner.put_with_ttl("c", 1, secs(u64::MAX)).unwrap();
    tokio::time::advance(secs(100 * 365 * 86_400)).await;
    assert_eq!(owner.get("b"), Ok(Some(1)));
    assert_eq!(owner.get("c"), Ok(Some(1)));
}

#[tokio::test(start_paused = true)]
async fn a_put_takes_the_time_to_live_away_and_alter_keeps_it() {
    let owner: TableOwner<&str, u32> = owner();
    for key in ["put", "alter", "swap"] {
        owner.put_with_ttl(key, 1, secs(2)).unwrap();
    }
    owner.put("put", 2).unwrap();
    owner.alter(&"alter", |_| Some(2)).unwrap();
    owner.compare_and_swap(&"swap", &1, 2).unwrap();
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.size(), Ok(3));
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.snapshot(), Ok(vec![("put", 2)]));
}

/// The clock of a plain thread is another one than the paused clock. Whatever it says, nothing breaks.
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_back_makes_rows_live_longer_and_nothing_else() {
    let owner: TableOwner<u32, u32> = owner();
    tokio::time::advance(secs(1_000_000)).await;
    owner.put_with_ttl(1, 1, secs(1)).unwrap();
    let table = owner.table();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            table.put_with_ttl(2, 2, secs(1)).unwrap();
            assert!(table.get(&1).is_ok());
            assert!(table.size().unwrap() >= 1);
        });
    });
    tokio::time::advance(secs(10)).await;
    assert_eq!(owner.get(&1), Ok(None));
    owner.sweep().unwrap();
    assert_eq!(owner.size(), Ok(0));
}

async fn a_sweep_gives_memory_back<T: TableType<u64, crate::support::Counted>>() {
    let alive = Alive::default();
    let owner: TableOwner<u64, _, T> = owner();
    for key in 0..5_000 {
        let ttl = if key % 10 == 0 {
            Duration::MAX
        } else {
            secs(1)
        };
        owner.put_with_ttl(key, alive.value(), ttl).unwrap();
    }
    tokio::time::advance(secs(1)).await;
    assert_eq!(owner.size(), Ok(500));
    assert_eq!(alive.count(), 5_000);
    assert_eq!(owner.sweep(), Ok(4_500));
    assert_eq!(alive.count(), 500);
    assert_eq!(owner.size(), Ok(500));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_gives_the_memory_of_old_rows_back() {
    a_sweep_gives_memory_back::<patterns_store::Set>().await;
    a_sweep_gives_memory_back::<OrderedSet>().await;
    a_sweep_gives_memory_back::<patterns_store::DuplicateBag>().await;
}

#[tokio::test(start_paused = true)]
async fn a_store_sweeps_by_itself() {
    let alive = Alive::default();
    let config = StoreConfig {
        sweep_interval: ms(100),
        ..StoreConfig::default()
    };
    let store: Store<u64, crate::support::Counted> = Store::start(config).await.unwrap();
    let value = alive.clone();
    store
        .with_owner(move |owner| {
            for key in 0..20_000 {
                owner.put_with_ttl(key, value.value(), ms(50)).unwrap();
            }
        })
        .await
        .unwrap();
    assert_eq!(alive.count(), 20_000);
    advance(ms(100)).await;
    assert_eq!(alive.count(), 0);
}

/// While a large table is swept, a caller has its turn in between.
#[tokio::test(start_paused = true)]
async fn who_asks_a_store_does_not_wait_for_a_whole_sweep() {
    let alive = Alive::default();
    let config = StoreConfig {
        sweep_interval: ms(100),
        ..StoreConfig::default()
    };
    let store: Store<u64, crate::support::Counted, OrderedSet> =
        Store::start(config).await.unwrap();
    let value = alive.clone();
    let (send, seen) = mpsc::channel();
    let watched = alive.clone();
    store
        .with_owner(move |owner| {
            for key in 0..50_000 {
                owner.put_with_ttl(key, value.value(), ms(50)).unwrap();
            }
        })
        .await
        .unwrap();
    tokio::time::advance(ms(100)).await;
    // Asked when the sweep has begun: as soon as some rows are gone.
    while alive.count() == 50_000 {
        tokio::task::yield_now().await;
    }
    store
        .with_owner(move |_| send.send(watched.count()).unwrap())
        .await
        .unwrap();
    let left = seen.recv().unwrap();
    assert!(
        left > 30_000 && left < 50_000,
        "{left} were left when it was answered"
    );
    testing::settle().await;
    assert_eq!(alive.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn rows_that_come_during_a_sweep_are_met_by_the_next_one() {
    let owner: TableOwner<u64, u64> = owner();
    for round in 0..20 {
        for key in 0..500 {
            owner
                .put_with_ttl(round * 1_000 + key, 0, secs(1 + key % 3))
                .unwrap();
        }
        tokio::time::advance(secs(1)).await;
        owner.sweep().unwrap();
        let live = owner.select(|_, _| Some(())).unwrap().len();
        assert_eq!(owner.size(), Ok(live));
    }
    tokio::time::advance(secs(10)).await;
    owner.sweep().unwrap();
    assert_eq!(owner.sweep(), Ok(0));
    assert_eq!(owner.size(), Ok(0));
}
