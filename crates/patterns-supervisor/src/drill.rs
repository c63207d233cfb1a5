//! A small tree to try supervision out on: two permanent workers and a temporary one.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use patterns_supervisor::Strategy;
//! use patterns_supervisor::drill::{Drill, WorkerKind};
//!
//! let drill = Drill::start(Strategy::OneForOne).await?;
//! drill.worker_1.ping().await?;
//! drill.tree.crash_child("worker_1").await?;
//! drill.worker_1.ping().await?; // answered by the next one
//!
//! let extra = drill.add_worker(WorkerKind::Permanent, "extra").await?;
//! assert_eq!(&*extra.status().await?.id, "extra");
//! assert_eq!(drill.tree.info().await?.running, 4);
//! # Ok(()) }
//! ```

use std::sync::Arc;
use std::time::Duration;

use otp_core::{
    CallError, CastError, Child, Context, ExitReason, GenServer, ReplyTo, Restart, ServerRef,
    StartChildError, StartError, Strategy,
};
use tokio::time::Instant;

use crate::config::TreeConfig;
use crate::tree::SupervisionTree;

/// How long a [`WorkerKind::Failing`] worker lives.
const FAILS_AFTER: Duration = Duration::from_millis(100);

/// A running drill tree: `worker_1` and `worker_2`, permanent, and `temp_worker`, temporary. Over 3 restarts
/// within 5 s it gives up.
#[derive(Debug, Clone)]
pub struct Drill {
    /// The tree.
    pub tree: SupervisionTree,
    /// The worker with this id.
    pub worker_1: Worker,
    /// The worker with this id.
    pub worker_2: Worker,
    /// The worker with this id.
    pub temp_worker: Worker,
}

/// What kind of worker is added to a drill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerKind {
    /// Always restarted.
    Permanent,
    /// Never restarted.
    Temporary,
    /// Permanent, and panics 100 ms after each of its starts.
    Failing,
}

impl Drill {
    /// Starts the tree.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it is done ends all that it has started.
    ///
    /// # Errors
    ///
    /// [`StartError::NoRuntime`] outside a runtime.
    pub async fn start(strategy: Strategy) -> Result<Self, StartError> {
        let (first, worker_1) = child(WorkerKind::Permanent, "worker_1");
        let (second, worker_2) = child(WorkerKind::Permanent, "worker_2");
        let (third, temp_worker) = child(WorkerKind::Temporary, "temp_worker");
        let tree = SupervisionTree::start(TreeConfig {
            id: Arc::from("drill"),
            strategy,
            children: [first, second, third].map(Into::into).into(),
            ..TreeConfig::default()
        });
        Ok(Self {
            tree: tree.await?,
            worker_1,
            worker_2,
            temp_worker,
        })
    }

    /// Starts one more worker, as the last in order.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future takes nothing back: the worker may still be started.
    ///
    /// # Errors
    ///
    /// [`StartChildError::AlreadyStarted`] or [`StartChildError::AlreadyPresent`] if there is one with this id,
    /// [`StartChildError::Call`] if the tree has ended.
    pub async fn add_worker(&self, kind: WorkerKind, id: &str) -> Result<Worker, StartChildError> {
        let (child, worker) = child(kind, id);
        let _ = self.tree.add_child(child).await?;
        Ok(worker)
    }
}

fn child(kind: WorkerKind, id: &str) -> (Child<WorkerMsg>, Worker) {
    let id: Arc<str> = Arc::from(id);
    let own = Arc::clone(&id);
    let child = Child::server(id, move || Server {
        id: Arc::clone(&own),
        started: Instant::now(),
        fails: kind == WorkerKind::Failing,
    });
    let child = match kind {
        WorkerKind::Permanent | WorkerKind::Failing => child,
        WorkerKind::Temporary => child.restart(Restart::Temporary),
    };
    let server = child.server_ref();
    (child, Worker { server })
}

/// A worker of a [`Drill`]. The handle survives the worker's restarts.
#[derive(Debug, Clone)]
pub struct Worker {
    server: ServerRef<WorkerMsg>,
}

/// How a [`Worker`] is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkerStatus {
    /// Its id.
    pub id: Arc<str>,
    /// The time since its last start.
    pub uptime: Duration,
}

impl Worker {
    /// Asks whether the worker is there.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If it does not answer within 5 s, or ends.
    pub async fn ping(&self) -> Result<(), CallError> {
        self.server.call(|reply| WorkerMsg(Msg::Ping(reply))).await
    }

    /// Asks how the worker is doing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future changes nothing.
    ///
    /// # Errors
    ///
    /// If it does not answer within 5 s, or ends.
    pub async fn status(&self) -> Result<WorkerStatus, CallError> {
        self.server
            .call(|reply| WorkerMsg(Msg::Status(reply)))
            .await
    }

    /// Asks the worker to panic, in its turn. Unlike [`crash_child`](SupervisionTree::crash_child) it helps with that, and so
    /// the panic is a real one: the panic hook runs and prints it.
    ///
    /// # Errors
    ///
    /// If the worker is gone for good.
    pub fn crash(&self) -> Result<(), CastError<()>> {
        let sent = self.server.cast(WorkerMsg(Msg::Crash));
        sent.map_err(CastError::without_message)
    }

    /// Returns its address, for links, monitors and kills.
    pub fn server_ref(&self) -> &ServerRef<WorkerMsg> {
        &self.server
    }
}

/// What a worker understands. Sent by [`Worker`].
#[derive(Debug)]
pub struct WorkerMsg(Msg);

#[derive(Debug)]
enum Msg {
    Ping(ReplyTo<()>),
    Status(ReplyTo<WorkerStatus>),
    Crash,
    /// A failing worker's time is over.
    Fail,
}

struct Server {
    id: Arc<str>,
    started: Instant,
    fails: bool,
}

impl GenServer for Server {
    type Msg = WorkerMsg;

    async fn init(&mut self, ctx: &mut Context<WorkerMsg>) -> Result<(), ExitReason> {
        if self.fails {
            ctx.send_after(FAILS_AFTER, WorkerMsg(Msg::Fail));
        }
        Ok(())
    }

    async fn handle(
        &mut self,
        WorkerMsg(message): WorkerMsg,
        _: &mut Context<WorkerMsg>,
    ) -> Result<(), ExitReason> {
        match message {
            Msg::Ping(reply) => reply.send(()),
            Msg::Status(reply) => reply.send(WorkerStatus {
                id: Arc::clone(&self.id),
                uptime: self.started.elapsed(),
            }),
            Msg::Crash => panic!("worker {} was asked to crash", self.id),
            Msg::Fail => panic!("worker {} fails as it always does", self.id),
        }
        Ok(())
    }
}
