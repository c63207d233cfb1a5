//! A worker's process: the program's own server, which is seen in the table from the end of its `init` to its own end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use otp_core::{Context, Down, Exit, ExitReason, GenServer, Restart};

use crate::place::Stay;
use crate::row::Key;

pub(crate) struct Keyed<K: Key, S: GenServer, V> {
    // Before the stay, and so dropped before it: what the server holds is free when its key is.
    pub(crate) server: S,
    pub(crate) stay: Arc<Stay<K, S::Msg, V>>,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) restart: Restart,
}

impl<K, S, V> GenServer for Keyed<K, S, V>
where
    K: Key,
    S: GenServer,
    V: Send + Sync + 'static,
{
    type Msg = S::Msg;

    async fn init(&mut self, ctx: &mut Context<S::Msg>) -> Result<(), ExitReason> {
        self.server.init(ctx).await?;
        if let Some(idle_timeout) = self.idle_timeout {
            let stay = Arc::clone(&self.stay);
            ctx.stop_when_idle(idle_timeout, move || stay.0.may_stop());
        }
        self.stay.0.comes_up(ctx.pid());
        Ok(())
    }

    fn handle(
        &mut self,
        msg: S::Msg,
        ctx: &mut Context<S::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        self.server.handle(msg, ctx)
    }

    fn handle_exit(
        &mut self,
        exit: Exit,
        ctx: &mut Context<S::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        self.server.handle_exit(exit, ctx)
    }

    fn handle_down(
        &mut self,
        down: Down,
        ctx: &mut Context<S::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        self.server.handle_down(down, ctx)
    }

    fn terminate(
        &mut self,
        reason: &ExitReason,
        ctx: &mut Context<S::Msg>,
    ) -> impl Future<Output = ()> + Send {
        self.stay.0.terminates(self.restart, reason);
        self.server.terminate(reason, ctx)
    }
}

impl<K: Key, S: GenServer, V> Drop for Keyed<K, S, V> {
    /// Also where `terminate` did not run. From here on it cannot be found.
    fn drop(&mut self) {
        self.stay.0.goes_down();
    }
}
