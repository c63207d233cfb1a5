//! How a bound is dealt out to shards.

use proptest::prelude::*;

use super::*;

#[test]
fn an_unbounded_cache_has_eight_shards_for_each_core_or_more_up_to_256() {
    let counts = [1, 2, 3, 8, 96].map(|cores| shard_count(None, cores));
    assert_eq!(counts, [8, 16, 32, 64, 256]);
}

#[test]
fn a_small_bound_means_few_shards() {
    let counts = [1, 127, 128, 511, 512, 1_000_000].map(|max| shard_count(Some(max), 2));
    assert_eq!(counts, [1, 1, 2, 4, 8, 16]);
    assert_eq!(shard_count(Some(usize::MAX), 2), 16);
}

proptest! {
    #[test]
    fn the_shards_places_add_up_to_the_bound(max in 1_usize..100_000, cores in 1_usize..200) {
        let count = shard_count(Some(max), cores);
        let places: Vec<_> = (0..count).map(|index| share(max, count, index)).collect();
        prop_assert!(count.is_power_of_two());
        prop_assert_eq!(places.iter().sum::<usize>(), max);
        prop_assert!(count == 1 || places.iter().all(|&places| places >= LEAST_PLACES));
    }
}
