//! The process beside the table: it sweeps expired entries out, a step at a time, and runs the loads
//! that nobody waits for.

use std::fmt;
use std::pin::Pin;
use std::sync::Weak;
use std::time::Duration;

use otp_core::contained::contain;
use otp_core::{Context, ExitReason, GenServer};
use tokio::task::yield_now;

use crate::table::{SweepAt, Table};

/// What the process of a cache is sent, as a [`Child`](otp_core::Child) names it. Only the cache
/// itself makes one.
#[derive(Debug)]
pub struct CacheMsg(pub(crate) Msg);

pub(crate) enum Msg {
    Sweep,
    /// Runs a load that stores what it brings by itself.
    Load(Pin<Box<dyn Future<Output = ()> + Send>>),
    /// A load is over, in one way or another.
    Loaded,
}

pub(crate) struct Server<K, V> {
    /// Weak, so that a cache's entries are dropped with its last handle, whatever the process
    /// does.
    table: Weak<Table<K, V>>,
    interval: Duration,
}

impl<K, V> Server<K, V> {
    pub(crate) fn new(table: Weak<Table<K, V>>, interval: Duration) -> Self {
        Self { table, interval }
    }
}

impl<K, V> GenServer for Server<K, V>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    type Msg = CacheMsg;

    async fn init(&mut self, ctx: &mut Context<CacheMsg>) -> Result<(), ExitReason> {
        if self.interval < Duration::MAX {
            ctx.send_interval(self.interval, || CacheMsg(Msg::Sweep));
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        msg: CacheMsg,
        ctx: &mut Context<CacheMsg>,
    ) -> Result<(), ExitReason> {
        match msg.0 {
            Msg::Sweep => self.sweep().await,
            Msg::Load(load) => {
                // A panic of it has gone to the panic hook, and its lead has told who waits.
                ctx.spawn_task(load, |_| CacheMsg(Msg::Loaded));
            }
            Msg::Loaded => {}
        }
        Ok(())
    }
}

impl<K, V> Server<K, V> {
    async fn sweep(&self) {
        let mut swept = Vec::new();
        let mut next = Some(SweepAt::default());
        while let Some(at) = next {
            let Some(table) = self.table.upgrade() else {
                return;
            };
            next = table.sweep(at, &mut swept);
            table.tell_swept(&swept);
            drop(table);
            // A value whose drop panics is reported by the panic hook as any other. It must not end
            // the sweeping of all the rest.
            contain(|| swept.clear());
            yield_now().await;
        }
    }
}

impl fmt::Debug for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sweep => "Sweep",
            Self::Load(_) => "Load",
            Self::Loaded => "Loaded",
        })
    }
}

impl<K, V> fmt::Debug for Server<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}
