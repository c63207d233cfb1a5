//! All four types against plain lists of rows with a clock.

use std::time::Duration;

use patterns_store::{
    Bag, Change, Changes, DuplicateBag, Index, Lookup, OrderedSet, Set, TableConfig, TableError,
    TableOwner, TableType, UniqueKeys,
};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use testing::ms;

use crate::support::public;

#[derive(Debug, Clone)]
enum Op {
    Put(u8, u8),
    PutWithTtl(u8, u8, u64),
    Get(u8),
    Member(u8),
    Delete(u8),
    Take(u8),
    SelectDelete(u8),
    Clear,
    Sweep,
    Advance(u64),
    // For sets only.
    InsertNew(u8, u8),
    Count(u8, i64),
    Swap(u8, u8, u8),
    Alter(u8, Option<u8>),
    // For bags only.
    DeleteRow(u8, u8),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = || 0_u8..12;
    let value = || 0_u8..6;
    let op = prop_oneof![
        4 => (key(), value()).prop_map(|(key, value)| Op::Put(key, value)),
        4 => (key(), value(), 0_u64..60).prop_map(|(key, value, ms)| Op::PutWithTtl(key, value, ms)),
        3 => key().prop_map(Op::Get),
        1 => key().prop_map(Op::Member),
        2 => key().prop_map(Op::Delete),
        1 => key().prop_map(Op::Take),
        1 => value().prop_map(Op::SelectDelete),
        1 => Just(Op::Clear),
        2 => Just(Op::Sweep),
        4 => (0_u64..30).prop_map(Op::Advance),
        2 => (key(), value()).prop_map(|(key, value)| Op::InsertNew(key, value)),
        2 => (key(), -4_i64..5).prop_map(|(key, step)| Op::Count(key, step)),
        2 => (key(), value(), value()).prop_map(|(key, old, new)| Op::Swap(key, old, new)),
        2 => (key(), prop::option::of(value())).prop_map(|(key, value)| Op::Alter(key, value)),
        2 => (key(), value()).prop_map(|(key, value)| Op::DeleteRow(key, value)),
    ];
    prop::collection::vec(op, 1..120)
}

#[derive(Debug, Clone, Copy)]
struct Row {
    key: u8,
    value: u8,
    deadline: u64,
}

/// Rows in the order in which they came, and the time.
#[derive(Debug, Default)]
struct Model {
    rows: Vec<Row>,
    now: u64,
    hits: u64,
    misses: u64,
    most: usize,
}

impl Model {
    fn expire(&mut self) {
        let now = self.now;
        self.rows.retain(|row| row.deadline > now);
    }

    fn values(&self, key: u8) -> Vec<u8> {
        let of_key = self.rows.iter().filter(|row| row.key == key);
        of_key.map(|row| row.value).collect()
    }

    fn find(&mut self, key: u8) -> Option<&mut Row> {
        self.rows.iter_mut().find(|row| row.key == key)
    }

    fn add(&mut self, key: u8, value: u8, ms: Option<u64>) -> Result<(), TableError> {
        if self.rows.len() >= self.most {
            return Err(TableError::Full);
        }
        let deadline = ms.map_or(u64::MAX, |ms| self.now + ms);
        self.rows.push(Row {
            key,
            value,
            deadline,
        });
        Ok(())
    }

    fn count(&mut self, hit: bool) {
        *(if hit {
            &mut self.hits
        } else {
            &mut self.misses
        }) += 1;
    }

    fn remove(&mut self, gone: impl Fn(&Row) -> bool) -> Vec<u8> {
        let values = self
            .rows
            .iter()
            .filter(|row| gone(row))
            .map(|row| row.value)
            .collect();
        self.rows.retain(|row| !gone(row));
        values
    }

    fn sorted(&self) -> Vec<(u8, u8)> {
        let mut rows: Vec<_> = self.rows.iter().map(|row| (row.key, row.value)).collect();
        rows.sort_unstable();
        rows
    }
}

/// What a type does where types differ.
trait Kind: TableType<u8, u8> + Lookup<u8, u8, u8> {
    fn put(model: &mut Model, key: u8, value: u8, ms: Option<u64>)
    -> Result<Self::Put, TableError>;
    fn values(found: Self::Found) -> Vec<u8>;
    /// Does what only some types can. Says whether this one can.
    fn special(
        owner: &TableOwner<u8, u8, Self>,
        model: &mut Model,
        op: &Op,
    ) -> Result<bool, TestCaseError>;
    /// A value and its inverse, kept by the table.
    type Index;
    fn index(owner: &TableOwner<u8, u8, Self>) -> Self::Index;
    fn indexed(index: &Self::Index) -> Option<Vec<(u8, u8)>>;
}

fn put_in_set(
    model: &mut Model,
    key: u8,
    value: u8,
    ms: Option<u64>,
) -> Result<Option<u8>, TableError> {
    let deadline = ms.map_or(u64::MAX, |ms| model.now + ms);
    match model.find(key) {
        Some(row) => {
            row.deadline = deadline;
            Ok(Some(std::mem::replace(&mut row.value, value)))
        }
        None => model.add(key, value, ms).map(|()| None),
    }
}

fn special_of_sets<T>(
    owner: &TableOwner<u8, u8, T>,
    model: &mut Model,
    op: &Op,
) -> Result<bool, TestCaseError>
where
    T: UniqueKeys<u8, u8> + Lookup<u8, u8, u8>,
{
    match *op {
        Op::InsertNew(key, value) => {
            let expected = match model.find(key) {
                Some(_) => Ok(false),
                None => model.add(key, value, None).map(|()| true),
            };
            prop_assert_eq!(
                owner
                    .insert_new(key, value)
                    .map_err(|refused| refused.error),
                expected
            );
        }
        Op::Count(key, step) => {
            let current = model.find(key).map(|row| row.value);
            let next = i64::from(current.unwrap_or(0)) + step;
            let expected = match u8::try_from(next) {
                Err(_) if current.is_none() && model.rows.len() >= model.most => {
                    Err(TableError::Full)
                }
                Err(_) => Err(TableError::Overflow),
                Ok(next) => match model.find(key) {
                    Some(row) => {
                        row.value = next;
                        Ok(next)
                    }
                    None => model.add(key, next, None).map(|()| next),
                },
            };
            prop_assert_eq!(owner.update_counter(&key, step), expected);
        }
        Op::Swap(key, old, new) => {
            let row = model.find(key).filter(|row| row.value == old);
            let expected = row.map(|row| row.value = new).is_some();
            prop_assert_eq!(owner.compare_and_swap(&key, &old, new), Ok(expected));
        }
        Op::Alter(key, value) => {
            let current = model.find(key).map(|row| row.value);
            let full = current.is_none() && model.rows.len() >= model.most;
            let mut seen = None;
            let altered = owner.alter(&key, |current| {
                seen = Some(current);
                value
            });
            if full {
                prop_assert_eq!((altered, seen), (Err(TableError::Full), None));
                return Ok(true);
            }
            prop_assert_eq!((altered, seen), (Ok(value.is_some()), Some(current)));
            match (model.find(key), value) {
                (Some(row), Some(value)) => row.value = value,
                (None, Some(value)) => model.add(key, value, None).unwrap(),
                (_, None) => drop(model.remove(|row| row.key == key)),
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Rows by their values.
fn by_value<T>(index: &Index<u8, u8, u8, T>) -> Option<Vec<(u8, u8)>>
where
    T: UniqueKeys<u8, u8> + Lookup<u8, u8, u8>,
{
    let mut rows = index.range(..).unwrap();
    let each: Vec<_> = (0..=u8::MAX)
        .flat_map(|value| index.get(&value).unwrap())
        .collect();
    assert_eq!(rows, each);
    rows.sort_unstable();
    Some(rows)
}

fn special_of_bags<T>(
    owner: &TableOwner<u8, u8, T>,
    model: &mut Model,
    op: &Op,
) -> Result<bool, TestCaseError>
where
    T: patterns_store::ManyRows<u8, u8>,
{
    if let Op::DeleteRow(key, value) = *op {
        let gone = model.remove(|row| row.key == key && row.value == value);
        prop_assert_eq!(owner.delete_row(&key, &value), Ok(gone.len()));
    }
    Ok(matches!(op, Op::DeleteRow(..)))
}

macro_rules! kind_of_sets {
    ($kind:ty) => {
        impl Kind for $kind {
            type Index = Index<u8, u8, u8, $kind>;
            fn put(
                model: &mut Model,
                key: u8,
                value: u8,
                ms: Option<u64>,
            ) -> Result<Option<u8>, TableError> {
                put_in_set(model, key, value, ms)
            }
            fn values(found: Option<u8>) -> Vec<u8> {
                found.into_iter().collect()
            }
            fn special(
                owner: &TableOwner<u8, u8, Self>,
                model: &mut Model,
                op: &Op,
            ) -> Result<bool, TestCaseError> {
                special_of_sets(owner, model, op)
            }
            fn index(owner: &TableOwner<u8, u8, Self>) -> Self::Index {
                owner.index(|_, value| *value).unwrap()
            }
            fn indexed(index: &Self::Index) -> Option<Vec<(u8, u8)>> {
                by_value(index)
            }
        }
    };
}

kind_of_sets!(Set);
kind_of_sets!(OrderedSet);

impl Kind for Bag {
    type Index = ();
    fn put(model: &mut Model, key: u8, value: u8, ms: Option<u64>) -> Result<bool, TableError> {
        let now = model.now;
        let same = model
            .rows
            .iter_mut()
            .find(|row| row.key == key && row.value == value);
        if let Some(row) = same {
            row.deadline = ms.map_or(u64::MAX, |ms| now + ms);
            return Ok(false);
        }
        model.add(key, value, ms).map(|()| true)
    }
    fn values(found: Vec<u8>) -> Vec<u8> {
        found
    }
    fn special(
        owner: &TableOwner<u8, u8, Self>,
        model: &mut Model,
        op: &Op,
    ) -> Result<bool, TestCaseError> {
        special_of_bags(owner, model, op)
    }
    fn index(_: &TableOwner<u8, u8, Self>) {}
    fn indexed((): &()) -> Option<Vec<(u8, u8)>> {
        None
    }
}

impl Kind for DuplicateBag {
    type Index = ();
    fn put(model: &mut Model, key: u8, value: u8, ms: Option<u64>) -> Result<(), TableError> {
        model.add(key, value, ms)
    }
    fn values(found: Vec<u8>) -> Vec<u8> {
        found
    }
    fn special(
        owner: &TableOwner<u8, u8, Self>,
        model: &mut Model,
        op: &Op,
    ) -> Result<bool, TestCaseError> {
        special_of_bags(owner, model, op)
    }
    fn index(_: &TableOwner<u8, u8, Self>) {}
    fn indexed((): &()) -> Option<Vec<(u8, u8)>> {
        None
    }
}

/// Rows as a listener knows them: those that were put and not told to be gone. One whose time is over may still be among them.
#[derive(Debug, Default)]
struct Heard(Vec<(u8, u8)>);

impl Heard {
    fn listen<T: TableType<u8, u8>>(&mut self, changes: &mut Changes<u8, u8, T>, unique: bool) {
        while let Some(change) = changes.try_recv() {
            match change {
                Change::Put { key, value } => {
                    if unique {
                        self.0.retain(|row| row.0 != key);
                    }
                    self.0.push((key, value));
                }
                Change::Deleted { key, value } | Change::Expired { key, value } => {
                    let at = self.0.iter().position(|row| *row == (key, value));
                    self.0.remove(at.expect("what goes was there"));
                }
                Change::Lost(_) => unreachable!("there is room"),
                other => unreachable!("{other:?}"),
            }
        }
    }
}

async fn agrees<T: Kind>(
    shards: bool,
    max_rows: Option<usize>,
    ops: Vec<Op>,
) -> Result<(), TestCaseError>
where
    T::Put: std::fmt::Debug + PartialEq,
{
    let config = TableConfig {
        write_concurrency: shards,
        max_rows,
        ..public()
    };
    let owner: TableOwner<u8, u8, T> = TableOwner::new(config).unwrap();
    let index = T::index(&owner);
    let mut changes = owner.changes(usize::MAX).unwrap();
    let mut heard = Heard::default();
    let mut model = Model {
        most: max_rows.unwrap_or(usize::MAX),
        ..Model::default()
    };
    let unique = T::indexed(&index).is_some();
    for op in ops {
        match op {
            Op::Put(key, value) => {
                let expected = T::put(&mut model, key, value, None);
                prop_assert_eq!(
                    owner.put(key, value).map_err(|refused| refused.error),
                    expected
                );
            }
            Op::PutWithTtl(key, value, millis) => {
                let expected = T::put(&mut model, key, value, Some(millis));
                let put = owner.put_with_ttl(key, value, ms(millis));
                prop_assert_eq!(put.map_err(|refused| refused.error), expected);
            }
            Op::Get(key) => {
                let expected = model.values(key);
                model.count(!expected.is_empty());
                prop_assert_eq!(T::values(owner.get(&key).unwrap()), expected);
            }
            Op::Member(key) => {
                let expected = !model.values(key).is_empty();
                model.count(expected);
                prop_assert_eq!(owner.member(&key), Ok(expected));
            }
            Op::Delete(key) => {
                let gone = model.remove(|row| row.key == key);
                prop_assert_eq!(owner.delete(&key), Ok(!gone.is_empty()));
            }
            Op::Take(key) => {
                let gone = model.remove(|row| row.key == key);
                prop_assert_eq!(T::values(owner.take(&key).unwrap()), gone);
            }
            Op::SelectDelete(limit) => {
                let gone = model.remove(|row| row.value == limit);
                prop_assert_eq!(
                    owner.select_delete(|_, value| *value == limit),
                    Ok(gone.len())
                );
            }
            Op::Clear => {
                owner.clear().unwrap();
                model.rows.clear();
            }
            Op::Sweep => drop(owner.sweep().unwrap()),
            Op::Advance(millis) => {
                model.now += millis;
                tokio::time::advance(Duration::from_millis(millis)).await;
            }
            special => {
                T::special(&owner, &mut model, &special)?;
            }
        }
        model.expire();
        let mut rows = owner.snapshot().unwrap();
        rows.sort_unstable();
        prop_assert_eq!(&rows, &model.sorted());
        let stats = owner.stats().unwrap();
        let counts = (stats.hits, stats.misses, stats.size);
        prop_assert_eq!(counts, (model.hits, model.misses, rows.len()));
        if let Some(indexed) = T::indexed(&index) {
            prop_assert_eq!(&indexed, &rows);
        }
        heard.listen(&mut changes, unique);
        for row in &rows {
            prop_assert!(heard.0.contains(row), "{row:?} was not told");
        }
    }
    // After a sweep a listener knows exactly what is there; of a row of a bag that was put again it heard twice.
    owner.sweep().unwrap();
    heard.listen(&mut changes, unique);
    if unique {
        heard.0.sort_unstable();
        prop_assert_eq!(heard.0, model.sorted());
    }
    Ok(())
}

fn paused(test: impl Future<Output = Result<(), TestCaseError>>) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}

fn bound() -> impl Strategy<Value = Option<usize>> {
    prop::option::of(1_usize..10)
}

proptest! {
    #[test]
    fn a_set_is_a_map_with_a_clock(shards: bool, max_rows in bound(), ops in ops()) {
        paused(agrees::<Set>(shards, max_rows, ops))?;
    }

    #[test]
    fn an_ordered_set_is_one_too(shards: bool, max_rows in bound(), ops in ops()) {
        paused(agrees::<OrderedSet>(shards, max_rows, ops))?;
    }

    #[test]
    fn a_bag_is_a_list_without_equal_rows(shards: bool, max_rows in bound(), ops in ops()) {
        paused(agrees::<Bag>(shards, max_rows, ops))?;
    }

    #[test]
    fn a_duplicate_bag_is_a_list(shards: bool, max_rows in bound(), ops in ops()) {
        paused(agrees::<DuplicateBag>(shards, max_rows, ops))?;
    }

    #[test]
    fn a_range_is_what_a_tree_of_std_gives(keys in prop::collection::btree_set(0_u8..60, 0..40), a in 0_u8..60, b in 0_u8..60) {
        let owner: TableOwner<u8, (), OrderedSet> = crate::support::owner();
        for &key in &keys {
            owner.put(key, ()).unwrap();
        }
        let expected: Vec<u8> = keys.iter().copied().filter(|key| (a..b).contains(key)).collect();
        let range: Vec<u8> = owner.range(a..b).unwrap().into_iter().map(|row| row.0).collect();
        prop_assert_eq!(range, expected);
        let key = |row: Option<(u8, ())>| row.map(|row| row.0);
        prop_assert_eq!(key(owner.next(&a).unwrap()), keys.range(a + 1..).next().copied());
        prop_assert_eq!(key(owner.prev(&a).unwrap()), keys.range(..a).next_back().copied());
    }
}
