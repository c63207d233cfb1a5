//! What the tests share: a server that does what it is told, and ways to see what happened.

use std::fmt::Debug;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use otp_core::{
    Context, Down, Exit, ExitReason, GenServer, ReplyTo, ServerOptions, ServerRef, StartError,
};

/// What a test returns.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What a callback returns.
pub(crate) type Done = Result<(), ExitReason>;

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a [`Probe`] is told to do, with its state and its context.
pub(crate) type Work =
    Box<dyn for<'a> FnOnce(&'a mut Probe, &'a mut Context<Msg>) -> BoxFuture<'a, Done> + Send>;

/// Where it is written down what happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// What happened since the last look.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    pub(crate) fn has(&self, what: &str) -> bool {
        self.0.lock().unwrap().iter().any(|line| line == what)
    }

    /// A value that writes down when it is dropped.
    pub(crate) fn on_drop(&self, what: impl Into<String>) -> OnDrop {
        OnDrop {
            log: self.clone(),
            what: what.into(),
        }
    }
}

/// Writes down its own drop.
#[derive(Debug)]
pub(crate) struct OnDrop {
    log: Log,
    what: String,
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.log.note(std::mem::take(&mut self.what));
    }
}

/// What a [`Probe`] understands.
pub(crate) enum Msg {
    /// To be answered at once with the same number.
    Echo(u32, ReplyTo<u32>),
    /// To be kept in the state.
    Keep(ReplyTo<u32>),
    /// To answer what was kept first.
    Answer(u32),
    /// To be written down.
    Note(&'static str),
    /// To be done.
    Run(Work),
}

impl Msg {
    /// Something to do in a handler.
    pub(crate) fn run(
        work: impl for<'a> FnOnce(&'a mut Probe, &'a mut Context<Self>) -> BoxFuture<'a, Done>
        + Send
        + 'static,
    ) -> Self {
        Self::Run(Box::new(work))
    }

    /// Something to do in a handler, without waiting.
    pub(crate) fn act(
        work: impl FnOnce(&mut Probe, &mut Context<Self>) -> Done + Send + 'static,
    ) -> Self {
        Self::Run(Box::new(|probe, ctx| {
            let done = work(probe, ctx);
            Box::pin(async { done })
        }))
    }

    /// A handler that waits for ever, once it has written down that it began.
    pub(crate) fn hang() -> Self {
        Self::run(|probe, _| {
            Box::pin(async {
                probe.log.note("hangs");
                std::future::pending().await
            })
        })
    }

    /// A handler that ends the server.
    pub(crate) fn end(reason: ExitReason) -> Self {
        Self::act(|_, _| Err(reason))
    }

    /// A handler that panics.
    pub(crate) fn panic() -> Self {
        Self::act(|_, _| panic!("boom"))
    }
}

/// A server that does what it is told, and writes down how it ends: `terminate: {reason}`, then `state dropped`.
///
/// It also writes down what it is told of others: `EXIT {pid}: {reason}` and `DOWN {pid}: {reason}`.
pub(crate) struct Probe {
    pub(crate) log: Log,
    pub(crate) kept: Vec<ReplyTo<u32>>,
    on_init: Option<Work>,
    on_terminate: Option<Work>,
    on_told: Option<Work>,
    _dropped: OnDrop,
}

impl Probe {
    pub(crate) fn new(log: &Log) -> Self {
        let _dropped = log.on_drop("state dropped");
        Self {
            log: log.clone(),
            kept: Vec::new(),
            on_init: None,
            on_terminate: None,
            on_told: None,
            _dropped,
        }
    }

    /// What to do in `init`.
    pub(crate) fn on_init(
        mut self,
        work: impl for<'a> FnOnce(&'a mut Self, &'a mut Context<Msg>) -> BoxFuture<'a, Done>
        + Send
        + 'static,
    ) -> Self {
        self.on_init = Some(Box::new(work));
        self
    }

    /// What to do in `terminate`; an error in it is of no account.
    pub(crate) fn on_terminate(
        mut self,
        work: impl for<'a> FnOnce(&'a mut Self, &'a mut Context<Msg>) -> BoxFuture<'a, Done>
        + Send
        + 'static,
    ) -> Self {
        self.on_terminate = Some(Box::new(work));
        self
    }

    /// What to do, once, in `handle_exit` or `handle_down`.
    pub(crate) fn on_told(
        mut self,
        work: impl for<'a> FnOnce(&'a mut Self, &'a mut Context<Msg>) -> BoxFuture<'a, Done>
        + Send
        + 'static,
    ) -> Self {
        self.on_told = Some(Box::new(work));
        self
    }

    pub(crate) async fn start(self) -> Result<ServerRef<Msg>, StartError> {
        otp_core::start(self).await
    }

    pub(crate) async fn start_with(
        self,
        options: ServerOptions,
    ) -> Result<ServerRef<Msg>, StartError> {
        otp_core::start_with(self, options).await
    }

    pub(crate) async fn start_bounded(self, capacity: usize) -> Result<ServerRef<Msg>, StartError> {
        self.start_with(ServerOptions::default().bounded(capacity))
            .await
    }
}

impl GenServer for Probe {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Done {
        match self.on_init.take() {
            Some(work) => work(self, ctx).await,
            None => Ok(()),
        }
    }

    async fn handle(&mut self, msg: Msg, ctx: &mut Context<Msg>) -> Done {
        match msg {
            Msg::Echo(number, reply) => reply.send(number),
            Msg::Keep(reply) => self.kept.push(reply),
            Msg::Answer(number) => self.kept.remove(0).send(number),
            Msg::Note(what) => self.log.note(what),
            Msg::Run(work) => return work(self, ctx).await,
        }
        Ok(())
    }

    async fn handle_exit(&mut self, exit: Exit, ctx: &mut Context<Msg>) -> Done {
        let from = exit.from.map_or("nobody".to_owned(), |pid| pid.to_string());
        self.log.note(format!("EXIT {from}: {}", exit.reason));
        match self.on_told.take() {
            Some(work) => work(self, ctx).await,
            None => Ok(()),
        }
    }

    async fn handle_down(&mut self, down: Down, ctx: &mut Context<Msg>) -> Done {
        self.log.note(format!("DOWN {}: {}", down.pid, down.reason));
        match self.on_told.take() {
            Some(work) => work(self, ctx).await,
            None => Ok(()),
        }
    }

    async fn terminate(&mut self, reason: &ExitReason, ctx: &mut Context<Msg>) {
        self.log.note(format!("terminate: {reason}"));
        if let Some(work) = self.on_terminate.take() {
            let _ = work(self, ctx).await;
        }
    }
}

/// Runs `work` in a server and returns what it gives.
pub(crate) async fn inside<R: Send + 'static>(
    server: &ServerRef<Msg>,
    work: impl FnOnce(&mut Probe, &mut Context<Msg>) -> R + Send + 'static,
) -> R {
    let done = server.call(|reply| {
        Msg::act(move |probe, ctx| {
            reply.send(work(probe, ctx));
            Ok(())
        })
    });
    done.await.unwrap()
}

pub(crate) const fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

pub(crate) const fn secs(number: u64) -> Duration {
    Duration::from_secs(number)
}

/// The `Debug` text, to compare what has no `PartialEq`.
pub(crate) fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}

/// The message of the panic that a reason tells of.
pub(crate) fn panic_message(reason: &ExitReason) -> Option<&str> {
    match reason {
        ExitReason::Panic(panic) => Some(panic.message()),
        _ => None,
    }
}

/// Polls a future once, and wakes nobody when it could go on.
pub(crate) fn poll_now<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(Waker::noop()))
}

/// Runs a future on this thread, without any runtime.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        match future
            .as_mut()
            .poll(&mut std::task::Context::from_waker(&waker))
        {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Lets all that can go on without time passing go on. Only under a paused clock, which moves by one millisecond.
pub(crate) async fn quiet() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
