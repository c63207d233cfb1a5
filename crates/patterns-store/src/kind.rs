//! The four types of a table, and what each asks of its keys and values.

mod lookup;
mod storage;

use std::hash::Hash;

use hashbrown::DefaultHashBuilder;

use crate::rows::{Cell, Hashed, Row, Rows, Same};

/// One row for each key, found by hash: ETS's `set`. The default.
#[derive(Debug, Clone, Copy)]
pub enum Set {}

/// One row for each key, in the order of the keys: ETS's `ordered_set`.
#[derive(Debug, Clone, Copy)]
pub enum OrderedSet {}

/// Any number of rows for a key, no two of them equal: ETS's `bag`. They are listed in the order in which
/// they were put.
#[derive(Debug, Clone, Copy)]
pub enum Bag {}

/// Any number of rows for a key, equal ones too: ETS's `duplicate_bag`. They are listed in the order in
/// which they were put.
#[derive(Debug, Clone, Copy)]
pub enum DuplicateBag {}

/// The type of a table: [`Set`], [`OrderedSet`], [`Bag`] or [`DuplicateBag`].
///
/// It is implemented for each of them with the keys and values that it can hold. All are
/// `Send + Sync + 'static`; keys are `Hash + Eq`, in an ordered set `Ord + Clone`; values in a bag are
/// `PartialEq`. It cannot be implemented elsewhere.
pub trait TableType<K, V>: Storage<K, V> {
    /// What looking for a key gives: an `Option<V>` in the sets, a `Vec<V>` in the bags.
    type Found: Send + 'static;
    /// What putting a row tells: in the sets the live value that was replaced, an `Option<V>`; in a bag
    /// whether there is one row more, a `bool`; in a duplicate bag nothing.
    type Put: Send + 'static;

    #[doc(hidden)]
    fn found(values: impl Iterator<Item = V>) -> Self::Found;
    #[doc(hidden)]
    fn is_found(found: &Self::Found) -> bool;
    #[doc(hidden)]
    fn told(replaced: Option<V>) -> Self::Put;
}

/// The types with one row for each key: [`Set`] and [`OrderedSet`].
pub trait UniqueKeys<K, V>:
    TableType<K, V, Found = Option<V>, Put = Option<V>> + Storage<K, V, Cell = Row<V>>
{
}

/// The types with any number of rows for each key: [`Bag`] and [`DuplicateBag`].
pub trait ManyRows<K, V>:
    TableType<K, V, Found = Vec<V>> + Storage<K, V, Rows = Hashed<K, Vec<Row<V>>>>
{
}

/// That a key can be looked for by a `Q`, as in the maps of std: `K: Borrow<Q>`, and both are
/// `Hash + Eq`, in an ordered set `Ord`.
pub trait Lookup<K, V, Q: ?Sized>: TableType<K, V> {
    #[doc(hidden)]
    fn hash(hasher: &DefaultHashBuilder, key: &Q) -> u64;
    #[doc(hidden)]
    fn find<'a>(rows: &'a Self::Rows, hash: u64, key: &Q) -> Option<(&'a K, &'a Self::Cell)>;
    #[doc(hidden)]
    fn find_mut<'a>(
        rows: &'a mut Self::Rows,
        hash: u64,
        key: &Q,
    ) -> Option<(&'a K, &'a mut Self::Cell)>;
    #[doc(hidden)]
    fn take(rows: &mut Self::Rows, hash: u64, key: &Q) -> Option<(K, Self::Cell)>;
}

/// How a type keeps its rows: what makes the traits above impossible to implement elsewhere.
pub trait Storage<K, V>: Sized + Send + Sync + 'static {
    const NAME: &'static str;
    /// Whether rows are dealt out to shards.
    const SHARDED: bool;
    type Cell: Cell<V>;
    type Rows: Rows<K, V>;

    /// Whether two values of one key make one row, where any do.
    const SAME: Option<Same<V>> = None;

    fn hash_of(hasher: &DefaultHashBuilder, key: &K) -> u64;
}

impl<K, V> TableType<K, V> for Set
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Found = Option<V>;
    type Put = Option<V>;

    #[inline]
    fn found(mut values: impl Iterator<Item = V>) -> Option<V> {
        values.next()
    }

    #[inline]
    fn is_found(found: &Option<V>) -> bool {
        found.is_some()
    }

    #[inline]
    fn told(replaced: Option<V>) -> Option<V> {
        replaced
    }
}

impl<K, V> TableType<K, V> for OrderedSet
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Found = Option<V>;
    type Put = Option<V>;

    #[inline]
    fn found(mut values: impl Iterator<Item = V>) -> Option<V> {
        values.next()
    }

    #[inline]
    fn is_found(found: &Option<V>) -> bool {
        found.is_some()
    }

    #[inline]
    fn told(replaced: Option<V>) -> Option<V> {
        replaced
    }
}

impl<K, V> TableType<K, V> for Bag
where
    K: Hash + Eq + Send + Sync + 'static,
    V: PartialEq + Send + Sync + 'static,
{
    type Found = Vec<V>;
    type Put = bool;

    #[inline]
    fn found(values: impl Iterator<Item = V>) -> Vec<V> {
        values.collect()
    }

    #[inline]
    fn is_found(found: &Vec<V>) -> bool {
        !found.is_empty()
    }

    #[inline]
    fn told(replaced: Option<V>) -> bool {
        replaced.is_none()
    }
}

impl<K, V> TableType<K, V> for DuplicateBag
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Found = Vec<V>;
    type Put = ();

    #[inline]
    fn found(values: impl Iterator<Item = V>) -> Vec<V> {
        values.collect()
    }

    #[inline]
    fn is_found(found: &Vec<V>) -> bool {
        !found.is_empty()
    }

    #[inline]
    fn told(_: Option<V>) {}
}

impl<K, V> UniqueKeys<K, V> for Set
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
}

impl<K, V> UniqueKeys<K, V> for OrderedSet
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
}

impl<K, V> ManyRows<K, V> for Bag
where
    K: Hash + Eq + Send + Sync + 'static,
    V: PartialEq + Send + Sync + 'static,
{
}

impl<K, V> ManyRows<K, V> for DuplicateBag
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
}
