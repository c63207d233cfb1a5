//! The process that owns a store's table: it does what it is asked for, and sweeps.

use std::fmt;
use std::time::Duration;

use otp_core::contained::catch;
use otp_core::{Context, ExitReason, GenServer};
use tokio::task::yield_now;

use crate::shared::SweepAt;
use crate::sync::{Arc, Mutex, RwLock, Weak};
use crate::{Set, StoreConfig, Table, TableOwner, TableType};

/// How many steps of a sweep are made before other messages have their turn.
const STEPS: usize = 16;

/// The messages of a store's process, which only its [`Store`](crate::Store) sends.
pub struct StoreMsg<K, V, T: TableType<K, V> = Set>(pub(crate) Msg<K, V, T>);

pub(crate) enum Msg<K, V, T: TableType<K, V>> {
    /// Something to do with the table. Its panic is its caller's.
    Run(Work<K, V, T>),
    Sweep,
    /// The rest of a sweep.
    GoOn(SweepAt),
}

type Work<K, V, T> = Box<dyn FnOnce(&TableOwner<K, V, T>) + Send>;

/// The table of the incarnation that runs, or ran last. All handles of a store share it.
pub(crate) struct Current<K, V, T: TableType<K, V>>(RwLock<Table<K, V, T>>);

impl<K, V, T: TableType<K, V>> Current<K, V, T> {
    pub(crate) fn new(table: Table<K, V, T>) -> Self {
        Self(RwLock::new(table))
    }

    pub(crate) fn table(&self) -> Table<K, V, T> {
        self.0.read().clone()
    }

    fn set(&self, table: Table<K, V, T>) {
        let before = std::mem::replace(&mut *self.0.write(), table);
        drop(before);
    }
}

/// Where an owner waits for the next incarnation. Whoever specified the process holds it.
pub(crate) struct Kept<K, V, T: TableType<K, V>>(Mutex<Option<TableOwner<K, V, T>>>);

impl<K, V, T: TableType<K, V>> Kept<K, V, T> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(None))
    }

    fn keep(&self, owner: TableOwner<K, V, T>) {
        let before = self.0.lock().replace(owner);
        drop(before);
    }

    fn take(&self) -> Option<TableOwner<K, V, T>> {
        self.0.lock().take()
    }
}

pub(crate) struct Server<K, V, T: TableType<K, V>> {
    owner: TableOwner<K, V, T>,
    current: Arc<Current<K, V, T>>,
    config: StoreConfig,
    sweeping: bool,
}

impl<K, V, T> Server<K, V, T>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    T: TableType<K, V>,
{
    pub(crate) fn new(
        config: StoreConfig,
        current: Arc<Current<K, V, T>>,
        kept: Option<&Arc<Kept<K, V, T>>>,
    ) -> Self {
        let inherited = kept.and_then(|kept| kept.take());
        let owner = inherited.unwrap_or_else(|| {
            TableOwner::new(config.table.clone()).expect("the options were checked before")
        });
        if let Some(kept) = kept {
            let kept: Weak<Kept<K, V, T>> = Arc::downgrade(kept);
            owner.set_heir(move |owner| {
                // Without a specification there is no next incarnation, and the table dies here.
                if let Some(kept) = kept.upgrade() {
                    kept.keep(owner);
                }
            });
        }
        Self {
            owner,
            current,
            config,
            sweeping: false,
        }
    }

    async fn sweep(&mut self, mut at: SweepAt, ctx: &mut Context<StoreMsg<K, V, T>>) {
        self.sweeping = false;
        for _ in 0..STEPS {
            // Not under a lock and not closed: this is the owner. A `Clone` of an ordered set's keys that panics ends
            // this sweep; the next one begins anew.
            let step = || self.owner.shared.sweep_step(at);
            let step = catch(step);
            match step {
                Ok(Ok((_, Some(next)))) => at = next,
                _ => return,
            }
        }
        // The rest takes its turn behind what waits already, and behind other tasks.
        yield_now().await;
        self.sweeping = ctx.self_ref().cast(StoreMsg(Msg::GoOn(at))).is_ok();
    }
}

impl<K, V, T> GenServer for Server<K, V, T>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
    T: TableType<K, V>,
{
    type Msg = StoreMsg<K, V, T>;

    async fn init(&mut self, ctx: &mut Context<Self::Msg>) -> Result<(), ExitReason> {
        self.current.set(self.owner.table());
        if self.config.sweep_interval < Duration::MAX {
            ctx.send_interval(self.config.sweep_interval, || StoreMsg(Msg::Sweep));
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        StoreMsg(msg): Self::Msg,
        ctx: &mut Context<Self::Msg>,
    ) -> Result<(), ExitReason> {
        match msg {
            Msg::Run(work) => work(&self.owner),
            Msg::Sweep if self.sweeping => {}
            Msg::Sweep => self.sweep(SweepAt::default(), ctx).await,
            Msg::GoOn(at) => self.sweep(at, ctx).await,
        }
        Ok(())
    }
}

impl<K, V, T: TableType<K, V>> fmt::Debug for StoreMsg<K, V, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Msg::Run(_) => "StoreMsg(Run)",
            Msg::Sweep => "StoreMsg(Sweep)",
            Msg::GoOn(_) => "StoreMsg(GoOn)",
        })
    }
}
