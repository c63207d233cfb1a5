//! Rows found by hash: sets and bags.

use std::borrow::Borrow;
use std::mem;

use hashbrown::HashTable;
use otp_core::contained::drop_contained;

use super::{Cell, Fit, Left, Row, Rows, Same, Taken};
use crate::moment::Moment;

/// With no more than so many keys left, a table that has grown large moves into less memory.
const FEW: usize = 256;

/// A key, what it has, and its hash: growing the table never calls the program's `Hash`, whose panic
/// would cost rows, and unequal keys are hardly ever compared.
#[derive(Debug)]
struct Entry<K, C> {
    hash: u64,
    key: K,
    cell: C,
}

/// A hash table with a cell of type `C` for each key.
#[derive(Debug)]
pub struct Hashed<K, C> {
    table: HashTable<Entry<K, C>>,
    rows: usize,
    moved: bool,
}

impl<K, C> Default for Hashed<K, C> {
    fn default() -> Self {
        Self {
            table: HashTable::new(),
            rows: 0,
            moved: false,
        }
    }
}

impl<K, C> Hashed<K, C> {
    #[inline]
    pub(crate) fn find<Q>(&self, hash: u64, key: &Q) -> Option<(&K, &C)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entry = self.table.find(hash, is(hash, key))?;
        Some((&entry.key, &entry.cell))
    }

    #[inline]
    pub(crate) fn find_mut<Q>(&mut self, hash: u64, key: &Q) -> Option<(&K, &mut C)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let entry = self.table.find_mut(hash, is(hash, key))?;
        Some((&entry.key, &mut entry.cell))
    }

    /// Takes a key out with all that it has.
    pub(crate) fn take_key<Q, V>(&mut self, hash: u64, key: &Q) -> Option<(K, C)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
        C: Cell<V>,
    {
        let found = self.table.find_entry(hash, is(hash, key)).ok()?;
        let (entry, _) = found.remove();
        self.rows -= entry.cell.rows().len();
        Some((entry.key, entry.cell))
    }

    /// The places of a key's rows that are chosen.
    pub(crate) fn places<Q, V>(
        &self,
        hash: u64,
        key: &Q,
        mut chosen: impl FnMut(&Row<V>) -> bool,
    ) -> Vec<Place>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
        C: Cell<V>,
    {
        let mut places = Vec::new();
        if let Some(bucket) = self.bucket(hash, key)
            && let Some(entry) = self.table.get_bucket(bucket)
        {
            let rows = entry.cell.rows().iter().enumerate();
            places.extend(rows.filter_map(|(index, row)| chosen(row).then_some((bucket, index))));
        }
        places
    }

    fn bucket<Q>(&self, hash: u64, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        self.table.find_bucket_index(hash, is(hash, key))
    }

    fn add(&mut self, entry: Entry<K, C>) {
        // Only a table that is full to the last place moves its rows.
        self.moved |= self.table.len() == self.table.capacity();
        self.table
            .insert_unique(entry.hash, entry, |entry| entry.hash);
    }
}

#[inline]
fn is<Q, K, C>(hash: u64, key: &Q) -> impl Fn(&Entry<K, C>) -> bool + '_
where
    K: Borrow<Q>,
    Q: Eq + ?Sized,
{
    move |entry| entry.hash == hash && entry.key.borrow() == key
}

/// A bucket of the table, and which row of the cell.
type Place = (usize, usize);

impl<K, V, C> Rows<K, V> for Hashed<K, C>
where
    K: Eq + Send + Sync + 'static,
    C: Cell<V>,
{
    type Place = Place;
    type Spot = Place;
    type Cursor = usize;

    fn len(&self) -> usize {
        self.rows
    }

    fn visit(&self, mut seen: impl FnMut(&K, &Row<V>)) {
        for entry in &self.table {
            for row in entry.cell.rows() {
                seen(&entry.key, row);
            }
        }
    }

    fn fit(
        &self,
        hash: u64,
        key: &K,
        value: &V,
        same: Option<Same<V>>,
        now: &Moment<'_>,
    ) -> Fit<Place> {
        let Some(bucket) = self.bucket(hash, key) else {
            return Fit::New;
        };
        let cell = &self.table.get_bucket(bucket).expect("just found").cell;
        match cell.same(value, same, now) {
            Some(index) => Fit::Over {
                spot: (bucket, index),
                live: !now.is_over(cell.rows()[index].deadline),
            },
            None => Fit::Beside((bucket, 0)),
        }
    }

    fn put(&mut self, fit: Fit<Place>, hash: u64, key: K, row: Row<V>) -> Left<K, V> {
        match fit {
            Fit::New => {
                let cell = C::of(row);
                self.add(Entry { hash, key, cell });
                self.rows += 1;
                (None, None)
            }
            Fit::Beside((bucket, _)) => {
                let entry = self.table.get_bucket_mut(bucket).expect("found before");
                entry.cell.push(row);
                self.rows += 1;
                (Some(key), None)
            }
            Fit::Over {
                spot: (bucket, index),
                ..
            } => {
                let entry = self.table.get_bucket_mut(bucket).expect("found before");
                let old = mem::replace(&mut entry.cell.rows_mut()[index], row);
                (Some(key), Some(old))
            }
        }
    }

    fn pick(
        &self,
        cursor: &usize,
        most: usize,
        mut chosen: impl FnMut(&K, &Row<V>) -> bool,
        places: &mut Vec<Place>,
    ) -> Option<usize> {
        // Empty buckets count too: looking at them costs time as well.
        let mut looked = 0;
        let mut bucket = *cursor;
        let end = self.table.num_buckets();
        while bucket < end && looked < most {
            looked += 1;
            if let Some(entry) = self.table.get_bucket(bucket) {
                let rows = entry.cell.rows();
                looked += rows.len() - 1;
                for (index, row) in rows.iter().enumerate() {
                    if chosen(&entry.key, row) {
                        places.push((bucket, index));
                    }
                }
            }
            bucket += 1;
        }
        (bucket < end).then_some(bucket)
    }

    fn at(&self, &(bucket, index): &Place) -> Option<(&K, &Row<V>)> {
        let entry = self.table.get_bucket(bucket)?;
        Some((&entry.key, entry.cell.rows().get(index)?))
    }

    fn take(&mut self, places: &[Place], taken: &mut Taken<K, V>) {
        for group in places.chunk_by(|a, b| a.0 == b.0) {
            let Ok(mut found) = self.table.get_bucket_entry(group[0].0) else {
                continue;
            };
            self.rows -= group.len();
            if found.get().cell.rows().len() == group.len() {
                let (entry, _) = found.remove();
                let mut rest = group.len();
                let mut key = Some(entry.key);
                for row in entry.cell.into_rows() {
                    rest -= 1;
                    let key = if rest == 0 { key.take() } else { None };
                    taken.push((key, row));
                }
            } else {
                let mut indices = group.iter().map(|&(_, index)| index);
                let cell = &mut found.get_mut().cell;
                cell.extract(&mut indices, &mut |row| taken.push((None, row)));
            }
        }
    }

    fn moved(&mut self) -> bool {
        mem::take(&mut self.moved)
    }

    fn outgrown(&mut self) -> Option<Self> {
        if self.table.len() > FEW || self.table.capacity() <= 4 * FEW {
            return None;
        }
        let mut old = mem::take(self);
        self.table = HashTable::with_capacity(old.table.len());
        self.rows = old.rows;
        for entry in old.table.drain() {
            self.table
                .insert_unique(entry.hash, entry, |entry| entry.hash);
        }
        self.moved = true;
        Some(old)
    }

    fn discard(self) {
        for entry in self.table {
            drop_contained(entry.key);
            entry.cell.into_rows().for_each(drop_contained);
        }
    }
}
