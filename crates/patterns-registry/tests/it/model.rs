//! Random starts, stops, crashes, calls and pauses against a plain map.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;

use patterns_registry::{
    CallWorkerError, CastWorkerError, RegistryConfig, StartWorkerError, StopWorkerError,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use testing::{ms, settle};

use crate::support::{Msg, World};

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const IDLE: u64 = 3_000;
const PERIOD: u64 = 5_000;
const MOST: usize = 3;

#[derive(Debug, Clone)]
enum Op {
    Start(usize),
    Stop(usize),
    Crash(usize),
    /// It ends in order by itself.
    End(usize),
    Cast(usize, u64),
    Call(usize),
    Pause(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let key = 0..KEYS.len();
    let op = prop_oneof![
        2 => key.clone().prop_map(Op::Start),
        2 => key.clone().prop_map(Op::Stop),
        4 => key.clone().prop_map(Op::Crash),
        1 => key.clone().prop_map(Op::End),
        3 => (key.clone(), 1_u64..10).prop_map(|(key, amount)| Op::Cast(key, amount)),
        3 => key.prop_map(Op::Call),
        4 => (1_u64..2_500).prop_map(Op::Pause),
    ];
    vec(op, 1..60)
}

/// A worker as it should be.
#[derive(Debug, Default)]
struct Modelled {
    total: u64,
    handled: u64,
    restarts: u64,
    /// When it was crashed, as far as that still counts.
    crashes: VecDeque<u64>,
    /// Since when it runs.
    since: u64,
    /// Since when it has had nothing to do.
    idle: u64,
}

#[derive(Debug, Default)]
struct Model {
    now: u64,
    workers: BTreeMap<&'static str, Modelled>,
    made: u64,
}

impl Model {
    /// The worker of a key, which is started if there is room; tells whether it was.
    fn start(&mut self, key: &'static str) -> Option<bool> {
        if self.workers.contains_key(key) {
            return Some(false);
        }
        if self.workers.len() == MOST {
            return None;
        }
        let worker = Modelled {
            since: self.now,
            idle: self.now,
            ..Modelled::default()
        };
        self.workers.insert(key, worker);
        self.made += 1;
        Some(true)
    }

    /// Something is handled by it.
    fn handle(&mut self, key: &str) -> &mut Modelled {
        let worker = self.workers.get_mut(key).unwrap();
        worker.handled += 1;
        worker.idle = self.now;
        worker
    }

    fn crash(&mut self, key: &str) -> bool {
        let Some(worker) = self.workers.get_mut(key) else {
            return false;
        };
        worker.crashes.retain(|at| self.now - at <= PERIOD);
        worker.crashes.push_back(self.now);
        if worker.crashes.len() > 3 {
            self.workers.remove(key);
            return true;
        }
        (worker.total, worker.restarts) = (0, worker.restarts + 1);
        (worker.since, worker.idle) = (self.now, self.now);
        self.made += 1;
        true
    }

    fn pause(&mut self, millis: u64) {
        self.now += millis;
        self.workers
            .retain(|_, worker| self.now - worker.idle < IDLE);
    }
}

fn paused<F: Future>(work: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(work)
}

async fn agrees(ops: Vec<Op>) -> Result<(), TestCaseError> {
    let world = World::new();
    let config = RegistryConfig {
        max_workers: Some(MOST),
        idle_timeout: Some(ms(IDLE)),
        restart_period: ms(PERIOD),
        ..RegistryConfig::default()
    };
    let registry = world.registry(config).await;
    let mut model = Model::default();
    for op in ops {
        match op {
            Op::Start(key) => {
                let expected = model.start(KEYS[key]);
                match registry.start_worker(KEYS[key]).await {
                    Ok(started) => prop_assert_eq!(Some(started.is_new()), expected),
                    Err(error) => {
                        prop_assert!(matches!(error, StartWorkerError::MaxWorkers));
                        prop_assert_eq!(expected, None);
                    }
                }
            }
            Op::Stop(key) => {
                let expected = match model.workers.remove(KEYS[key]) {
                    Some(_) => Ok(()),
                    None => Err(StopWorkerError::NotFound),
                };
                prop_assert_eq!(registry.stop_worker(KEYS[key]).await, expected);
            }
            Op::Crash(key) => {
                let crashed = registry.crash_worker(KEYS[key]).is_ok();
                prop_assert_eq!(crashed, model.crash(KEYS[key]));
            }
            Op::End(key) => {
                let found = registry.lookup(KEYS[key]);
                let expected = model.workers.remove(KEYS[key]);
                prop_assert_eq!(found.is_some(), expected.is_some());
                if let Some(worker) = found {
                    let end = Msg::End(patterns_registry::ExitReason::Normal);
                    prop_assert!(worker.cast(end).is_ok());
                }
            }
            Op::Cast(key, amount) => {
                let expected = model.start(KEYS[key]);
                match registry.cast(KEYS[key], Msg::Add(amount)).await {
                    Ok(()) => model.handle(KEYS[key]).total += amount,
                    Err(error) => {
                        let not_started = matches!(error, CastWorkerError::Start { .. });
                        prop_assert!(not_started);
                        prop_assert_eq!(expected, None);
                    }
                }
            }
            Op::Call(key) => {
                let expected = model.start(KEYS[key]);
                match registry.call(KEYS[key], Msg::Total).await {
                    Ok(total) => prop_assert_eq!(total, model.handle(KEYS[key]).total),
                    Err(error) => {
                        prop_assert!(matches!(error, CallWorkerError::Start(_)));
                        prop_assert_eq!(expected, None);
                    }
                }
            }
            Op::Pause(millis) => {
                model.pause(millis);
                tokio::time::advance(ms(millis)).await;
            }
        }
        settle().await;

        let listed: Vec<_> = registry
            .list_workers()
            .into_iter()
            .map(|worker| {
                let numbers = (worker.handled, worker.restarts, worker.uptime);
                (worker.key, numbers)
            })
            .collect();
        let expected: Vec<_> = model
            .workers
            .iter()
            .map(|(key, worker)| {
                let uptime = ms(model.now - worker.since);
                ((*key).to_owned(), (worker.handled, worker.restarts, uptime))
            })
            .collect();
        prop_assert_eq!(listed, expected);
        let info = registry.info();
        prop_assert_eq!(
            (info.starting, info.running, info.restarting, info.stopping),
            (0, model.workers.len(), 0, 0)
        );
        prop_assert_eq!(info.started + info.restarted, model.made);
        for key in KEYS {
            let there = model.workers.contains_key(key);
            prop_assert_eq!(registry.lookup(key).is_some(), there);
        }
        prop_assert_eq!(world.alive(), model.workers.len());
        let children = registry.supervisor_ref().count_children().await;
        prop_assert_eq!(children.unwrap().specs, model.workers.len());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_registry_is_a_map_of_workers_with_a_clock(ops in ops()) {
        paused(agrees(ops))?;
    }
}
