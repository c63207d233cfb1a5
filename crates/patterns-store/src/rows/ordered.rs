//! Rows found by order: ordered sets.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::mem;
use std::ops::Bound::{Excluded, Included, Unbounded};

use otp_core::contained::drop_contained;

use super::{Fit, Left, Row, Rows, Same, Taken};
use crate::moment::Moment;

/// A B-tree. It is searched by the program's `Ord`, so nothing here relies on finding a key twice.
#[derive(Debug)]
pub struct Ordered<K, V> {
    pub(crate) map: BTreeMap<K, Row<V>>,
}

impl<K, V> Default for Ordered<K, V> {
    fn default() -> Self {
        Self {
            map: BTreeMap::new(),
        }
    }
}

impl<K: Ord, V> Ordered<K, V> {
    pub(crate) fn find<Q>(&self, key: &Q) -> Option<(&K, &Row<V>)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.get_key_value(key)
    }

    pub(crate) fn find_mut<Q>(&mut self, key: &Q) -> Option<(&K, &mut Row<V>)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let range = (Included(key), Included(key));
        self.map.range_mut::<Q, _>(range).next()
    }

    pub(crate) fn take_key<Q>(&mut self, key: &Q) -> Option<(K, Row<V>)>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.map.remove_entry(key)
    }
}

impl<K, V> Rows<K, V> for Ordered<K, V>
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Place = K;
    type Spot = ();
    /// The key that was looked at last.
    type Cursor = Option<K>;

    fn len(&self) -> usize {
        self.map.len()
    }

    fn visit(&self, mut seen: impl FnMut(&K, &Row<V>)) {
        for (key, row) in &self.map {
            seen(key, row);
        }
    }

    fn fit(&self, _: u64, key: &K, _: &V, _: Option<Same<V>>, now: &Moment<'_>) -> Fit<()> {
        match self.map.get(key) {
            Some(row) => Fit::Over {
                spot: (),
                live: !now.is_over(row.deadline),
            },
            None => Fit::New,
        }
    }

    fn put(&mut self, fit: Fit<()>, _: u64, key: K, row: Row<V>) -> Left<K, V> {
        if matches!(fit, Fit::Over { .. })
            && let Some(old) = self.map.get_mut(&key)
        {
            return (Some(key), Some(mem::replace(old, row)));
        }
        // The old row, if `Ord` changed its mind meanwhile.
        (None, self.map.insert(key, row))
    }

    fn pick(
        &self,
        cursor: &Option<K>,
        most: usize,
        mut chosen: impl FnMut(&K, &Row<V>) -> bool,
        places: &mut Vec<K>,
    ) -> Option<Option<K>> {
        let from = cursor.as_ref().map_or(Unbounded, Excluded);
        let mut rest = self.map.range((from, Unbounded));
        let mut last = None;
        for (key, row) in rest.by_ref().take(most) {
            if chosen(key, row) {
                places.push(key.clone());
            }
            last = Some(key);
        }
        rest.next().map(|_| last.cloned())
    }

    fn at(&self, place: &K) -> Option<(&K, &Row<V>)> {
        self.map.get_key_value(place)
    }

    fn take(&mut self, places: &[K], taken: &mut Taken<K, V>) {
        for place in places {
            if let Some((key, row)) = self.map.remove_entry(place) {
                taken.push((Some(key), row));
            }
        }
    }

    fn moved(&mut self) -> bool {
        false
    }

    fn outgrown(&mut self) -> Option<Self> {
        // A tree gives its nodes back as they empty.
        None
    }

    fn discard(self) {
        for (key, row) in self.map {
            drop_contained(key);
            drop_contained(row);
        }
    }
}
