//! Rows as a shard keeps them: pure, without lock and clock.
//!
//! Code of the program runs here in few places only: `Eq` or `Ord` where a key is looked for, `Clone` of
//! an ordered set's key where places are picked, and the closures given. In all of them nothing has been
//! changed yet. Nothing of the program's is dropped here: what leaves is handed out.

mod cells;
mod hashed;
mod ordered;

use crate::moment::Moment;

pub(crate) use hashed::Hashed;
pub(crate) use ordered::Ordered;

/// A value, and when its time is over.
#[derive(Debug)]
pub struct Row<V> {
    pub(crate) value: V,
    pub(crate) deadline: u64,
}

/// All rows of one key: one in the sets, a list in the bags.
pub trait Cell<V>: Send + Sync + 'static {
    type IntoRows: Iterator<Item = Row<V>>;

    /// A cell with its first row.
    fn of(row: Row<V>) -> Self;
    fn rows(&self) -> &[Row<V>];
    fn rows_mut(&mut self) -> &mut [Row<V>];
    fn into_rows(self) -> Self::IntoRows;
    /// The row whose place `value` takes, if there is one and it is not added.
    fn same(&self, value: &V, same: Option<Same<V>>, now: &Moment<'_>) -> Option<usize>;
    fn push(&mut self, row: Row<V>);
    /// Hands out the rows at these indices, which ascend.
    fn extract(&mut self, indices: &mut dyn Iterator<Item = usize>, out: &mut dyn FnMut(Row<V>));
}

/// Whether two values make one row in a bag.
pub(crate) type Same<V> = fn(&V, &V) -> bool;

/// Where a row goes that is put.
#[derive(Debug)]
pub enum Fit<S> {
    /// Its key is not here.
    New,
    /// Beside others of its key.
    Beside(S),
    /// In the place of another one, which is live or not.
    Over { spot: S, live: bool },
}

/// What is left when a row was put: the key that is not needed, and the row that was there before.
pub(crate) type Left<K, V> = (Option<K>, Option<Row<V>>);

/// Rows that were taken out. The key comes with the last one of it.
pub(crate) type Taken<K, V> = Vec<(Option<K>, Row<V>)>;

/// What a shard can do with its rows, whatever the table's type.
pub trait Rows<K, V>: Default + Send + Sync + 'static {
    /// Where a row is, good until the rows are next changed.
    type Place: Send + Sync;
    /// Where a put goes, good until the rows are next changed.
    type Spot;
    /// Where a walk goes on. It stays good whatever is changed.
    type Cursor: Default + Send + Sync;

    /// How many rows there are, live or not.
    fn len(&self) -> usize;
    /// Calls `seen` with each row.
    fn visit(&self, seen: impl FnMut(&K, &Row<V>));
    /// Finds out where a row goes.
    fn fit(
        &self,
        hash: u64,
        key: &K,
        value: &V,
        same: Option<Same<V>>,
        now: &Moment<'_>,
    ) -> Fit<Self::Spot>;
    /// Puts a row there.
    fn put(&mut self, fit: Fit<Self::Spot>, hash: u64, key: K, row: Row<V>) -> Left<K, V>;
    /// Looks at the next rows, `most` of them or a few more, and collects the places of those that are
    /// chosen. Returns where to go on, or `None` after the last.
    fn pick(
        &self,
        cursor: &Self::Cursor,
        most: usize,
        chosen: impl FnMut(&K, &Row<V>) -> bool,
        places: &mut Vec<Self::Place>,
    ) -> Option<Self::Cursor>;
    /// The row at a place.
    fn at(&self, place: &Self::Place) -> Option<(&K, &Row<V>)>;
    /// Takes rows out, in the order in which they were picked.
    fn take(&mut self, places: &[Self::Place], taken: &mut Taken<K, V>);
    /// Whether rows may have changed their places since the last call, so that a walk has missed some.
    fn moved(&mut self) -> bool;
    /// Moves into less memory if a crowd has left, and hands the old memory out for the caller to free.
    fn outgrown(&mut self) -> Option<Self>;
    /// Drops all rows one by one. A drop that panics goes no further, and keeps no other from its turn.
    fn discard(self);
}
