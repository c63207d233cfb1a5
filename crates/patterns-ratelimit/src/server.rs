//! The process beside the keys: it forgets those that are idle, a step at a time.

use std::fmt;
use std::hash::Hash;
use std::sync::Weak;
use std::time::Duration;

use otp_core::contained::catch;
use otp_core::{Context, ExitReason, GenServer};
use tokio::task::yield_now;

use crate::table::{STEP, Table};

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
            let (mut looked_at, mut places) = (0, 0);
            loop {
                let Some(table) = self.table.upgrade() else {
                    return;
                };
                // A panic of a key's drop, or of its hash, is reported by the panic hook as any other. It must not end the sweeping of all the rest.
                let is_over = catch(|| {
                    places = table.sweep(shard);
                    let is_over = looked_at >= places;
                    if is_over {
                        table.shrink(shard);
                    }
                    is_over
                });
                drop(table);
                yield_now().await;
                // It begins where new keys have left off, and ends a step at the table's end: with one more all are looked at.
                if is_over.unwrap_or(looked_at >= places) {
                    break;
                }
                looked_at += STEP;
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
