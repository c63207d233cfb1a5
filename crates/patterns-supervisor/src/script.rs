//! Faults by a script: who fails, how and when.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use otp_core::{CallError, ExitReason, TreeSnapshot};
use tokio::time::{Instant, sleep_until};

use crate::events::TreeEvents;
use crate::fault::Fault;
use crate::trace::{FaultTrace, TraceEntry, TraceStep};
use crate::tree::SupervisionTree;

/// How long a script goes on after its last fault, unless told otherwise.
const AFTER_THE_LAST: Duration = Duration::from_secs(1);

/// Faults that are to be done to a tree, each at its time.
///
/// Under a paused clock a script takes no time, and its trace is the same at each run: a test can compare it as a
/// text.
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
/// use patterns_supervisor::{Child, Fault, FaultScript, Node, SupervisionTree, TreeConfig};
///
/// let task = |id: &str| Node::from(Child::task(id, |stop| async move { stop.requested().await; Ok(()) }));
/// let tree = SupervisionTree::start(TreeConfig {
///     children: vec![task("a"), task("b")],
///     ..TreeConfig::default()
/// }).await?;
///
/// let trace = FaultScript::new()
///     .at(Duration::from_secs(3), "b", Fault::panic("disk full"))
///     .run(&tree)
///     .await?;
/// assert_eq!(trace.to_string(), "\
/// 3.000 s    fault at b: panic, disk full
/// 3.000 s    b: #1 exited: panicked: disk full
/// 3.000 s    b: starting
/// 3.000 s    b: started as #2, restart 1
/// ");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a script does nothing until it is run"]
pub struct FaultScript {
    steps: Vec<(Duration, String, Fault)>,
    lasting: Option<Duration>,
}

impl FaultScript {
    /// Makes a script without faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault: so long after the script has begun, to the child at that path. Those of the same moment are
    /// done in the order in which they were added.
    pub fn at(mut self, after: Duration, path: impl Into<String>, fault: Fault) -> Self {
        self.steps.push((after, path.into(), fault));
        self
    }

    /// Has the script go on until so long after it has begun, to see what comes of the last fault. Default: for 1 s after
    /// the last fault.
    pub fn lasting(mut self, time: Duration) -> Self {
        self.lasting = Some(time);
        self
    }

    /// Runs the script, and returns what was done and what came of it. It ends early if the tree does.
    ///
    /// A fault that hits nobody, because its child does not run at that moment for instance, stands in the trace
    /// and stops nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the rest of the script undone.
    ///
    /// # Errors
    ///
    /// If the tree does not run.
    pub async fn run(mut self, tree: &SupervisionTree) -> Result<FaultTrace, CallError> {
        let begun = Instant::now();
        let snapshot = tree.snapshot().await?;
        let mut run = Run {
            begun,
            events: tree.events().await?,
            entries: Vec::new(),
        };
        let mut end = pin!(snapshot.pid.monitor());
        // Stable: those of the same moment stay in order.
        self.steps.sort_by_key(|(after, ..)| *after);
        let last = self.steps.last().map(|(after, ..)| *after);
        let lasting = self.lasting.unwrap_or_else(|| {
            let last = last.unwrap_or_default();
            last.saturating_add(AFTER_THE_LAST)
        });
        let mut ended = None;
        for (after, path, fault) in self.steps {
            ended = run.pass(after, end.as_mut()).await;
            if ended.is_some() {
                break;
            }
            let at = run.begun.elapsed();
            let outcome = tree.inject(&path, fault.clone()).await;
            run.push(
                at,
                TraceStep::Fault {
                    path,
                    fault,
                    outcome,
                },
            );
        }
        if ended.is_none() {
            ended = run.pass(lasting, end.as_mut()).await;
        }
        run.take_events();
        if let Some(reason) = ended {
            run.push(run.begun.elapsed(), TraceStep::TreeEnded(reason));
        }
        Ok(FaultTrace {
            entries: run.entries,
            prefix: run.events.prefix,
            first: first_of_each(&snapshot),
        })
    }
}

/// A script that runs.
struct Run {
    begun: Instant,
    events: TreeEvents,
    entries: Vec<TraceEntry>,
}

impl Run {
    /// Waits until that time of the script; returns the reason if the tree ends before.
    async fn pass(
        &mut self,
        after: Duration,
        mut end: std::pin::Pin<&mut otp_core::Monitor>,
    ) -> Option<ExitReason> {
        let far = Duration::from_secs(86_400 * 365 * 30);
        let mut time = pin!(sleep_until(self.begun + after.min(far)));
        let ended = poll_fn(|cx| match end.as_mut().poll(cx) {
            Poll::Ready(reason) => Poll::Ready(Some(reason)),
            Poll::Pending => time.as_mut().poll(cx).map(|()| None),
        })
        .await;
        self.take_events();
        ended
    }

    fn take_events(&mut self) {
        while let Some(event) = self.events.try_recv() {
            let at = event.at.saturating_duration_since(self.begun);
            self.push(at, TraceStep::Event(event.event));
        }
    }

    fn push(&mut self, at: Duration, step: TraceStep) {
        self.entries.push(TraceEntry { at, step });
    }
}

/// The processes that run as the script begins: the first of each child.
fn first_of_each(snapshot: &TreeSnapshot) -> HashMap<otp_core::Pid, u64> {
    let mut first = HashMap::from([(snapshot.pid.clone(), 1)]);
    let mut waiting = vec![snapshot];
    while let Some(tree) = waiting.pop() {
        for (child, below) in &tree.children {
            if let Some(pid) = child.pid() {
                first.insert(pid.clone(), 1);
            }
            waiting.extend(below);
        }
    }
    first
}
