//! `ServerRef` and `WeakRef`: addresses of a server.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::call::{self, Call};
use crate::cast_wait::CastWait;
use crate::current;
use crate::error::{CallError, CastError, InspectError, StopError};
use crate::exit_reason::ExitReason;
use crate::info::ServerInfo;
use crate::mailbox::Told;
use crate::panics;
use crate::pid::Pid;
use crate::recipient::Recipient;
use crate::reply::{self, ReplyTo};
use crate::slot::Slot;
use crate::suspended::Suspended;
use crate::sync::{Arc, Ordering};
use crate::waits;

/// How long a call waits for its reply unless told otherwise: as long as in OTP.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The address to which messages of type `M` are sent: a strong handle.
///
/// The server runs while there is a strong handle (or it was [detached](ServerRef::detach)). When
/// the last one is dropped, it works off what it has accepted and ends with [`ExitReason::Normal`].
///
/// It names the type of the messages, not of the server: two servers that know each other make no
/// cycle of types.
#[must_use = "a server ends when its last `ServerRef` is dropped; use `detach` to keep it running without one"]
pub struct ServerRef<M> {
    pub(crate) slot: Arc<Slot<M>>,
}

impl<M> ServerRef<M> {
    /// Sends a message and goes on. `Ok` means accepted, not handled.
    ///
    /// # Errors
    ///
    /// Gives the message back: [`CastError::Full`] if the mailbox is bounded and has no room,
    /// [`CastError::NoProc`] if the server has ended.
    #[inline]
    pub fn cast(&self, message: M) -> Result<(), CastError<M>> {
        self.slot.push(message)
    }

    /// Returns a handle that does not keep the server running.
    pub fn downgrade(&self) -> WeakRef<M> {
        WeakRef::new(&self.slot)
    }

    /// Lets the server run on without any handle, until it ends itself or is stopped. The returned
    /// handle still reaches it.
    pub fn detach(self) -> WeakRef<M> {
        // One handle that nobody will ever drop.
        self.slot.handles.fetch_add(1, Ordering::Relaxed);
        self.downgrade()
    }

    /// Tells whether `pid` is a process of this server: the one that runs it or one that has ended.
    #[must_use]
    pub fn has_run_as(&self, pid: &Pid) -> bool {
        pid.is_of(&self.slot)
    }

    /// Tells whether the server is running.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.slot.number() != 0
    }

    /// Tells how the server is doing, without asking it.
    #[must_use]
    pub fn info(&self) -> ServerInfo {
        self.slot.info()
    }

    pub(crate) fn first(slot: Arc<Slot<M>>) -> Self {
        Self { slot }
    }

    pub(crate) fn another(slot: &Arc<Slot<M>>) -> Self {
        slot.handles.fetch_add(1, Ordering::Relaxed);
        Self {
            slot: Arc::clone(slot),
        }
    }
}

impl<M: Send + 'static> ServerRef<M> {
    /// Sends a message, waiting for room in a bounded mailbox. Who waits is let in first come,
    /// first served.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the message out of the line: it is dropped and never handled. Only if it
    /// was let in just before, it is accepted as any other.
    ///
    /// # Errors
    ///
    /// Gives the message back if the server has ended or ends meanwhile: [`CastError::NoProc`].
    pub fn cast_wait(&self, message: M) -> impl Future<Output = Result<(), CastError<M>>> {
        CastWait::new(&self.slot, message)
    }

    /// Sends a request and waits for its reply, for 5 s at most.
    ///
    /// `request` makes the message of the [`ReplyTo`]: a variant's own constructor, or a closure
    /// where there is more to say. A full mailbox is waited for within the same 5 s.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is safe at any time: the message may still be handled, and its reply
    /// goes nowhere.
    ///
    /// # Errors
    ///
    /// [`CallError::Timeout`] after 5 s, never earlier and at most 20 ms later; the server is not
    /// told and may still handle the request. [`CallError::NoProc`] if the server has ended,
    /// [`CallError::Exited`] if it ends before it replies, [`CallError::NoReply`] if it drops
    /// the `ReplyTo`, [`CallError::CallingSelf`] at once if a server calls itself,
    /// [`CallError::Deadlock`] at once if the call closes a circle of processes that wait for each other.
    ///
    /// # Examples
    ///
    /// ```
    /// # use otp_core::{Context, ExitReason, GenServer, ReplyTo};
    /// # struct Greeter;
    /// enum Msg {
    ///     Count(ReplyTo<usize>),
    ///     Greet(String, ReplyTo<String>),
    /// }
    /// # impl GenServer for Greeter {
    /// #     type Msg = Msg;
    /// #     async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
    /// #         match msg {
    /// #             Msg::Count(reply) => reply.send(0),
    /// #             Msg::Greet(name, reply) => reply.send(format!("Hello, {name}!")),
    /// #         }
    /// #         Ok(())
    /// #     }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let greeter = otp_core::start(Greeter).await?;
    /// let count = greeter.call(Msg::Count).await?;
    /// let greeting = greeter.call(|reply| Msg::Greet("Joe".to_owned(), reply)).await?;
    /// assert_eq!((count, greeting.as_str()), (0, "Hello, Joe!"));
    /// # Ok(()) }
    /// ```
    #[inline]
    pub fn call<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> M,
    ) -> impl Future<Output = Result<T, CallError>> {
        Call::new(&self.slot, request, DEFAULT_TIMEOUT)
    }

    /// Sends a request and waits for its reply, for `timeout` at most.
    ///
    /// Otherwise as [`call`](ServerRef::call). Zero times out as soon as the runtime gets to it;
    /// `Duration::MAX` waits without limit. The time is that of the server's runtime, from the
    /// first poll on.
    ///
    /// # Cancel safety
    ///
    /// As [`call`](ServerRef::call).
    ///
    /// # Errors
    ///
    /// As [`call`](ServerRef::call).
    #[inline]
    pub fn call_timeout<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> M,
        timeout: Duration,
    ) -> impl Future<Output = Result<T, CallError>> {
        Call::new(&self.slot, request, timeout)
    }

    /// Sends a request and blocks this thread until the reply comes, for 5 s at most. For threads
    /// outside any runtime.
    ///
    /// In async code use [`call`](ServerRef::call): blocking a runtime's thread keeps all else on
    /// it from running. The time is the machine's, also if the server's runtime has a paused
    /// clock.
    ///
    /// # Errors
    ///
    /// As [`call`](ServerRef::call).
    pub fn call_blocking<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> M,
    ) -> Result<T, CallError> {
        call::block_on(
            Call::new(&self.slot, request, Duration::MAX),
            DEFAULT_TIMEOUT,
        )
    }

    /// Stops the server with [`ExitReason::Normal`] and waits for its end.
    ///
    /// The stop takes its turn in the queue: what was accepted before is handled before.
    /// `terminate` runs. When this returns, the state is dropped and every caller is told.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future after its first poll takes nothing back: the server goes on stopping.
    ///
    /// # Errors
    ///
    /// [`StopError::NoProc`] if the server has ended, [`StopError::Exited`] if it ends for another
    /// reason, [`StopError::CallingSelf`] if it would wait for its own end, [`StopError::Deadlock`] if it
    /// waits, itself or by others, for the one that would stop it.
    pub async fn stop(&self) -> Result<(), StopError> {
        self.stop_with(ExitReason::Normal).await
    }

    /// Stops the server with a reason of your own; otherwise as [`stop`](ServerRef::stop).
    ///
    /// # Cancel safety
    ///
    /// As [`stop`](ServerRef::stop).
    ///
    /// # Errors
    ///
    /// As [`stop`](ServerRef::stop).
    pub async fn stop_with(&self, reason: ExitReason) -> Result<(), StopError> {
        let Some(pid) = self.pid() else {
            return Err(StopError::NoProc);
        };
        if pid.number() == current::process() {
            return Err(StopError::CallingSelf);
        }
        // Watched first: the end cannot slip by between the two.
        let end = pid.monitor();
        if let Some(answer) = &end.end {
            waits::begin(&self.slot, answer.settle_handle())
                .map_err(|cycle| StopError::Deadlock { cycle })?;
        }
        if self
            .slot
            .tell(pid.number(), Told::Stop(reason.clone()))
            .is_err()
        {
            return Err(StopError::NoProc);
        }
        match end.await {
            ended if ended.is_same(&reason) => Ok(()),
            ended => Err(StopError::Exited(ended)),
        }
    }

    /// Returns the process that runs the server at this moment, if one does.
    #[must_use]
    pub fn pid(&self) -> Option<Pid> {
        match self.slot.number() {
            0 => None,
            number => Some(Pid::new(number, &self.slot)),
        }
    }

    /// Returns a narrow address: one that takes only `E`, which is turned into an `M` on its way.
    pub fn recipient<E>(&self) -> Recipient<E>
    where
        E: Send + 'static,
        M: From<E>,
    {
        Recipient::new(self.clone())
    }

    /// Looks into the state of a running server: runs `look` on it and returns the result.
    ///
    /// `S` is the server's type. It overtakes whatever waits in the mailbox, but not the handler in
    /// hand, and works on a suspended server too. For tests and for finding faults; what a
    /// program needs is a message. Waits 5 s at most.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is safe; `look` may still run.
    ///
    /// # Errors
    ///
    /// [`InspectError::Call`] if the server could not be asked, [`InspectError::OtherState`] if its
    /// state is no `S`, [`InspectError::Panicked`] if `look` panicked, which does the server no
    /// harm.
    pub async fn inspect<S, R>(
        &self,
        look: impl FnOnce(&S) -> R + Send + 'static,
    ) -> Result<R, InspectError>
    where
        S: 'static,
        R: Send + 'static,
    {
        let number = self.slot.number();
        if number != 0 && number == current::process() {
            return Err(InspectError::Call(CallError::CallingSelf));
        }
        let (reply, answer) = reply::pair(None);
        let inspection = Box::new(move |state: &dyn Any| {
            let seen = match state.downcast_ref::<S>() {
                Some(state) => panics::catch(|| look(state)).map_err(InspectError::Panicked),
                None => Err(InspectError::OtherState {
                    expected: std::any::type_name::<S>(),
                }),
            };
            // If nobody waits any more the result is dropped here, and a panic of its drop is not the
            // server's.
            let _ = panics::catch(|| reply.send(seen));
        });
        self.slot
            .inspect(number, inspection)
            .map_err(InspectError::Call)?;
        call::within(&self.slot, answer, DEFAULT_TIMEOUT)
            .await
            .map_err(InspectError::Call)?
    }

    /// Suspends the server: when this returns, no handler runs and none will until the guard is
    /// dropped.
    ///
    /// Messages wait meanwhile and timers do not fire; a kill and [`inspect`](ServerRef::inspect)
    /// still work. Several may suspend one server: it goes on when the last guard is dropped.
    /// The handler in hand finishes first, and is waited for without limit.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes the request back.
    ///
    /// # Errors
    ///
    /// [`CallError::NoProc`] or [`CallError::Exited`] if there is no server or it ends meanwhile,
    /// [`CallError::CallingSelf`] if a server would suspend itself.
    pub async fn suspend(&self) -> Result<Suspended, CallError> {
        let number = self.slot.number();
        if number != 0 && number == current::process() {
            return Err(CallError::CallingSelf);
        }
        let resting = self.slot.suspend(number)?;
        let suspended = Suspended::new(number, &self.slot);
        call::within(&self.slot, resting, Duration::MAX).await?;
        Ok(suspended)
    }
}

impl<M> Clone for ServerRef<M> {
    fn clone(&self) -> Self {
        Self::another(&self.slot)
    }
}

impl<M> Drop for ServerRef<M> {
    fn drop(&mut self) {
        self.slot.release_handle();
    }
}

/// Two handles are equal if they lead to the same server.
impl<M> PartialEq for ServerRef<M> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.slot, &other.slot)
    }
}

impl<M> Eq for ServerRef<M> {}

impl<M> fmt::Debug for ServerRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerRef")
            .field("pid", &self.slot.number())
            .field("name", &self.slot.name())
            .finish()
    }
}

/// An address that does not keep its server running.
pub struct WeakRef<M> {
    pub(crate) slot: Arc<Slot<M>>,
}

impl<M> WeakRef<M> {
    pub(crate) fn new(slot: &Arc<Slot<M>>) -> Self {
        Self {
            slot: Arc::clone(slot),
        }
    }

    /// Returns a strong handle, unless the last one is gone already.
    pub fn upgrade(&self) -> Option<ServerRef<M>> {
        self.slot.add_handle().then(|| ServerRef {
            slot: Arc::clone(&self.slot),
        })
    }
}

impl<M> WeakRef<M> {
    /// Sends a message whether or not anybody has a strong handle.
    pub(crate) fn tell(&self, message: M) -> Result<(), CastError<M>> {
        self.slot.push(message)
    }
}

impl<M> Clone for WeakRef<M> {
    fn clone(&self) -> Self {
        Self::new(&self.slot)
    }
}

impl<M> fmt::Debug for WeakRef<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakRef")
            .field("pid", &self.slot.number())
            .field("name", &self.slot.name())
            .finish()
    }
}
