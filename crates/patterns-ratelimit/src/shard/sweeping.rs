//! Forgetting the keys whose tokens are all back.

use std::hash::{BuildHasher, Hash};

use hashbrown::DefaultHashBuilder;

use super::{Shard, WAITED};
use crate::room::Room;

/// A shard with at most this many keys, and eight times the room, gives the room back.
const SHRINKS: usize = 4_096;

impl<K: Hash + Eq> Shard<K> {
    /// Looks at the next `places` places of the table, and forgets what is idle there. Says whether that was the end of it.
    ///
    /// What is idle is what owes nothing at the last moment that was seen here. The keys are garbage then.
    pub(crate) fn sweep(&mut self, places: usize, room: &Room) -> bool {
        let all = self.table.num_buckets();
        if self.table.is_empty() {
            self.cursor = 0;
            return true;
        }
        if self.cursor >= all {
            self.cursor = 0;
        }
        let end = self.cursor.saturating_add(places).min(all);
        let mut gone = 0;
        for place in self.cursor..end {
            let is_idle = self.table.get_bucket(place).is_some_and(|entry| {
                let gcra = self.gcra_of(&entry.key);
                entry.word & WAITED == 0 && entry.word <= gcra.units(self.latest)
            });
            if is_idle && let Ok(found) = self.table.get_bucket_entry(place) {
                self.garbage.push(found.remove().0.key);
                gone += 1;
            }
        }
        if gone > 0 {
            self.evicted += gone;
            room.leave(usize::try_from(gone).unwrap_or(usize::MAX));
        }
        self.cursor = end;
        if end == all {
            self.cursor = 0;
        }
        end == all
    }

    /// Sweeps as of the moment `nanos`, and gives memory back where little is left.
    pub(crate) fn sweep_at(
        &mut self,
        nanos: u64,
        places: usize,
        room: &Room,
        hasher: &DefaultHashBuilder,
    ) -> bool {
        self.moment(nanos);
        let is_over = self.sweep(places, room);
        if is_over && self.table.len() <= SHRINKS && self.table.capacity() / 8 > self.table.len() {
            let places = self.table.len() * 2;
            self.table
                .shrink_to(places, |entry| hasher.hash_one(&entry.key));
        }
        is_over
    }
}
