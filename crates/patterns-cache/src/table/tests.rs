//! How a bound is dealt out to shards.

use proptest::prelude::*;

use super::*;

#[test]
fn without_a_bound_there_are_as_many_shards_as_wanted_up_to_256() {
    let counts = [1, 8, 9, 24, 64, 300, usize::MAX].map(|wanted| shard_count(None, 64, wanted));
    assert_eq!(counts, [1, 8, 16, 32, 64, 256, 256]);
}

#[test]
fn a_small_bound_means_few_shards() {
    let counts = [1, 127, 128, 511, 512, 1_000_000].map(|max| shard_count(Some(max), 64, 16));
    assert_eq!(counts, [1, 1, 2, 4, 8, 16]);
    assert_eq!(shard_count(Some(u64::MAX), 64, 16), 16);
    assert_eq!([1, 3, 9].map(|max| shard_count(Some(max), 1, 4)), [1, 2, 4]);
}

proptest! {
    #[test]
    fn the_shards_places_add_up_to_the_bound(
        max in 1_u64..100_000,
        least in 1_u64..100,
        wanted in 1_usize..2_000,
    ) {
        let count = shard_count(Some(max), least, wanted);
        let places: Vec<_> = (0..count).map(|index| share(max, count, index)).collect();
        prop_assert!(count.is_power_of_two());
        prop_assert_eq!(places.iter().sum::<u64>(), max);
        prop_assert!(count == 1 || places.iter().all(|&places| places >= least));
    }
}
