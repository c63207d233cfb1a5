//! What several modules need.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use otp_core::Exit;
use patterns_supervisor::drill::Drill;
use patterns_supervisor::{
    Child, ChildInfo, ChildState, Context, ExitReason, Fault, GenServer, Node, Pid, ReplyTo,
    Shutdown, Strategy, SupervisionTree, TreeConfig, TreeEvents,
};
use testing::secs;

/// What a test returns.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Drops `future` when it has had to wait so often; at 0 it is not even begun. Tells whether it was done.
pub(crate) async fn dropped_after<T>(waits: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut waited = 0;
    poll_fn(|cx| {
        if waited == waits {
            return Poll::Ready(false);
        }
        if future.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        waited += 1;
        if waited == waits {
            return Poll::Ready(false);
        }
        Poll::Pending
    })
    .await
}

/// A future that is a child: it ends when it is asked to.
pub(crate) fn idle(id: &str) -> Child<Infallible> {
    Child::task(id, |stop| async move {
        stop.requested().await;
        Ok(())
    })
}

/// One that takes `time` to end once it is asked, and has `limit` for it.
pub(crate) fn slow(id: &str, time: Duration, limit: Duration) -> Child<Infallible> {
    let work = move |stop: patterns_supervisor::StopToken| async move {
        stop.requested().await;
        tokio::time::sleep(time).await;
        Ok(())
    };
    Child::task(id, work).shutdown(Shutdown::Timeout(limit))
}

/// A tree as data, with patience for whatever a test does to it.
pub(crate) fn plan<const N: usize>(
    id: &str,
    strategy: Strategy,
    children: [Node; N],
) -> TreeConfig {
    TreeConfig {
        id: id.into(),
        strategy,
        max_restarts: usize::MAX,
        children: children.into(),
        ..TreeConfig::default()
    }
}

pub(crate) async fn start<const N: usize>(children: [Node; N]) -> SupervisionTree {
    let plan = plan("root", Strategy::OneForOne, children);
    SupervisionTree::start(plan).await.unwrap()
}

/// `a`, `mid/task`, `mid/deep/leaf`, `z`: three levels.
pub(crate) async fn deep_tree() -> SupervisionTree {
    let deep = plan(
        "deep",
        Strategy::OneForOne,
        [Probe::child("leaf", &Log::default()).into()],
    );
    let mid = plan(
        "mid",
        Strategy::OneForOne,
        [idle("task").into(), deep.into()],
    );
    start([idle("a").into(), mid.into(), idle("z").into()]).await
}

/// `child` at the third level.
pub(crate) async fn at_depth(child: Node) -> SupervisionTree {
    let deep = plan("deep", Strategy::OneForOne, [child]);
    start([plan("mid", Strategy::OneForOne, [deep.into()]).into()]).await
}

/// Does `fault` to the process at `path`, and tells why that process ended.
pub(crate) async fn end_by(tree: &SupervisionTree, path: &str, fault: Fault) -> ExitReason {
    let end = pid(tree, path).await.monitor();
    tree.inject(path, fault).await.unwrap();
    tokio::time::timeout(secs(1), end).await.unwrap()
}

pub(crate) async fn drill_pids(drill: &Drill) -> Vec<Pid> {
    let children = drill.tree.info().await.unwrap().children;
    children
        .iter()
        .filter_map(|child| child.pid().cloned())
        .collect()
}

/// The child at `path`, which is there.
pub(crate) async fn child(tree: &SupervisionTree, path: &str) -> ChildInfo {
    find(tree, path).await.unwrap()
}

pub(crate) async fn find(tree: &SupervisionTree, path: &str) -> Option<ChildInfo> {
    let (parent, id) = match path.rsplit_once('/') {
        Some((parent, id)) => (tree.subtree(parent).await.unwrap(), id),
        None => (tree.clone(), path),
    };
    let children = parent.info().await.unwrap().children.into_iter();
    children.into_iter().find(|child| &*child.id == id)
}

/// The process at `path`, which runs.
pub(crate) async fn pid(tree: &SupervisionTree, path: &str) -> Pid {
    match child(tree, path).await.state {
        ChildState::Running(pid) => pid,
        other => panic!("{path} is {other:?}"),
    }
}

/// Its children's ids, in order.
pub(crate) async fn ids(tree: &SupervisionTree) -> Vec<String> {
    let children = tree.info().await.unwrap().children;
    children.iter().map(|child| child.id.to_string()).collect()
}

/// What has happened since the last look, a line each, with `pids` in place of the pids.
pub(crate) fn happened(events: &mut TreeEvents, pids: &mut Pids) -> String {
    let mut text = String::new();
    while let Some(event) = events.try_recv() {
        text.push_str(&pids.plain(&event.to_string()));
        text.push('\n');
    }
    text
}

/// Gives processes numbers of their own, from 1 on in the order in which they are met: `<1>`, `<2>`.
#[derive(Default)]
pub(crate) struct Pids(HashMap<String, usize>);

impl Pids {
    pub(crate) fn plain(&mut self, text: &str) -> String {
        // As texts show them, and as Mermaid's entities do.
        let text = self.between(text, "<", ">");
        self.between(&text, "#60;", "#62;")
    }

    fn between(&mut self, text: &str, open: &str, close: &str) -> String {
        let mut parts = text.split(open);
        let mut plain = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            plain.push_str(open);
            match part.split_once(close) {
                Some((number, rest)) if number.parse::<u64>().is_ok() => {
                    let next = self.0.len() + 1;
                    let number = *self.0.entry(number.to_owned()).or_insert(next);
                    plain.push_str(&format!("{number}{close}{rest}"));
                }
                _ => plain.push_str(part),
            }
        }
        plain
    }
}

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

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// How many have it: this one, and each server that is made or may be.
    pub(crate) fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

/// A server that does nothing to help with faults. It writes down `up`, what it is told of exits, and its `terminate`.
pub(crate) struct Probe {
    id: &'static str,
    log: Log,
    traps: bool,
    init: Duration,
}

pub(crate) enum Msg {
    Echo(u32, ReplyTo<u32>),
    /// A handler that waits for ever.
    Hang,
    /// One that keeps its caller waiting as well.
    HangWith(ReplyTo<()>),
}

impl Probe {
    pub(crate) fn child(id: &'static str, log: &Log) -> Child<Msg> {
        Self::made(id, log, false, Duration::ZERO)
    }

    /// One that traps exits.
    pub(crate) fn trapping(id: &'static str, log: &Log) -> Child<Msg> {
        Self::made(id, log, true, Duration::ZERO)
    }

    /// One that takes so long to start.
    pub(crate) fn starting_in(time: Duration, id: &'static str, log: &Log) -> Child<Msg> {
        Self::made(id, log, false, time)
    }

    fn made(id: &'static str, log: &Log, traps: bool, init: Duration) -> Child<Msg> {
        let log = log.clone();
        Child::server(id, move || Self {
            id,
            log: log.clone(),
            traps,
            init,
        })
    }
}

impl GenServer for Probe {
    type Msg = Msg;

    async fn init(&mut self, ctx: &mut Context<Msg>) -> Result<(), ExitReason> {
        if self.traps {
            ctx.trap_exit();
        }
        if !self.init.is_zero() {
            tokio::time::sleep(self.init).await;
        }
        self.log.note(format!("{}: up", self.id));
        Ok(())
    }

    async fn handle(&mut self, message: Msg, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        match message {
            Msg::Echo(number, reply) => reply.send(number),
            Msg::Hang => pending().await,
            Msg::HangWith(_reply) => pending().await,
        }
        Ok(())
    }

    async fn handle_exit(&mut self, exit: Exit, _: &mut Context<Msg>) -> Result<(), ExitReason> {
        self.log
            .note(format!("{}: told of {}", self.id, exit.reason));
        Ok(())
    }

    async fn terminate(&mut self, reason: &ExitReason, _: &mut Context<Msg>) {
        self.log.note(format!("{}: down, {reason}", self.id));
    }
}
