//! What a key has: one row in a set, a list of them in a bag.

use std::{iter, vec};

use super::{Cell, Row, Same};
use crate::moment::Moment;

impl<V: Send + Sync + 'static> Cell<V> for Row<V> {
    type IntoRows = iter::Once<Self>;

    fn of(row: Self) -> Self {
        row
    }

    #[inline]
    fn rows(&self) -> &[Self] {
        std::slice::from_ref(self)
    }

    #[inline]
    fn rows_mut(&mut self) -> &mut [Self] {
        std::slice::from_mut(self)
    }

    fn into_rows(self) -> Self::IntoRows {
        iter::once(self)
    }

    fn same(&self, _: &V, _: Option<Same<V>>, _: &Moment<'_>) -> Option<usize> {
        Some(0)
    }

    fn push(&mut self, _: Self) {
        unreachable!("a set has one row for a key, and a new one takes its place")
    }

    fn extract(&mut self, _: &mut dyn Iterator<Item = usize>, _: &mut dyn FnMut(Self)) {
        unreachable!("the one row of a set's key goes with the key")
    }
}

impl<V: Send + Sync + 'static> Cell<V> for Vec<Row<V>> {
    type IntoRows = vec::IntoIter<Row<V>>;

    fn of(row: Row<V>) -> Self {
        vec![row]
    }

    #[inline]
    fn rows(&self) -> &[Row<V>] {
        self
    }

    #[inline]
    fn rows_mut(&mut self) -> &mut [Row<V>] {
        self
    }

    fn into_rows(self) -> Self::IntoRows {
        self.into_iter()
    }

    fn same(&self, value: &V, same: Option<Same<V>>, now: &Moment<'_>) -> Option<usize> {
        let same = same?;
        self.iter()
            .position(|row| same(&row.value, value) && !now.is_over(row.deadline))
    }

    fn push(&mut self, row: Row<V>) {
        self.push(row);
    }

    fn extract(&mut self, indices: &mut dyn Iterator<Item = usize>, out: &mut dyn FnMut(Row<V>)) {
        let mut next = indices.next();
        let mut index = 0;
        let chosen = self.extract_if(.., |_| {
            let chosen = next == Some(index);
            if chosen {
                next = indices.next();
            }
            index += 1;
            chosen
        });
        chosen.for_each(out);
    }
}
