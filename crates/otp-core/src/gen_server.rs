//! The trait that a server implements.

use std::future::{Future, ready};

use crate::context::Context;
use crate::exit_reason::ExitReason;
use crate::exits::{Down, Exit};

/// A server: state, and what to do with each message.
///
/// State is built by ordinary code before the server is started; work is begun in
/// [`init`](GenServer::init), which runs inside the new process. Implementations may write the
/// callbacks as `async fn`.
///
/// A panic in any callback ends the process with [`ExitReason::Panic`], never the program (unless
/// it is built with `panic = "abort"`: then there is nothing to catch and no supervision).
///
/// # Examples
///
/// ```
/// use otp_core::{Context, ExitReason, GenServer, ReplyTo};
///
/// struct Counter { total: u64 }
///
/// enum Msg { Add(u64), Total(ReplyTo<u64>) }
///
/// impl GenServer for Counter {
///     type Msg = Msg;
///
///     async fn handle(&mut self, msg: Msg, _ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
///         match msg {
///             Msg::Add(n) => self.total += n,
///             Msg::Total(reply) => reply.send(self.total),
///         }
///         Ok(())
///     }
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = otp_core::start(Counter { total: 0 }).await?;
/// counter.cast(Msg::Add(2))?;
/// assert_eq!(counter.call(Msg::Total).await?, 2);
/// # Ok(()) }
/// ```
pub trait GenServer: Sized + Send + 'static {
    /// The messages it understands. A call is a message that carries a [`ReplyTo`](crate::ReplyTo).
    type Msg: Send + 'static;

    /// Begins the server's work, inside its process; `start` returns when this has.
    ///
    /// It may fail, set timers, or decline by [`Context::ignore`]. Messages that arrive meanwhile
    /// wait.
    fn init(
        &mut self,
        ctx: &mut Context<Self::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        let _ = ctx;
        async { Ok(()) }
    }

    /// Handles one message.
    ///
    /// `Err(reason)` ends the process in order with that reason; `Err(ExitReason::Normal)` is how a
    /// server says that it is done. Because every error converts into a reason, `?` works here.
    ///
    /// # Cancel safety
    ///
    /// A kill drops this future at its next `.await`; what it had changed in the state by then
    /// makes no difference, for the state is dropped next.
    fn handle(
        &mut self,
        msg: Self::Msg,
        ctx: &mut Context<Self::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send;

    /// Handles an exit signal, in a process that traps exits (see [`Context::trap_exit`]).
    ///
    /// It takes its turn among the messages: a linked process's comes after all that it had sent. Unless
    /// implemented, a `Normal` one is ignored, and any other ends this process with its reason: in
    /// order, where without trapping the process would end at once.
    ///
    /// The exit of the process that started this one by [`Context::start_link`] does not come here: it
    /// ends this process with the same reason.
    fn handle_exit(
        &mut self,
        exit: Exit,
        ctx: &mut Context<Self::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        let _ = ctx;
        ready(match exit.reason {
            ExitReason::Normal => Ok(()),
            reason => Err(reason),
        })
    }

    /// Handles the end of a process that this one monitors (see [`Context::monitor`]).
    ///
    /// It takes its turn among the messages: after all that the other process had sent. Unless
    /// implemented, it only says in the log that nobody cared.
    fn handle_down(
        &mut self,
        down: Down,
        ctx: &mut Context<Self::Msg>,
    ) -> impl Future<Output = Result<(), ExitReason>> + Send {
        tracing::warn!(pid = ctx.pid().number(), down = %down.pid, reason = %down.reason, "nobody handles this DOWN");
        ready(Ok(()))
    }

    /// Cleans up before the state is dropped.
    ///
    /// Runs whenever a server that was started ends, except when it is killed or its runtime is
    /// dropped. After a panic it runs on a state that may be torn: whatever the handler had
    /// half done is as it was left. A panic in here takes the place of the reason. Timers and
    /// background tasks are cancelled before.
    fn terminate(
        &mut self,
        reason: &ExitReason,
        ctx: &mut Context<Self::Msg>,
    ) -> impl Future<Output = ()> + Send {
        let _ = (reason, ctx);
        async {}
    }
}
