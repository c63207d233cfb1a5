//! Any history of settings against a plain map, and of metrics against a map with a clock.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::time::Duration;

use patterns_agent::{AgentError, ConfigStore, ConfigStoreConfig, Statistics, StatisticsConfig};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

/// A runtime on one thread, whose clock stands still unless all sleep.
fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

fn is_refused<T>(outcome: &Result<T, AgentError>) -> bool {
    matches!(outcome, Err(AgentError::Refused(_)))
}

type Entries = Vec<(u8, i32)>;

#[derive(Debug, Clone)]
enum Setting {
    Put(u8, i32),
    Delete(u8),
    PutAll(Entries),
    Merge(Entries),
}

fn settings() -> impl Strategy<Value = Vec<Setting>> {
    let key = || 0_u8..8;
    let entries = || prop::collection::vec((key(), any::<i32>()), 0..6);
    let op = prop_oneof![
        4 => (key(), any::<i32>()).prop_map(|(key, value)| Setting::Put(key, value)),
        2 => key().prop_map(Setting::Delete),
        1 => entries().prop_map(Setting::PutAll),
        2 => entries().prop_map(Setting::Merge),
    ];
    prop::collection::vec(op, 0..60)
}

async fn settings_agree(most: usize, hold: bool, ops: Vec<Setting>) -> Result<(), TestCaseError> {
    let config = ConfigStoreConfig {
        max_entries: NonZeroUsize::new(most),
        ..ConfigStoreConfig::default()
    };
    let store = ConfigStore::start_with(config, []).await.unwrap();
    let (mut model, mut version) = (HashMap::new(), 1);
    let mut held = Vec::new();
    for op in ops {
        let before = model.clone();
        let told_before = match op.clone() {
            Setting::Put(key, value) => {
                let told = store.put(key, value).await;
                let old = model.insert(key, value);
                prop_assert_eq!(told.as_ref().ok(), (model.len() <= most).then_some(&old));
                told.map(|_| before.clone())
            }
            Setting::Delete(key) => {
                let told = store.delete(&key).await;
                prop_assert_eq!(told.as_ref().ok(), Some(&model.remove(&key)));
                told.map(|_| before.clone())
            }
            Setting::PutAll(entries) => {
                model = entries.iter().copied().collect();
                store.put_all(entries).await
            }
            Setting::Merge(entries) => {
                model.extend(entries.iter().copied());
                store.merge(entries).await
            }
        };
        if model.len() <= most {
            prop_assert_eq!(&told_before.unwrap(), &before);
            version += 1;
        } else {
            prop_assert!(is_refused(&told_before));
            model = before;
        }
        let all = store.get_all().unwrap();
        prop_assert_eq!((&*all, store.len().unwrap()), (&model, model.len()));
        prop_assert_eq!(store.agent().version(), version);
        for key in 0..8 {
            prop_assert_eq!(store.get(&key).unwrap(), model.get(&key).copied());
            prop_assert_eq!(store.contains_key(&key).unwrap(), model.contains_key(&key));
            let or = model.get(&key).copied().unwrap_or(-1);
            prop_assert_eq!(store.get_or(&key, -1).unwrap(), or);
        }
        let (mut keys, mut expected) = (
            store.keys().unwrap(),
            model.keys().copied().collect::<Vec<_>>(),
        );
        keys.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(keys, expected);
        if hold {
            held.push((all, model.clone()));
        }
    }
    for (snapshot, then) in held {
        prop_assert_eq!(&*snapshot, &then, "a snapshot never changes");
    }
    Ok(())
}

#[derive(Debug, Clone)]
enum Note {
    Increment(u8),
    Add(u8, i64),
    CastAdd(u8, i64),
    Set(u8, i64),
    Time(u8, u64),
    TimeSync(u8),
    GiveUp(u8, u64),
    Reset(u8),
    ResetAll,
}

fn notes() -> impl Strategy<Value = Vec<Note>> {
    let name = || 0_u8..6;
    let amount = || prop_oneof![4 => -100_i64..100, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
    let op = prop_oneof![
        2 => name().prop_map(Note::Increment),
        3 => (name(), amount()).prop_map(|(name, amount)| Note::Add(name, amount)),
        2 => (name(), amount()).prop_map(|(name, amount)| Note::CastAdd(name, amount)),
        2 => (name(), amount()).prop_map(|(name, number)| Note::Set(name, number)),
        3 => (name(), 0_u64..5_000).prop_map(|(name, millis)| Note::Time(name, millis)),
        1 => name().prop_map(Note::TimeSync),
        2 => (name(), 1_u64..5_000).prop_map(|(name, millis)| Note::GiveUp(name, millis)),
        2 => name().prop_map(Note::Reset),
        1 => Just(Note::ResetAll),
    ];
    prop::collection::vec(op, 0..60)
}

/// A number, and how often and how long.
type Row = (Option<i64>, Option<(u64, Duration)>);

/// The row of a metric, if there is one or there is room for one.
fn row(model: &mut BTreeMap<String, Row>, name: u8, most: usize) -> Option<&mut Row> {
    let name = name.to_string();
    (model.contains_key(&name) || model.len() < most).then(|| model.entry(name).or_default())
}

fn add(row: &mut Row, amount: i64) {
    row.0 = Some(row.0.unwrap_or(0).saturating_add(amount));
}

async fn notes_agree(most: usize, ops: Vec<Note>) -> Result<(), TestCaseError> {
    let config = StatisticsConfig {
        max_metrics: NonZeroUsize::new(most).unwrap(),
        ..StatisticsConfig::default()
    };
    let stats = Statistics::start_with(config).await.unwrap();
    let mut model: BTreeMap<String, Row> = BTreeMap::new();
    let mut unrecorded = 0;
    for op in ops {
        match op {
            Note::Increment(name) => {
                let told = stats.increment(name.to_string()).await;
                let room = row(&mut model, name, most).map(|row| add(row, 1));
                prop_assert_eq!(is_refused(&told), room.is_none());
            }
            Note::Add(name, amount) => {
                let told = stats.add(name.to_string(), amount).await;
                let room = row(&mut model, name, most).map(|row| add(row, amount));
                prop_assert_eq!(is_refused(&told), room.is_none());
            }
            Note::CastAdd(name, amount) => {
                stats.cast_add(name.to_string(), amount).unwrap();
                let room = row(&mut model, name, most).map(|row| add(row, amount));
                unrecorded += u64::from(room.is_none());
            }
            Note::Set(name, number) => {
                let told = stats.set(name.to_string(), number).await;
                let room = row(&mut model, name, most).map(|row| row.0 = Some(number));
                prop_assert_eq!(is_refused(&told), room.is_none());
            }
            Note::Time(name, millis) | Note::GiveUp(name, millis) => {
                let time = Duration::from_millis(millis);
                let key = name.to_string();
                if matches!(op, Note::GiveUp(..)) {
                    let work = stats.time(key, sleep(Duration::from_secs(99)));
                    prop_assert!(tokio::time::timeout(time, work).await.is_err());
                } else {
                    prop_assert_eq!(
                        stats
                            .time(key, async {
                                sleep(time).await;
                                7
                            })
                            .await,
                        7
                    );
                }
                match row(&mut model, name, most) {
                    Some(row) => {
                        let timing = row.1.get_or_insert_default();
                        *timing = (timing.0 + 1, timing.1 + time);
                    }
                    None => unrecorded += 1,
                }
            }
            Note::TimeSync(name) => {
                prop_assert_eq!(stats.time_sync(name.to_string(), || 8), 8);
                match row(&mut model, name, most) {
                    Some(row) => row.1.get_or_insert_default().0 += 1,
                    None => unrecorded += 1,
                }
            }
            Note::Reset(name) => {
                let old = stats.reset(&name.to_string()).await.unwrap();
                let old = old.map(|old| (old.number, old.timing.map(|t| (t.count, t.total))));
                prop_assert_eq!(old, model.remove(&name.to_string()));
            }
            Note::ResetAll => {
                let old = stats.reset_all().await.unwrap();
                prop_assert_eq!(old.len(), std::mem::take(&mut model).len());
            }
        }
        let all: BTreeMap<String, Row> = stats
            .get_all()
            .await
            .unwrap()
            .into_iter()
            .map(|(name, one)| (name, (one.number, one.timing.map(|t| (t.count, t.total)))))
            .collect();
        prop_assert_eq!((&all, stats.unrecorded()), (&model, unrecorded));
        for name in 0..6_u8 {
            let name = name.to_string();
            let (number, timing) = model.get(&name).copied().unwrap_or_default();
            prop_assert_eq!(stats.get(&name).await.unwrap(), number);
            let average = timing.map(|(count, total)| {
                Duration::from_nanos(u64::try_from(total.as_nanos()).unwrap() / count)
            });
            prop_assert_eq!(stats.average_time(&name).await.unwrap(), average);
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_store_is_a_map_with_a_bound(most in 1_usize..9, hold in any::<bool>(), ops in settings()) {
        paused().block_on(settings_agree(most, hold, ops))?;
    }

    #[test]
    fn statistics_are_a_map_with_a_clock(most in 1_usize..7, ops in notes()) {
        paused().block_on(notes_agree(most, ops))?;
    }
}
