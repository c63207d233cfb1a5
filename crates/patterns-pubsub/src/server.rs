//! The process beside a pub/sub: it watches the servers that subscribe, and takes out those that will not run again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Weak;

use otp_core::{Context, ExitReason, GenServer, WatchRef};

use crate::servers::AnyServer;
use crate::shared::Shared;
use crate::sync::Arc;

/// What the process of a pub/sub is sent, as a [`Child`](otp_core::Child) names it. Only the pub/sub itself makes one.
#[derive(Debug)]
pub struct PubSubMsg(pub(crate) Msg);

pub(crate) enum Msg {
    /// A server has subscribed for the first time.
    Watch(Arc<dyn AnyServer>),
    /// A server has no subscription left.
    Unwatch(u64),
    /// A server will not run again.
    Closed(u64),
    /// A server has come or gone, and will come again.
    Nothing,
}

pub(crate) struct Server<M> {
    /// Weak, so that the process keeps nothing alive.
    shared: Weak<Shared<M>>,
    watches: HashMap<u64, WatchRef>,
}

impl<M> Server<M> {
    pub(crate) fn new(shared: Weak<Shared<M>>) -> Self {
        Self {
            shared,
            watches: HashMap::new(),
        }
    }

    fn watch(&mut self, server: &dyn AnyServer, shared: &Shared<M>, ctx: &mut Context<PubSubMsg>) {
        let number = server.number();
        // Not one that has gone while this was on its way, and not twice: a restart begins with all there are.
        if self.watches.contains_key(&number) || !shared.servers.is_known(number) {
            return;
        }
        match server.watch(ctx) {
            Some(watch) => {
                self.watches.insert(number, watch);
            }
            None => {
                shared.leave_all(number);
            }
        }
    }
}

impl<M: Send + Sync + 'static> GenServer for Server<M> {
    type Msg = PubSubMsg;

    async fn init(&mut self, ctx: &mut Context<PubSubMsg>) -> Result<(), ExitReason> {
        if let Some(shared) = self.shared.upgrade() {
            for server in shared.servers.all() {
                self.watch(&*server, &shared, ctx);
            }
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        msg: PubSubMsg,
        ctx: &mut Context<PubSubMsg>,
    ) -> Result<(), ExitReason> {
        let Some(shared) = self.shared.upgrade() else {
            return Ok(());
        };
        match msg.0 {
            Msg::Watch(server) => self.watch(&*server, &shared, ctx),
            Msg::Unwatch(number) => {
                if let Some(watch) = self.watches.remove(&number) {
                    ctx.unwatch(watch);
                }
            }
            Msg::Closed(number) => {
                self.watches.remove(&number);
                shared.leave_all(number);
            }
            Msg::Nothing => {}
        }
        Ok(())
    }
}

impl fmt::Debug for Msg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Watch(server) => f.debug_tuple("Watch").field(&server.number()).finish(),
            Self::Unwatch(number) => f.debug_tuple("Unwatch").field(number).finish(),
            Self::Closed(number) => f.debug_tuple("Closed").field(number).finish(),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

impl<M> fmt::Debug for Server<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("watches", &self.watches.len())
            .finish_non_exhaustive()
    }
}
