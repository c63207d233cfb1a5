//! Processes without a server: a future that has a pid, can be linked, monitored and killed.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::task::Poll;

use tokio::runtime::Handle;

use crate::contained::Contained;
use crate::ending::{ExitGuard, next_number};
use crate::error::StartError;
use crate::exit_reason::ExitReason;
use crate::pid::{Monitor, Pid};
use crate::process::{Guarded, Process};
use crate::slot::{Ended, Slot};
use crate::sync::Arc;

/// Runs a future as a process on the current tokio runtime.
///
/// It ends with the reason that the future returns, `Ok` being [`ExitReason::Normal`]; a panic is
/// [`ExitReason::Panic`]. It can be linked, monitored and killed as any process, and dies of the exit
/// signals of those linked to it. It has no mailbox and cannot trap exits: what needs either is a
/// [`GenServer`](crate::GenServer). Dropping the [`Pid`] does not end it.
///
/// A process that ends soon may have ended before anybody asks for its [`monitor`](Pid::monitor), and then its
/// reason is known to nobody but the log: where it counts, use [`spawn_monitor`].
///
/// # Errors
///
/// [`StartError::NoRuntime`] outside a runtime.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ticker = otp_core::spawn(async {
///     loop {
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///         println!("tick");
///     }
/// })?;
/// assert!(ticker.is_alive());
/// ticker.kill();
/// # Ok(()) }
/// ```
pub fn spawn<F>(future: F) -> Result<Pid, StartError>
where
    F: Future<Output = Result<(), ExitReason>> + Send + 'static,
{
    let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
    Ok(launch(&runtime, future, |_| ()).0)
}

/// Runs a future as a process that is monitored from before its first poll: its reason cannot be missed.
/// Otherwise as [`spawn`].
///
/// # Errors
///
/// [`StartError::NoRuntime`] outside a runtime.
///
/// # Examples
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (_reader, end) = otp_core::spawn_monitor(async {
///     let port: u16 = "no number".parse()?;
///     println!("listening on {port}");
///     Ok(())
/// })?;
/// assert_eq!(end.await.to_string(), "invalid digit found in string");
/// # Ok(()) }
/// ```
pub fn spawn_monitor<F>(future: F) -> Result<(Pid, Monitor), StartError>
where
    F: Future<Output = Result<(), ExitReason>> + Send + 'static,
{
    let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
    Ok(launch(&runtime, future, Pid::monitor))
}

/// Runs a future as a process, with `bind` done before its first poll.
pub(crate) fn launch<F, R>(runtime: &Handle, future: F, bind: impl FnOnce(&Pid) -> R) -> (Pid, R)
where
    F: Future<Output = Result<(), ExitReason>> + Send + 'static,
{
    let slot = Arc::new(Slot::<Infallible>::new(usize::MAX, None));
    let number = next_number();
    slot.begin(number, None);
    let pid = Pid::new(number, &slot);
    let bound = bind(&pid);
    let owned = Owned::new(slot, Some(future), true);
    runtime.spawn(Process::new(&pid, run(owned, None::<fn() -> F>)));
    (pid, bound)
}

/// Makes the process of a future that `make` makes inside it: a panic there is a failed start.
pub(crate) fn task_process<F>(
    slot: Arc<Slot<Infallible>>,
    number: u64,
    make: impl FnOnce() -> F + Send,
) -> impl Future<Output = ()> + Send
where
    F: Future<Output = Result<(), ExitReason>> + Send,
{
    let pid = Pid::new(number, &slot);
    Process::new(&pid, run(Owned::new(slot, None, false), Some(make)))
}

/// What the process owns, in the order in which it goes when a runtime that shuts down drops it before
/// its first poll.
struct Owned<F> {
    future: Contained<F>,
    guard: ExitGuard<Infallible>,
}

impl<F> Owned<F> {
    fn new(slot: Arc<Slot<Infallible>>, future: Option<F>, served: bool) -> Self {
        let ended = Ended {
            reason: ExitReason::Killed,
            served,
            ignored: false,
        };
        Self {
            future: Contained(future),
            guard: ExitGuard { slot, ended },
        }
    }
}

#[expect(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its parameters twice"
)]
fn run<F>(
    mut owned: Owned<F>,
    mut make: Option<impl FnOnce() -> F + Send>,
) -> impl Future<Output = ()> + Send
where
    F: Future<Output = Result<(), ExitReason>> + Send,
{
    async move {
        let Owned { future, guard } = &mut owned;
        poll_fn(|cx| {
            guard.slot.attach(cx.waker().clone());
            Poll::Ready(())
        })
        .await;
        if make.is_some() {
            let make = poll_fn(|_| Poll::Ready(make.take().map(|make| make())));
            match Guarded::new(&guard.slot, make).await {
                Ok(made) => future.0 = made,
                Err(reason) => guard.ended.reason = reason,
            }
        }
        if future.0.is_none() {
            return;
        }
        guard.ended.served = true;
        guard.slot.started();
        tracing::debug!(pid = guard.slot.number(), "process started");
        let Some(future) = future.0.take() else {
            return;
        };
        let end = Guarded::new(&guard.slot, future).await;
        let reason = match end {
            Ok(Ok(())) => ExitReason::Normal,
            Ok(Err(reason)) | Err(reason) => reason,
        };
        guard.ended.reason = guard.slot.fatal().unwrap_or(reason);
    }
}
