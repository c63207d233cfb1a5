//! The trees of the scenarios.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use otp_core::{
    AutoShutdown, Child, DynamicSupervisor, DynamicSupervisorMsg, ExitReason, Restart, ServerRef,
    Shutdown, Strategy, Supervisor, SupervisorMsg,
};

use crate::address::Address;
use crate::json::Json;
use crate::worker::{Init, OnShutdown, Starts, Worker};

/// The addresses of everybody in a tree, by path.
#[derive(Default)]
pub(crate) struct Addresses {
    pub(crate) workers: HashMap<String, ServerRef<ExitReason>>,
    pub(crate) supervisors: HashMap<String, Address>,
    /// The number of the first start that was attempted.
    pub(crate) first: HashMap<String, Arc<OnceLock<u64>>>,
}

impl Addresses {
    pub(crate) fn extend(&mut self, other: Self) {
        self.workers.extend(other.workers);
        self.supervisors.extend(other.supervisors);
        self.first.extend(other.first);
    }
}

/// A child of either kind.
pub(crate) enum AnyChild {
    Worker(Child<ExitReason>),
    Supervisor(Child<SupervisorMsg>),
    Dynamic(Child<DynamicSupervisorMsg>),
}

/// A supervisor of either kind that is not started yet.
pub(crate) enum Plan {
    Static(Supervisor),
    Dynamic(DynamicSupervisor),
}

/// Makes specifications of what a scenario says.
pub(crate) struct Builder<'a> {
    pub(crate) starts: &'a Starts,
    pub(crate) addresses: Addresses,
}

impl Builder<'_> {
    pub(crate) fn plan(&mut self, spec: &Json, path: &str) -> Plan {
        if spec.at("strategy").str() == "dynamic" {
            Plan::Dynamic(self.dynamic(spec, path))
        } else {
            Plan::Static(self.supervisor(spec, path))
        }
    }

    fn dynamic(&mut self, spec: &Json, path: &str) -> DynamicSupervisor {
        let (of_start, starts) = (spec.clone(), self.counter(path));
        let supervisor = DynamicSupervisor::new()
            .name(spec.at("id").str())
            .intensity(
                usize::try_from(number(spec.at("intensity"))).unwrap(),
                Duration::from_secs(number(spec.at("period"))),
            )
            .only_if(move || Init::of(&of_start, starts()) == Init::Ok);
        match spec.at("max_children") {
            Json::Int(most) => supervisor.max_children(usize::try_from(*most).unwrap()),
            _ => supervisor,
        }
    }

    fn supervisor(&mut self, spec: &Json, path: &str) -> Supervisor {
        let strategy = match spec.at("strategy").str() {
            "one_for_one" => Strategy::OneForOne,
            "one_for_all" => Strategy::OneForAll,
            "rest_for_one" => Strategy::RestForOne,
            other => panic!("strategy {other} is not covered"),
        };
        let auto_shutdown = match spec.at("auto_shutdown").str() {
            "never" => AutoShutdown::Never,
            "any_significant" => AutoShutdown::AnySignificant,
            _ => AutoShutdown::AllSignificant,
        };
        let (of_start, starts) = (spec.clone(), self.counter(path));
        let period = Duration::from_secs(number(spec.at("period")));
        let mut supervisor = Supervisor::new(strategy)
            .name(spec.at("id").str())
            .intensity(
                usize::try_from(number(spec.at("intensity"))).unwrap(),
                period,
            )
            .auto_shutdown(auto_shutdown)
            .only_if(move || Init::of(&of_start, starts()) == Init::Ok);
        for child in spec.at("children").array() {
            supervisor = match self.child(child, path) {
                AnyChild::Worker(child) => supervisor.child(child),
                AnyChild::Supervisor(child) => supervisor.child(child),
                AnyChild::Dynamic(child) => supervisor.child(child),
            };
        }
        supervisor
    }

    /// Counts the starts of a path, and remembers the first of this specification.
    fn counter(&mut self, path: &str) -> impl Fn() -> u64 + Send + Sync + 'static + use<> {
        let (starts, key, first) = (self.starts.clone(), path.to_owned(), Arc::default());
        self.addresses.first.insert(key.clone(), Arc::clone(&first));
        move || {
            let number = starts.next(&key);
            let _ = first.set(number);
            number
        }
    }

    pub(crate) fn child(&mut self, spec: &Json, parent: &str) -> AnyChild {
        let id = spec.at("id").str();
        let path = format!("{parent}/{id}");
        if spec.at("type").str() == "supervisor" {
            let (child, address) = match self.plan(spec, &path) {
                Plan::Static(below) => {
                    let child = on_terms(Child::supervisor(id, below), spec);
                    let address = Address::Static(child.supervisor_ref());
                    (AnyChild::Supervisor(child), address)
                }
                Plan::Dynamic(below) => {
                    let child = on_terms(Child::dynamic_supervisor(id, below), spec);
                    let address = Address::Dynamic(child.dynamic_supervisor_ref());
                    (AnyChild::Dynamic(child), address)
                }
            };
            self.addresses.supervisors.insert(path, address);
            return child;
        }
        let (spec_of_start, starts) = (spec.clone(), self.counter(&path));
        let on_shutdown = OnShutdown::of(spec);
        let child = Child::server(id, move || Worker {
            init: Init::of(&spec_of_start, starts()),
            on_shutdown: on_shutdown.clone(),
            by_itself: false,
        });
        let child = on_terms(child, spec).shutdown(match spec.at("shutdown") {
            Json::Text(text) if text == "infinity" => Shutdown::Infinity,
            Json::Text(_) => Shutdown::BrutalKill,
            ms => Shutdown::Timeout(Duration::from_millis(number(ms))),
        });
        self.addresses.workers.insert(path, child.server_ref());
        AnyChild::Worker(child)
    }
}

fn on_terms<M: Send + 'static>(child: Child<M>, spec: &Json) -> Child<M> {
    let child = child.restart(match spec.at("restart").str() {
        "permanent" => Restart::Permanent,
        "transient" => Restart::Transient,
        _ => Restart::Temporary,
    });
    if spec.at("significant").bool() {
        child.significant()
    } else {
        child
    }
}

pub(crate) fn number(json: &Json) -> u64 {
    u64::try_from(json.int()).unwrap()
}

/// Whether any supervisor of a specification is of the kind that is not covered: we have no `simple_one_for_one`.
pub(crate) fn is_simple(spec: &Json) -> bool {
    let children = spec.get("children").map(Json::array).unwrap_or_default();
    let strategy = spec.get("strategy").map(Json::str);
    strategy == Some("simple_one_for_one") || children.iter().any(is_simple)
}
