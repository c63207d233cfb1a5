//! How each type looks for a key.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use super::{Bag, DuplicateBag, Lookup, OrderedSet, Set};

impl<K, V, Q> Lookup<K, V, Q> for Set
where
    K: Borrow<Q> + Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    Q: Hash + Eq + ?Sized,
{
    #[inline]
    fn hash(hasher: &DefaultHashBuilder, key: &Q) -> u64 {
        hasher.hash_one(key)
    }

    #[inline]
    fn find<'a>(rows: &'a Self::Rows, hash: u64, key: &Q) -> Option<(&'a K, &'a Self::Cell)> {
        rows.find(hash, key)
    }

    #[inline]
    fn find_mut<'a>(
        rows: &'a mut Self::Rows,
        hash: u64,
        key: &Q,
    ) -> Option<(&'a K, &'a mut Self::Cell)> {
        rows.find_mut(hash, key)
    }

    fn take(rows: &mut Self::Rows, hash: u64, key: &Q) -> Option<(K, Self::Cell)> {
        rows.take_key(hash, key)
    }
}

impl<K, V, Q> Lookup<K, V, Q> for Bag
where
    K: Borrow<Q> + Hash + Eq + Send + Sync + 'static,
    V: PartialEq + Send + Sync + 'static,
    Q: Hash + Eq + ?Sized,
{
    #[inline]
    fn hash(hasher: &DefaultHashBuilder, key: &Q) -> u64 {
        hasher.hash_one(key)
    }

    #[inline]
    fn find<'a>(rows: &'a Self::Rows, hash: u64, key: &Q) -> Option<(&'a K, &'a Self::Cell)> {
        rows.find(hash, key)
    }

    #[inline]
    fn find_mut<'a>(
        rows: &'a mut Self::Rows,
        hash: u64,
        key: &Q,
    ) -> Option<(&'a K, &'a mut Self::Cell)> {
        rows.find_mut(hash, key)
    }

    fn take(rows: &mut Self::Rows, hash: u64, key: &Q) -> Option<(K, Self::Cell)> {
        rows.take_key(hash, key)
    }
}

impl<K, V, Q> Lookup<K, V, Q> for DuplicateBag
where
    K: Borrow<Q> + Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
    Q: Hash + Eq + ?Sized,
{
    #[inline]
    fn hash(hasher: &DefaultHashBuilder, key: &Q) -> u64 {
        hasher.hash_one(key)
    }

    #[inline]
    fn find<'a>(rows: &'a Self::Rows, hash: u64, key: &Q) -> Option<(&'a K, &'a Self::Cell)> {
        rows.find(hash, key)
    }

    #[inline]
    fn find_mut<'a>(
        rows: &'a mut Self::Rows,
        hash: u64,
        key: &Q,
    ) -> Option<(&'a K, &'a mut Self::Cell)> {
        rows.find_mut(hash, key)
    }

    fn take(rows: &mut Self::Rows, hash: u64, key: &Q) -> Option<(K, Self::Cell)> {
        rows.take_key(hash, key)
    }
}

impl<K, V, Q> Lookup<K, V, Q> for OrderedSet
where
    K: Borrow<Q> + Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
    Q: Ord + ?Sized,
{
    #[inline]
    fn hash(_: &DefaultHashBuilder, _: &Q) -> u64 {
        0
    }

    #[inline]
    fn find<'a>(rows: &'a Self::Rows, _: u64, key: &Q) -> Option<(&'a K, &'a Self::Cell)> {
        rows.find(key)
    }

    #[inline]
    fn find_mut<'a>(
        rows: &'a mut Self::Rows,
        _: u64,
        key: &Q,
    ) -> Option<(&'a K, &'a mut Self::Cell)> {
        rows.find_mut(key)
    }

    fn take(rows: &mut Self::Rows, _: u64, key: &Q) -> Option<(K, Self::Cell)> {
        rows.take_key(key)
    }
}
