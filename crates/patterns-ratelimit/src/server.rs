//! The process beside the keys: it forgets those that are idle, a step at a time.

use std::fmt;
use std::hash::Hash;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Weak;
use std::time::Duration;

use otp_core::{Context, ExitReason, GenServer};
use tokio::task::yield_now;

use crate::table::Table;

/// What the process of a limiter is sent, as a [`Child`](otp_core::Child) names it. Only the limiter itself makes one.
#[derive(Debug)]
pub struct RateLimitMsg(Msg);

#[derive(Debug)]
enum Msg {
    Sweep,
}

pub(crate) struct Server<K> {
    /// Weak, so that the keys go with the last handle, whatever the process does.
    table: Weak<Table<K>>,
    interval: Duration,
}

impl<K> Server<K> {
    pub(crate) fn new(table: Weak<Table<K>>, interval: Duration) -> Self {
        Self { table, interval }
    }
}

impl<K: Hash + Eq + Send + Sync + 'static> GenServer for Server<K> {
    type Msg = RateLimitMsg;

    async fn init(&mut self, ctx: &mut Context<RateLimitMsg>) -> Result<(), ExitReason> {
        if self.interval < Duration::MAX {
            ctx.send_interval(self.interval, || RateLimitMsg(Msg::Sweep));
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        msg: RateLimitMsg,
        _ctx: &mut Context<RateLimitMsg>,
    ) -> Result<(), ExitReason> {
        match msg.0 {
            Msg::Sweep => self.sweep().await,
        }
        Ok(())
    }
}

impl<K: Hash + Eq> Server<K> {
    async fn sweep(&self) {
        let shards = self.table.upgrade().map_or(0, |table| table.shards());
        for shard in 0..shards {
            loop {
                let Some(table) = self.table.upgrade() else {
                    return;
                };
                // A key whose drop panics is reported by the panic hook as any other panic. It must not end the sweeping of all the rest.
                let swept = catch_unwind(AssertUnwindSafe(|| table.sweep(shard)));
                drop(table);
                yield_now().await;
                if swept.unwrap_or(true) {
                    break;
                }
            }
        }
    }
}

impl<K> fmt::Debug for Server<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
