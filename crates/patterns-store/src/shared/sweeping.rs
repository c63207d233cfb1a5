//! How rows whose time is over are swept out, a bounded step at a time.

use super::Shared;
use crate::TableError;
use crate::TableType;
use crate::moment::Moment;
use crate::rows::Rows;
use crate::shard::Bin;

/// Where a sweep goes on: in which part, and whether that one's walk has begun.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SweepAt {
    part: usize,
    begun: bool,
}

impl<K, V, T: TableType<K, V>> Shared<K, V, T> {
    /// Takes a sweep one step on. Returns how many rows went, and where to go on, or `None` after the last.
    pub(crate) fn sweep_step(&self, at: SweepAt) -> Result<(usize, Option<SweepAt>), TableError> {
        let SweepAt { part, begun } = at;
        let Some(shard) = self.parts.get(part) else {
            return Ok((0, None));
        };
        let now = Moment::of(&self.clock);
        let mut bin = Bin::default();
        let mut held = self.write(shard)?;
        let more = (begun || held.begin_sweep(&mut bin, &now))
            && held.sweep_step(&mut bin, &now, self.limit.as_ref());
        let outgrown = if more { None } else { held.rows.outgrown() };
        drop(held);
        drop(outgrown);
        let next = if more {
            SweepAt { part, begun: true }
        } else {
            SweepAt {
                part: part + 1,
                begun: false,
            }
        };
        Ok((bin.taken.len(), Some(next)))
    }

    /// Sweeps the whole table, step by step. Says how many rows went.
    pub(crate) fn sweep_all(&self) -> Result<usize, TableError> {
        let mut swept = 0;
        let mut next = Some(SweepAt::default());
        while let Some(at) = next {
            let (count, then) = self.sweep_step(at)?;
            swept += count;
            next = then;
        }
        Ok(swept)
    }
}
