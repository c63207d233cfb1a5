//! A pool against a plain model: checkouts, returns, crashes, cancellations, timeouts and new sizes in any order, and after each the
//! model says exactly who has a member and who waits.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use patterns_pool::{Backoff, CheckoutError, Guard, Order, Pool, PoolConfig, Servers};
use proptest::prelude::*;
use testing::{advance, ms, quiet, settle};
use tokio::task::JoinHandle;

use crate::support::{Census, Job, sized};

#[derive(Debug, Clone)]
enum Op {
    /// Waits for so many times 10 ms and a half, or for ever.
    Checkout(Option<u8>),
    Return(usize),
    Discard(usize),
    Take(usize),
    /// Kills a member that somebody has.
    Crash(usize),
    /// Kills a member that nobody has.
    CrashIdle(usize),
    Cancel(usize),
    Pass(u8),
    Resize(usize),
    Retain(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => prop_oneof![2 => Just(None), 1 => (0..20_u8).prop_map(Some)].prop_map(Op::Checkout),
        6 => any::<usize>().prop_map(Op::Return),
        1 => any::<usize>().prop_map(Op::Discard),
        1 => any::<usize>().prop_map(Op::Take),
        2 => any::<usize>().prop_map(Op::Crash),
        1 => any::<usize>().prop_map(Op::CrashIdle),
        2 => any::<usize>().prop_map(Op::Cancel),
        3 => (1..15_u8).prop_map(Op::Pass),
        1 => (1..6_usize).prop_map(Op::Resize),
        1 => (1..4_usize).prop_map(Op::Retain),
    ]
}

type Workers = Pool<Servers<Job>>;

/// What came of each checkout, by its number.
type Outcomes = Arc<Mutex<BTreeMap<u32, Result<Guard<Servers<Job>>, CheckoutError>>>>;

#[derive(Default)]
struct World {
    outcomes: Outcomes,
    tasks: BTreeMap<u32, JoinHandle<()>>,
    next: u32,
    now: Duration,
    // The model.
    size: usize,
    /// Number and deadline, in the order in which they came.
    line: VecDeque<(u32, Option<Duration>)>,
    /// Who has a member, and whether that lives.
    held: Vec<(u32, bool)>,
}

impl World {
    /// Serves the line from what is free.
    fn serve(&mut self) {
        while self.held.iter().filter(|(_, lives)| *lives).count() < self.size
            && let Some((number, _)) = self.line.pop_front()
        {
            self.held.push((number, true));
        }
    }

    fn pick(&self, which: usize) -> Option<usize> {
        (!self.held.is_empty()).then(|| which % self.held.len())
    }

    fn guard(&self, number: u32) -> Guard<Servers<Job>> {
        let outcome = self.outcomes.lock().unwrap().remove(&number);
        outcome.expect("the model says that it has one").unwrap()
    }

    async fn run(&mut self, pool: &Workers, op: &Op) {
        match *op {
            Op::Checkout(tens) => {
                let timeout = tens.map(|tens| ms(u64::from(tens) * 10 + 5));
                let (number, pool, outcomes) =
                    (self.next, pool.clone(), Arc::clone(&self.outcomes));
                self.next += 1;
                let task = tokio::spawn(async move {
                    let outcome = pool
                        .checkout_timeout(timeout.unwrap_or(Duration::MAX))
                        .await;
                    outcomes.lock().unwrap().insert(number, outcome);
                });
                self.tasks.insert(number, task);
                self.line
                    .push_back((number, timeout.map(|timeout| self.now + timeout)));
            }
            Op::Return(which) | Op::Discard(which) | Op::Take(which) | Op::Crash(which) => {
                let Some(at) = self.pick(which) else {
                    return;
                };
                if let Op::Crash(_) = op {
                    let (number, lives) = &mut self.held[at];
                    *lives = false;
                    let outcomes = self.outcomes.lock().unwrap();
                    let guard = outcomes.get(number).expect("it has one").as_ref().unwrap();
                    guard.pid().kill();
                } else {
                    let (number, _) = self.held.remove(at);
                    let guard = self.guard(number);
                    match op {
                        Op::Discard(_) => Guard::discard(guard),
                        Op::Take(_) => drop(Guard::take(guard)),
                        _ => drop(guard),
                    }
                }
            }
            Op::CrashIdle(which) => {
                let idle: Vec<_> = pool
                    .info()
                    .members
                    .into_iter()
                    .filter(|member| member.out_for.is_none())
                    .collect();
                if !idle.is_empty() {
                    idle[which % idle.len()].pid.as_ref().unwrap().kill();
                }
            }
            Op::Cancel(which) => {
                if !self.line.is_empty() {
                    let (number, _) = self.line.remove(which % self.line.len()).unwrap();
                    self.tasks.remove(&number).unwrap().abort();
                }
            }
            Op::Pass(tens) => {
                let time = ms(u64::from(tens) * 10);
                self.now += time;
                let now = self.now;
                self.line
                    .retain(|(_, deadline)| deadline.is_none_or(|deadline| now < deadline));
                advance(time).await;
            }
            Op::Resize(size) => {
                self.size = size;
                pool.resize(size).unwrap();
            }
            Op::Retain(every) => {
                pool.retain(|_, info| info.id % every as u64 != 0);
            }
        }
        settle().await;
        self.serve();
    }

    fn check(&self, pool: &Workers, census: &Census) -> Result<(), TestCaseError> {
        // Exactly those have a member who should.
        let mut holders: Vec<_> = self.held.iter().map(|(number, _)| *number).collect();
        holders.sort_unstable();
        let outcomes = self.outcomes.lock().unwrap();
        let got: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_ok())
            .map(|(number, _)| *number)
            .collect();
        prop_assert_eq!(got, holders);
        // Each another one.
        let mut ids: Vec<_> = outcomes
            .values()
            .flatten()
            .map(|guard| guard.id())
            .collect();
        ids.sort_unstable();
        let there = ids.len();
        ids.dedup();
        prop_assert_eq!(ids.len(), there, "lent twice");
        for (number, outcome) in &*outcomes {
            if let Err(error) = outcome {
                prop_assert!(error.is_timeout(), "{}: {}", number, error);
            }
        }
        let lives = self.held.iter().filter(|(_, lives)| *lives).count();
        let info = pool.info();
        prop_assert_eq!(info.waiting, self.line.len());
        prop_assert_eq!(info.in_use, lives);
        prop_assert_eq!(info.available, self.size.saturating_sub(lives));
        prop_assert_eq!((info.starting, info.checking), (0, 0));
        // What was given back is gone, unless it is in the pool.
        let alive = info.members.len();
        prop_assert_eq!(census.alive(), alive);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_pool_does_as_the_model_does(
        size in 1..5_usize,
        fifo in any::<bool>(),
        ops in prop::collection::vec(op(), 1..60),
    ) {
        quiet();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let census = Census::default();
            let config = PoolConfig {
                order: if fifo { Order::Fifo } else { Order::Lifo },
                backoff: Backoff::constant(Duration::ZERO),
                ..sized(size)
            };
            let pool = Pool::start(config, census.servers()).await.unwrap();
            let mut world = World { size, ..World::default() };
            for op in &ops {
                world.run(&pool, op).await;
                world.check(&pool, &census)?;
            }
            // All is given back: who waits without a deadline is served, one after the other.
            world.line.retain(|(_, deadline)| deadline.is_none());
            advance(ms(1_000)).await;
            while !world.held.is_empty() || !world.line.is_empty() {
                world.serve();
                for (number, _) in std::mem::take(&mut world.held) {
                    drop(world.guard(number));
                }
                settle().await;
            }
            let info = pool.info();
            prop_assert_eq!((info.available, info.in_use, info.waiting), (world.size, 0, 0));
            pool.stop().await.unwrap();
            prop_assert_eq!(census.alive(), 0);
            Ok(())
        })?;
    }
}
