//! The process that sweeps expired entries out of the table, a step at a time.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::Duration;

use otp_core::{Context, ExitReason, GenServer};
use tokio::task::yield_now;

use crate::table::{SweepAt, Table};

#[derive(Debug)]
pub(crate) enum Msg {
    Sweep,
}

pub(crate) struct Sweeper<K, V> {
    /// Weak, so that a cache's entries are dropped with its last handle, whatever the process
    /// does.
    table: Weak<Table<K, V>>,
    interval: Duration,
}

impl<K, V> Sweeper<K, V> {
    pub(crate) fn new(table: Weak<Table<K, V>>, interval: Duration) -> Self {
        Self { table, interval }
    }
}

impl<K, V> GenServer for Sweeper<K, V>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        if self.interval < Duration::MAX {
            ctx.send_interval(self.interval, || Msg::Sweep);
        }
        Ok(())
    }

    async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        match msg {
            Msg::Sweep => self.sweep().await,
        }
        Ok(())
    }
}

impl<K, V> Sweeper<K, V> {
    async fn sweep(&self) {
        let mut swept = Vec::new();
        let mut next = Some(SweepAt::default());
        while let Some(at) = next {
            let Some(table) = self.table.upgrade() else {
                return;
            };
            next = table.sweep(at, &mut swept);
            drop(table);
            // A value whose drop panics is reported by the panic hook as any other. It must not end
            // the sweeping of all the rest.
            let _ = catch_unwind(AssertUnwindSafe(|| swept.clear()));
            yield_now().await;
        }
    }
}

impl<K, V> fmt::Debug for Sweeper<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
