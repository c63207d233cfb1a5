//! A shard whose moments are chosen.

use std::time::Duration;

use hashbrown::DefaultHashBuilder;

use super::{Asked, Shard};
use crate::room::Room;
use crate::{Denied, Quota};

struct Chosen {
    shard: Shard<u64>,
    room: Room,
    hasher: DefaultHashBuilder,
}

impl Chosen {
    /// One token in two nanoseconds, so that each moment counts.
    fn new() -> Self {
        let quota = Quota::new(1, 1, Duration::from_nanos(2));
        Self {
            shard: Shard::new(quota.compile().expect("it is good")),
            room: Room::new(None),
            hasher: DefaultHashBuilder::default(),
        }
    }

    fn take(&mut self, nanos: u64) -> Result<u64, Denied> {
        let asked = Asked {
            key: &7,
            hash: 7,
            hasher: &self.hasher,
            room: &self.room,
        };
        let taken = self.shard.take(asked, nanos, 1);
        taken.map(|(allowed, _)| allowed.nanos)
    }
}

#[test]
fn who_read_the_clock_before_a_sweep_and_comes_after_it_decides_at_the_later_moment() {
    let mut chosen = Chosen::new();
    assert_eq!(chosen.take(10), Ok(10));
    chosen.shard.sweep_at(12, usize::MAX, &chosen.room);
    assert_eq!(chosen.shard.len(), 0, "it was idle");
    // At 11 it would not have been, and nobody knows any more.
    assert_eq!(chosen.take(11), Ok(12));
    assert!(chosen.take(13).is_err());
    assert_eq!(chosen.take(14), Ok(14));
}

#[test]
fn a_sweep_at_an_earlier_moment_forgets_what_is_idle_at_the_latest() {
    let mut chosen = Chosen::new();
    assert_eq!(chosen.take(10), Ok(10));
    assert!(chosen.take(11).is_err());
    chosen.shard.sweep_at(5, usize::MAX, &chosen.room);
    assert_eq!(chosen.shard.len(), 1);
    assert!(chosen.take(11).is_err());
}
