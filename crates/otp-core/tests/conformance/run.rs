//! Runs a scenario and writes down what happens, in the format of the traces.

use std::collections::HashMap;
use std::time::Duration;

use otp_core::{
    BadOption, CallError, ChildError, ChildKind, ChildState, Context, ExitReason, GenServer, Inbox,
    Monitor, Pid, ReplyTo, ServerRef, StartChildError, StartError, SupervisorEvent, TreeSnapshot,
    inbox,
};
use tokio::time::sleep;

use crate::address::Address;
use crate::json::Json;
use crate::reasons;
use crate::tree::{Addresses, Builder, Plan, number};
use crate::worker::Starts;

/// The process that starts the root, linked with it.
struct Starter(Option<Plan>);

enum StarterMsg {
    Start(ReplyTo<Result<Address, StartError>>),
    Exit(ExitReason),
}

impl GenServer for Starter {
    type Msg = StarterMsg;

    async fn init(&mut self, ctx: &mut Context<StarterMsg>) -> Result<(), ExitReason> {
        ctx.trap_exit();
        Ok(())
    }

    async fn handle(
        &mut self,
        msg: StarterMsg,
        ctx: &mut Context<StarterMsg>,
    ) -> Result<(), ExitReason> {
        match msg {
            StarterMsg::Start(reply) => {
                reply.send(match self.0.take() {
                    Some(Plan::Static(root)) => root.start_link(ctx).await.map(Address::Static),
                    Some(Plan::Dynamic(root)) => root.start_link(ctx).await.map(Address::Dynamic),
                    None => Err(StartError::Ignored),
                });
                Ok(())
            }
            StarterMsg::Exit(reason) => Err(reason),
        }
    }

    async fn handle_exit(
        &mut self,
        _: otp_core::Exit,
        _: &mut Context<StarterMsg>,
    ) -> Result<(), ExitReason> {
        Ok(())
    }
}

pub(crate) struct Run {
    starts: Starts,
    addresses: Addresses,
    starter: ServerRef<StarterMsg>,
    root: Option<Address>,
    root_end: Option<Monitor>,
    events: Inbox<SupervisorEvent>,
    /// The start numbers of paths, as the events tell them.
    numbers: HashMap<String, u64>,
    /// The path and the start number of every process.
    processes: HashMap<Pid, (String, u64)>,
    /// What happened since the last step.
    happened: Vec<Json>,
}

const ROOT: &str = "root";

impl Run {
    /// Starts the root; returns the run and the first step.
    pub(crate) async fn start(spec: &Json) -> (Self, Json) {
        let starts = Starts::default();
        let (address, events) = inbox();
        let mut builder = Builder {
            starts: &starts,
            addresses: Addresses::default(),
        };
        let root = match builder.plan(spec, ROOT) {
            Plan::Static(root) => Plan::Static(root.report_to(address.recipient())),
            Plan::Dynamic(root) => Plan::Dynamic(root.report_to(address.recipient())),
        };
        let addresses = builder.addresses;
        let starter = otp_core::start(Starter(Some(root))).await.unwrap();
        let mut run = Self {
            starts,
            addresses,
            starter,
            root: None,
            root_end: None,
            events,
            numbers: HashMap::from([(ROOT.to_owned(), 1)]),
            processes: HashMap::new(),
            happened: vec![event("starting", ROOT, 1, None)],
        };
        let started = run
            .starter
            .call_timeout(StarterMsg::Start, Duration::MAX)
            .await
            .unwrap();
        run.hear();
        let result = match started {
            Ok(root) => {
                run.happened.push(event("started", ROOT, 1, None));
                run.processes
                    .insert(root.pid().unwrap(), (ROOT.to_owned(), 1));
                run.addresses
                    .supervisors
                    .insert(ROOT.to_owned(), root.clone());
                run.root_end = root.pid().map(|pid| pid.monitor());
                run.root = Some(root);
                Json::object([("ok", Json::Int(1))])
            }
            Err(StartError::Ignored) => {
                run.happened.push(event("ignored", ROOT, 1, None));
                Json::object([("ok", Json::Null)])
            }
            Err(StartError::Failed(reason)) => {
                let reason = reasons::json(&reason);
                let failed = event("start_failed", ROOT, 1, Some(reason.clone()));
                run.happened.push(failed);
                start_failed(reason)
            }
            Err(other) => panic!("the root did not start: {other}"),
        };
        let step = run.step(result).await;
        (run, step)
    }

    /// Carries out one operation and returns its step.
    pub(crate) async fn operation(&mut self, op: &Json) -> Json {
        let result = match op.at("op").str() {
            "batch" => self.batch(op).await,
            "sleep" => {
                sleep(Duration::from_millis(number(op.at("ms")))).await;
                Json::text("ok")
            }
            "parent_exit" => {
                let reason = reasons::reason(op.at("reason"));
                let end = self.root.as_ref().map(Address::wait);
                let _ = self.starter.cast(StarterMsg::Exit(reason));
                if let Some(end) = end {
                    end.await;
                }
                Json::text("ok")
            }
            "exit_child" | "kill_child" | "stop" => self.end(op).await,
            _ => {
                let asked = self.ask(op);
                let answer = asked.answer.await;
                self.result(answer, asked.new)
            }
        };
        self.step(result).await
    }

    /// Ends a process from outside, and waits for that.
    async fn end(&mut self, op: &Json) -> Json {
        let path = path_of(op.at("path"));
        if op.at("op").str() == "stop" {
            let supervisor = self.addresses.supervisors.get(&path).cloned();
            let reason = reasons::reason(op.at("reason"));
            let Some(supervisor) = supervisor.filter(|supervisor| supervisor.pid().is_some())
            else {
                return Json::text("no_target");
            };
            let _ = supervisor.stop_with(reason).await;
            return Json::text("ok");
        }
        let Some(worker) = self.addresses.workers.get(&path) else {
            return Json::text("no_target");
        };
        let Some(pid) = worker.pid() else {
            return Json::text("no_target");
        };
        let end = pid.monitor();
        if op.at("op").str() == "kill_child" {
            pid.kill();
        } else {
            let reason = reasons::reason(op.at("reason"));
            assert!(worker.cast(reason).is_ok(), "{path} runs");
        }
        end.await;
        Json::text("ok")
    }

    async fn batch(&mut self, op: &Json) -> Json {
        let path = path_of(op.at("sup"));
        let supervisor = self.addresses.supervisors[&path].clone();
        let end = supervisor.pid().unwrap().monitor();
        let held = supervisor.suspend().await.unwrap();
        let mut waiting = Vec::new();
        for op in op.at("ops").array() {
            match op.at("op").str() {
                "exit_child" | "kill_child" | "stop" => {
                    let result = self.end(op).await;
                    waiting.push(Err(result));
                }
                _ => {
                    let mut asked = self.ask(op);
                    // The first poll puts the request into the queue.
                    let polled = futures_poll_once(&mut asked.answer).await;
                    assert!(polled.is_none(), "a held supervisor answers nothing");
                    waiting.push(Ok(asked));
                }
            }
        }
        drop(held);
        let mut results = Vec::new();
        let mut end = Some(end);
        let mut reason = Json::Null;
        for one in waiting {
            results.push(match one {
                Err(result) => result,
                Ok(asked) => match asked.answer.await {
                    Answer::Down => {
                        if let Some(end) = end.take() {
                            reason = reasons::json(&end.await);
                        }
                        Json::object([("sup_down", reason.clone())])
                    }
                    answer => self.result(answer, asked.new),
                },
            });
        }
        Json::Array(results)
    }

    /// Begins to ask a supervisor something.
    fn ask(&mut self, op: &Json) -> Asked {
        self.hear();
        let path = path_of(op.at("sup"));
        let supervisor = self.addresses.supervisors[&path].clone();
        let id = op.get("id").map(|id| id.str().to_owned());
        let mut new = None;
        let answer: std::pin::Pin<Box<dyn Future<Output = Answer>>> = match op.at("op").str() {
            "start_child" => {
                let mut builder = Builder {
                    starts: &self.starts,
                    addresses: Addresses::default(),
                };
                let child = builder.child(op.at("spec"), &path);
                let child_path = format!("{path}/{}", op.at("spec").at("id").str());
                new = Some(New {
                    addresses: builder.addresses,
                    path: child_path,
                    dynamic: false,
                });
                new = new.map(|new| New {
                    dynamic: supervisor.is_dynamic(),
                    ..new
                });
                Box::pin(async move { Answer::Start(supervisor.start_child(child).await) })
            }
            "restart_child" => {
                let id = id.unwrap();
                Box::pin(
                    async move { Answer::Restart(supervisor.fixed().restart_child(&id).await) },
                )
            }
            "terminate_child" if op.get("child").is_some() => {
                let path = format!("{path}/{}", op.at("child").str());
                let named = self.processes.iter().filter(|(_, (of, _))| *of == path);
                let last = named.max_by_key(|(_, (_, number))| *number);
                let pid = last.unwrap().0.clone();
                Box::pin(async move { Answer::Done(supervisor.terminate(&pid).await) })
            }
            "terminate_child" => {
                let id = id.unwrap();
                Box::pin(async move { Answer::Done(supervisor.fixed().terminate_child(&id).await) })
            }
            "delete_child" => {
                let id = id.unwrap();
                Box::pin(async move { Answer::Done(supervisor.fixed().delete_child(&id).await) })
            }
            "which_children" => Box::pin(async move {
                Answer::Which(supervisor.which_children().await, supervisor.is_dynamic())
            }),
            "count_children" => {
                Box::pin(async move { Answer::Count(supervisor.count_children().await) })
            }
            other => panic!("operation {other} is not known"),
        };
        Asked {
            answer: Box::pin(async move { answer.await.or_down() }),
            new,
        }
    }

    /// An answer as the traces write it.
    fn result(&mut self, answer: Answer, new: Option<New>) -> Json {
        self.hear();
        let New {
            addresses,
            path,
            dynamic,
        } = new.unwrap_or_default();
        match answer {
            Answer::Down => Json::text("down"),
            Answer::Start(Ok(())) => {
                // By now it may have been started once more.
                let number = *addresses.first[&path].get().unwrap();
                self.addresses.extend(addresses);
                Json::object([("ok", number.into())])
            }
            Answer::Start(Err(error)) => match error {
                StartChildError::Ignored if dynamic => Json::text("ignore"),
                StartChildError::MaxChildren => error_of("max_children"),
                StartChildError::Ignored => {
                    self.addresses.extend(addresses);
                    Json::object([("ok", Json::Null)])
                }
                StartChildError::AlreadyStarted(pid) => Json::object([
                    ("error", Json::text("already_started")),
                    ("n", self.processes[&pid].1.into()),
                ]),
                StartChildError::AlreadyPresent => error_of("already_present"),
                StartChildError::BadOption(BadOption { option, .. }) => Json::object([
                    ("error", Json::text("bad_combination")),
                    ("keys", Json::Array(reasons::keys(option))),
                ]),
                StartChildError::Failed(reason) => start_failed(reasons::json(&reason)),
                other => panic!("start_child: {other}"),
            },
            Answer::Restart(Ok(pid)) => Json::object([("ok", self.processes[&pid].1.into())]),
            Answer::Restart(Err(ChildError::Ignored)) => Json::object([("ok", Json::Null)]),
            Answer::Restart(Err(error)) | Answer::Done(Err(error)) => match error {
                ChildError::NotFound => error_of("not_found"),
                ChildError::Running => error_of("running"),
                ChildError::Restarting => error_of("restarting"),
                ChildError::Failed(reason) => start_failed(reasons::json(&reason)),
                other => panic!("a request to a child: {other}"),
            },
            Answer::Done(Ok(())) => Json::text("ok"),
            Answer::Which(children, parallel) => {
                let children = children.unwrap().into_iter().map(|child| {
                    let state = match &child.state {
                        ChildState::Running(pid) | ChildState::Starting(pid) => {
                            self.processes[pid].1.into()
                        }
                        ChildState::Restarting => Json::text("restarting"),
                        ChildState::Stopped => Json::Null,
                    };
                    if parallel && child.state == ChildState::Restarting {
                        return (None, state);
                    }
                    (Some(child.id), state)
                });
                let mut children: Vec<_> = children.collect();
                if parallel {
                    children.sort_by(|(one, _), (other, _)| one.cmp(other));
                }
                let rows = children.into_iter().map(|(id, state)| {
                    let id = id.map_or(Json::Null, |id| Json::text(&*id));
                    Json::Array(vec![id, state])
                });
                Json::Array(rows.collect())
            }
            Answer::Count(count) => count_of(count.unwrap()),
        }
    }

    /// Waits until everything has settled, and takes down the step.
    async fn step(&mut self, result: Json) -> Json {
        let tree = loop {
            // With a paused clock this is over when nobody has anything to do.
            sleep(Duration::from_millis(1)).await;
            let Some(root) = self.root.clone() else {
                break Json::Null;
            };
            match root.snapshot().await {
                Ok(snapshot) if settled(&snapshot) => {
                    self.hear();
                    match self.tree(&snapshot, ROOT).await {
                        Some(tree) => break tree,
                        None => continue,
                    }
                }
                Ok(_) => {}
                Err(_) => {
                    self.root = None;
                    let end = self.root_end.take().unwrap();
                    let reason = Some(reasons::json(&end.await));
                    self.hear();
                    self.happened.push(event("exit", ROOT, 1, reason));
                    break Json::Null;
                }
            }
        };
        self.hear();
        self.sort_exits();
        Json::object([
            ("events", Json::Array(std::mem::take(&mut self.happened))),
            ("result", result),
            ("tree", tree),
        ])
    }

    /// Puts exits that happened side by side into the order of the traces.
    fn sort_exits(&mut self) {
        let parallel = |event: &Json| {
            let path = path_of(event.at("path"));
            let (parent, id) = path.rsplit_once('/')?;
            let supervisor = self.addresses.supervisors.get(parent)?;
            let exit = event.at("e").str() == "exit" && supervisor.is_dynamic();
            exit.then(|| (parent.to_owned(), id.to_owned(), event.at("n").int()))
        };
        let keys: Vec<_> = self.happened.iter().map(parallel).collect();
        let mut from = 0;
        while from < keys.len() {
            let Some((parent, ..)) = &keys[from] else {
                from += 1;
                continue;
            };
            let same = |key: &&Option<(String, String, i64)>| {
                key.as_ref().is_some_and(|(other, ..)| other == parent)
            };
            let to = from + keys[from..].iter().take_while(same).count();
            let mut run: Vec<_> = keys[from..to]
                .iter()
                .zip(&self.happened[from..to])
                .collect();
            run.sort_by_key(|(key, _)| *key);
            let sorted: Vec<Json> = run.into_iter().map(|(_, event)| event.clone()).collect();
            self.happened[from..to].clone_from_slice(&sorted);
            from = to;
        }
    }

    /// Writes down what the supervisors have reported.
    fn hear(&mut self) {
        while let Some(told) = self.events.try_recv() {
            let path = told.path().join("/");
            let number = self.numbers.entry(path.clone()).or_default();
            let entry = match &told {
                SupervisorEvent::Starting { kind, .. } => {
                    *number += 1;
                    if *kind == ChildKind::Worker {
                        continue;
                    }
                    event("starting", &path, *number, None)
                }
                SupervisorEvent::Started { pid, .. } => {
                    self.processes.insert(pid.clone(), (path.clone(), *number));
                    event("started", &path, *number, None)
                }
                SupervisorEvent::Ignored { .. } => event("ignored", &path, *number, None),
                SupervisorEvent::StartFailed { reason, .. } => {
                    event("start_failed", &path, *number, Some(reasons::json(reason)))
                }
                SupervisorEvent::Exited { pid, reason, .. } => {
                    let (path, number) = &self.processes[pid];
                    event("exit", path, *number, Some(reasons::json(reason)))
                }
                _ => continue,
            };
            self.happened.push(entry);
        }
    }

    /// The tree below a supervisor; nothing if it ended while it was asked.
    async fn tree(&self, snapshot: &TreeSnapshot, path: &str) -> Option<Json> {
        let supervisor = self.addresses.supervisors.get(path)?;
        let count = count_of(supervisor.count_children().await.ok()?);
        let mut listed: Vec<_> = snapshot.children.iter().rev().collect();
        if supervisor.is_dynamic() {
            listed.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
        }
        let mut children = Vec::new();
        for (child, below) in listed {
            let path = format!("{path}/{}", child.id);
            let kind = match child.kind {
                ChildKind::Worker => "worker",
                ChildKind::Supervisor => "supervisor",
            };
            children.push(match (below, &child.state) {
                (Some(below), _) => Box::pin(self.tree(below, &path)).await?,
                (None, state) => Json::object([
                    ("id", Json::text(&*child.id)),
                    (
                        "n",
                        match state {
                            ChildState::Running(pid) => self.processes[pid].1.into(),
                            _ => Json::Null,
                        },
                    ),
                    ("type", Json::text(kind)),
                ]),
            });
        }
        Some(Json::object([
            ("children", Json::Array(children)),
            ("count", count),
            ("id", Json::text(&*snapshot.id)),
            ("n", self.processes[&snapshot.pid].1.into()),
            ("type", Json::text("supervisor")),
        ]))
    }
}

/// A request on its way.
struct Asked {
    answer: std::pin::Pin<Box<dyn Future<Output = Answer>>>,
    /// What is known once it has succeeded.
    new: Option<New>,
}

/// What is known of a new child once its start has succeeded.
#[derive(Default)]
struct New {
    addresses: Addresses,
    path: String,
    dynamic: bool,
}

enum Answer {
    Start(Result<(), StartChildError>),
    Restart(Result<Pid, ChildError>),
    Done(Result<(), ChildError>),
    /// The children, and whether their supervisor is dynamic.
    Which(Result<Vec<otp_core::ChildInfo>, CallError>, bool),
    Count(Result<otp_core::ChildCounts, CallError>),
    /// The supervisor ended first.
    Down,
}

impl Answer {
    fn or_down(self) -> Self {
        match self {
            Self::Start(Err(StartChildError::Call(_)))
            | Self::Restart(Err(ChildError::Call(_)))
            | Self::Done(Err(ChildError::Call(_)))
            | Self::Which(Err(_), _)
            | Self::Count(Err(_)) => Self::Down,
            other => other,
        }
    }
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

/// Whether nothing is about to change.
fn settled(snapshot: &TreeSnapshot) -> bool {
    snapshot.children.iter().all(|(child, below)| {
        let settles = match &child.state {
            ChildState::Running(pid) => pid.is_alive(),
            ChildState::Restarting | ChildState::Starting(_) => false,
            ChildState::Stopped => true,
        };
        settles && below.as_ref().is_none_or(settled)
    })
}

fn event(kind: &str, path: &str, number: u64, reason: Option<Json>) -> Json {
    let ids = path.split('/').map(Json::text).collect();
    let mut members = vec![
        ("e", Json::text(kind)),
        ("n", number.into()),
        ("path", Json::Array(ids)),
    ];
    members.extend(reason.map(|reason| ("reason", reason)));
    let members = members.into_iter();
    Json::Object(
        members
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn path_of(json: &Json) -> String {
    let ids: Vec<_> = json.array().iter().map(Json::str).collect();
    ids.join("/")
}

fn error_of(what: &str) -> Json {
    Json::object([("error", Json::text(what))])
}

fn start_failed(reason: Json) -> Json {
    Json::object([("error", Json::text("start_failed")), ("reason", reason)])
}

fn count_of(count: otp_core::ChildCounts) -> Json {
    let numbers = [count.specs, count.active, count.supervisors, count.workers];
    Json::Array(numbers.map(Json::from).to_vec())
}
