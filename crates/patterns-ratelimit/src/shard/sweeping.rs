//! Forgetting the keys whose tokens are all back.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use super::{Shard, WAITED};
use crate::room::Room;

/// A shard with at most this many keys, and eight times the room, gives the room back.
const SHRINKS: usize = 4_096;

impl<K: Hash + Eq> Shard<K> {
    /// Looks at the next `places` places of the table, or those up to its end, and forgets what is idle there.
    ///
    /// What is idle is what owes nothing at the last moment that was seen here. The keys are garbage then.
    pub(crate) fn sweep(&mut self, places: usize, room: &Room) {
        let all = self.table.num_buckets();
        if self.table.is_empty() {
            self.cursor = 0;
            return;
        }
        if self.cursor >= all {
            self.cursor = 0;
        }
        let end = self.cursor.saturating_add(places).min(all);
        for place in self.cursor..end {
            let is_idle = self.table.get_bucket(place).is_some_and(|entry| {
                let gcra = self.gcra_of(&entry.key);
                entry.word & WAITED == 0 && entry.word <= gcra.units(self.latest)
            });
            if is_idle && let Ok(found) = self.table.get_bucket_entry(place) {
                let key = found.remove().0.key;
                self.discard(key);
                room.leave(1);
                self.evicted += 1;
            }
        }
        self.cursor = end;
    }

    /// Sweeps as of the moment `nanos`. Returns how many places there are.
    pub(crate) fn sweep_at(&mut self, nanos: u64, places: usize, room: &Room) -> usize {
        self.moment(nanos);
        self.sweep(places, room);
        self.table.num_buckets()
    }

    /// Gives memory back where little is left.
    pub(crate) fn shrink(&mut self, hasher: &DefaultHashBuilder) {
        let len = self.table.len();
        if len <= SHRINKS && self.table.capacity() / 8 > len {
            self.table
                .shrink_to(len * 2, |entry| hasher.hash_one(&entry.key));
        }
    }
}
