//! How each type keeps its rows.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use super::{Bag, DuplicateBag, OrderedSet, Set, Storage};
use crate::rows::{Hashed, Ordered, Row, Same};

impl<K, V> Storage<K, V> for Set
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    const NAME: &'static str = "set";
    const SHARDED: bool = true;
    type Cell = Row<V>;
    type Rows = Hashed<K, Row<V>>;

    fn hash_of(hasher: &DefaultHashBuilder, key: &K) -> u64 {
        hasher.hash_one(key)
    }
}

impl<K, V> Storage<K, V> for OrderedSet
where
    K: Ord + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    const NAME: &'static str = "ordered_set";
    const SHARDED: bool = false;
    type Cell = Row<V>;
    type Rows = Ordered<K, V>;

    fn hash_of(_: &DefaultHashBuilder, _: &K) -> u64 {
        0
    }
}

impl<K, V> Storage<K, V> for Bag
where
    K: Hash + Eq + Send + Sync + 'static,
    V: PartialEq + Send + Sync + 'static,
{
    const NAME: &'static str = "bag";
    const SHARDED: bool = true;
    type Cell = Vec<Row<V>>;
    type Rows = Hashed<K, Vec<Row<V>>>;

    const SAME: Option<Same<V>> = Some(V::eq);

    fn hash_of(hasher: &DefaultHashBuilder, key: &K) -> u64 {
        hasher.hash_one(key)
    }
}

impl<K, V> Storage<K, V> for DuplicateBag
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    const NAME: &'static str = "duplicate_bag";
    const SHARDED: bool = true;
    type Cell = Vec<Row<V>>;
    type Rows = Hashed<K, Vec<Row<V>>>;

    fn hash_of(hasher: &DefaultHashBuilder, key: &K) -> u64 {
        hasher.hash_one(key)
    }
}
