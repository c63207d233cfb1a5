//! Other quotas, and full buckets, while everybody goes on.

use std::borrow::Borrow;
use std::hash::Hash;

use super::{Asked, Shard, WAITED};
use crate::Quota;
use crate::desk::Wakers;
use crate::gcra::Gcra;
use crate::line::Line;
use crate::room::Room;

impl<K: Hash + Eq> Shard<K> {
    /// The quota of a key that has one of its own.
    pub(crate) fn quota_of<Q>(&self, key: &Q) -> Option<Quota>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let (quota, _) = self.more.as_ref()?.quotas.get(key)?;
        Some(*quota)
    }

    /// Gives a key a quota of its own, or takes it away; what it owes it goes on owing.
    pub(crate) fn set_quota_of<Q>(
        &mut self,
        asked: Asked<'_, Q>,
        nanos: u64,
        quota: Option<(Quota, Gcra)>,
    ) -> Wakers
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let nanos = self.moment(nanos);
        let old = self.gcra_of(asked.key);
        match quota {
            Some(quota) => {
                let quotas = &mut self.more().quotas;
                match quotas.get_mut(asked.key) {
                    Some(known) => *known = quota,
                    None => {
                        quotas.insert(asked.key.to_owned(), quota);
                    }
                }
            }
            None => {
                let gone = self
                    .more
                    .as_mut()
                    .and_then(|more| more.quotas.remove_entry(asked.key));
                self.garbage.extend(gone.map(|(key, _)| key));
            }
        }
        let new = self.gcra_of(asked.key);
        if self.find(asked).is_none() {
            return Wakers::default();
        }
        self.at_desk(asked, nanos, |desk| {
            *desk.tat = new.convert(&old, *desk.tat, nanos);
            desk.line.forgive();
            desk.changed()
        })
    }

    /// Gives another quota to all keys that have none of their own.
    pub(crate) fn set_quota(&mut self, nanos: u64, gcra: Gcra) -> Vec<Wakers> {
        // All code of the program comes before the first change.
        let have_own: Vec<bool> = match &self.more {
            Some(more) if !more.quotas.is_empty() => {
                let entries = self.table.iter();
                entries
                    .map(|entry| more.quotas.contains_key(&entry.key))
                    .collect()
            }
            _ => Vec::new(),
        };
        let lines_have_own: Vec<bool> = match &self.more {
            Some(more) => {
                let keys = more.lines.keys();
                keys.map(|key| more.quotas.contains_key(key)).collect()
            }
            None => Vec::new(),
        };
        let nanos = self.moment(nanos);
        let old = std::mem::replace(&mut self.gcra, gcra);
        for (place, entry) in self.table.iter_mut().enumerate() {
            if !have_own.get(place).copied().unwrap_or(false) {
                let tat = gcra.convert(&old, entry.word & !WAITED, nanos);
                entry.word = tat | (entry.word & WAITED);
            }
        }
        if let Some(more) = &mut self.more {
            let lines = more.lines.values_mut().zip(lines_have_own);
            lines
                .filter(|(_, has_own)| !has_own)
                .for_each(|(line, _)| line.forgive());
        }
        self.all_changed()
    }

    fn all_changed(&mut self) -> Vec<Wakers> {
        let lines = self
            .more
            .iter_mut()
            .flat_map(|more| more.lines.values_mut());
        lines.map(Wakers::of_first).collect()
    }

    /// Fills the bucket of a key.
    pub(crate) fn reset<Q>(&mut self, asked: Asked<'_, Q>) -> Wakers
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        match self.find(asked) {
            None => Wakers::default(),
            Some(entry) if entry.word & WAITED == 0 => {
                self.remove(asked);
                Wakers::default()
            }
            Some(_) => self.at_desk(asked, 0, |desk| {
                *desk.tat = 0;
                desk.line.forgive();
                desk.changed()
            }),
        }
    }

    /// Fills all buckets.
    pub(crate) fn reset_all(&mut self, room: &Room) -> Vec<Wakers> {
        let gone = self.table.extract_if(|entry| entry.word & WAITED == 0);
        let before = self.garbage.len();
        self.garbage.extend(gone.map(|entry| entry.key));
        room.leave(self.garbage.len() - before);
        for entry in &mut self.table {
            entry.word = WAITED;
        }
        if let Some(more) = &mut self.more {
            more.lines.values_mut().for_each(Line::forgive);
        }
        self.all_changed()
    }
}
