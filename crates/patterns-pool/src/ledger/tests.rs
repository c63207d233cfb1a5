//! The ledger against its invariants: every operation in any order, and after each one all that must hold.

use std::collections::{BTreeSet, HashSet};
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use otp_core::ExitReason;
use otp_core::backoff::Backoff;
use proptest::prelude::*;

use super::line::Seat;
use super::members::Place;
use super::{Joined, Key, Ledger, Phase, Polled, Request, Start};
use crate::{CheckoutError, CreateError, Order, PoolConfig, Shedding};

/// Remembers that it was woken.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Debug)]
struct Waiter {
    seat: usize,
    flag: Arc<Flag>,
}

/// The world around a ledger: what borrowers, waiters and the keeper have in their hands.
struct World {
    ledger: Ledger<u64>,
    now: Instant,
    out: Vec<(Key, u64)>,
    waiters: Vec<Waiter>,
    away: Vec<(Key, u64)>,
    starts: Vec<Start>,
    /// Values that left by `After`, or were kept.
    gone: Vec<u64>,
    kept: Vec<u64>,
    /// The keeper was told and has not come yet.
    told: bool,
    /// The most members there may be: more than the terms say just after these were made smaller.
    most: usize,
    caller: &'static Location<'static>,
}

#[derive(Debug, Clone)]
enum Op {
    Take,
    Try,
    Join(Option<u16>),
    Rejoin(usize),
    Poll(usize),
    Leave(usize),
    GiveBack(usize),
    Discard(usize),
    Keep(usize),
    Die(usize),
    Pass(u16),
    Attend,
    Made(usize),
    Failed(usize),
    Resize(usize),
    Look(usize),
    Bring(usize, bool),
    Restart,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Take),
        1 => Just(Op::Try),
        4 => prop_oneof![Just(None), (0..300_u16).prop_map(Some)].prop_map(Op::Join),
        2 => any::<usize>().prop_map(Op::Rejoin),
        5 => any::<usize>().prop_map(Op::Poll),
        2 => any::<usize>().prop_map(Op::Leave),
        6 => any::<usize>().prop_map(Op::GiveBack),
        1 => any::<usize>().prop_map(Op::Discard),
        1 => any::<usize>().prop_map(Op::Keep),
        2 => any::<usize>().prop_map(Op::Die),
        3 => (0..150_u16).prop_map(Op::Pass),
        4 => Just(Op::Attend),
        5 => any::<usize>().prop_map(Op::Made),
        1 => any::<usize>().prop_map(Op::Failed),
        1 => (1..6_usize).prop_map(Op::Resize),
        1 => (1..4_usize).prop_map(Op::Look),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(which, keep)| Op::Bring(which, keep)),
        1 => Just(Op::Restart),
    ]
}

fn config() -> impl Strategy<Value = PoolConfig> {
    let ms = |most: u64| (1..most).prop_map(Duration::from_millis);
    (
        (
            1..5_usize,
            0..3_usize,
            0..5_usize,
            any::<bool>(),
            1..4_usize,
        ),
        prop::option::of(ms(400)),
        prop::option::of(ms(200)),
        prop::option::of(ms(300)),
        prop::option::of((ms(20), ms(100))),
    )
        .prop_map(
            |((size, overflow, min_idle, fifo, starting), lifetime, idle, leak, shed)| PoolConfig {
                size,
                max_overflow: overflow,
                min_idle: Some(min_idle.min(size)),
                order: if fifo { Order::Fifo } else { Order::Lifo },
                max_starting: starting,
                max_lifetime: lifetime,
                idle_timeout: idle,
                check_interval: idle,
                leak_after: leak,
                shedding: shed.map(|(target, interval)| Shedding { target, interval }),
                backoff: Backoff::constant(Duration::from_millis(30)),
                ..PoolConfig::default()
            },
        )
}

impl World {
    fn new(config: PoolConfig) -> Self {
        let most = config.size + config.max_overflow;
        let mut world = Self {
            ledger: Ledger::new(config),
            now: Instant::now(),
            out: Vec::new(),
            waiters: Vec::new(),
            away: Vec::new(),
            starts: Vec::new(),
            gone: Vec::new(),
            kept: Vec::new(),
            told: false,
            most,
            caller: Location::caller(),
        };
        world.ledger.open(Phase::Warming);
        world.ledger.lend_from_now();
        world.settle();
        world
    }

    /// Carries out what is to be done after the lock.
    fn settle(&mut self) {
        let after = self.ledger.after();
        after.wake.into_iter().for_each(Waker::wake);
        if let Some(rest) = after.rest {
            rest.wake.into_iter().for_each(Waker::wake);
            self.told |= rest.tell;
            for _ in &rest.close {
                self.ledger.closed();
            }
            self.gone.extend(rest.close);
            self.gone.extend(rest.drop);
        }
    }

    fn join(&mut self, ticket: Option<u64>, timeout: Option<u16>) {
        let flag = Arc::new(Flag::default());
        let mut waker = Some(Waker::from(Arc::clone(&flag)));
        let deadline = timeout.map(|timeout| self.now + Duration::from_millis(timeout.into()));
        let request = Request {
            ticket,
            since: self.now,
            deadline,
            caller: self.caller,
        };
        match self.ledger.join(request, &mut waker, self.now) {
            Joined::Taken(taken) => self.out.push((taken.key, taken.value)),
            Joined::Refused(CheckoutError::Timeout { .. }) => assert_eq!(timeout, Some(0)),
            Joined::Refused(other) => panic!("refused by an open pool: {other}"),
            Joined::Seated(seat) => self.waiters.push(Waiter { seat, flag }),
        }
    }

    fn poll(&mut self, at: usize) {
        let waker = Waker::from(Arc::clone(&self.waiters[at].flag));
        let seat = self.waiters[at].seat;
        let mut spare = None;
        loop {
            match self
                .ledger
                .poll(seat, self.caller, &waker, &mut spare, self.now)
            {
                Polled::Done(outcome) => {
                    self.waiters.remove(at);
                    if let Ok(taken) = outcome {
                        self.out.push((taken.key, taken.value));
                    }
                    return;
                }
                Polled::Pending => return,
                Polled::OtherWaker => spare = Some(waker.clone()),
            }
        }
    }

    fn attend(&mut self) {
        self.told = false;
        let work = self.ledger.attend(self.now);
        self.starts.extend(work.starts);
        self.away.extend(work.checks);
        assert_eq!(work.next, self.ledger.alarm);
    }

    fn made(&mut self, start: Start) {
        self.ledger
            .started(start, start.id, None, self.now, u64::MAX / 3);
    }

    fn run(&mut self, op: &Op) {
        let (now, caller) = (self.now, self.caller);
        match *op {
            Op::Take => {
                if let Some(taken) = self.ledger.take(now, caller) {
                    self.out.push((taken.key, taken.value));
                }
            }
            Op::Try => match self.ledger.take(now, caller) {
                Some(taken) => self.out.push((taken.key, taken.value)),
                None => assert!(self.ledger.refusal(Duration::ZERO).is_timeout()),
            },
            Op::Join(timeout) => self.join(None, timeout),
            Op::Rejoin(which) => {
                // As after a check that failed: the member goes, and the borrower waits at its old place.
                if let Some((key, value)) = pick(&mut self.out, which) {
                    let ticket = self.ledger.line.next_ticket().saturating_sub(3);
                    let free = self.tickets().all(|(other, _)| other != ticket);
                    self.ledger.discard(key, value);
                    self.settle();
                    self.join(free.then_some(ticket), None);
                }
            }
            Op::Poll(which) => {
                if !self.waiters.is_empty() {
                    self.poll(which % self.waiters.len());
                }
            }
            Op::Leave(which) => {
                if let Some(waiter) = pick(&mut self.waiters, which) {
                    self.ledger.leave(waiter.seat, now);
                }
            }
            Op::GiveBack(which) => {
                if let Some((key, value)) = pick(&mut self.out, which) {
                    self.ledger.give_back(key, value, now);
                }
            }
            Op::Discard(which) => {
                if let Some((key, value)) = pick(&mut self.out, which) {
                    self.ledger.discard(key, value);
                }
            }
            Op::Keep(which) => {
                if let Some((key, value)) = pick(&mut self.out, which) {
                    // It may have died before: then there is nothing of it in the ledger.
                    self.ledger.detach(key);
                    self.kept.push(value);
                }
            }
            Op::Die(which) => {
                let mut keys: Vec<_> = self.ledger.members.iter().map(|(key, _)| key).collect();
                if let Some(key) = pick(&mut keys, which) {
                    assert!(self.ledger.died(key, &ExitReason::Killed, now));
                    assert!(!self.ledger.died(key, &ExitReason::Killed, now));
                }
            }
            Op::Pass(millis) => self.now += Duration::from_millis(millis.into()),
            Op::Attend => self.attend(),
            Op::Made(which) => {
                if let Some(start) = pick(&mut self.starts, which) {
                    self.made(start);
                }
            }
            Op::Failed(which) => {
                if let Some(start) = pick(&mut self.starts, which) {
                    self.ledger.start_failed(start, CreateError::Timeout, now);
                }
            }
            Op::Resize(size) => {
                self.ledger.resize(size);
                let there = self.ledger.members.len() + self.ledger.starting;
                self.most = there.max(self.ledger.capacity());
            }
            Op::Look(most) => {
                let away = self.ledger.take_away(most, |_| true);
                self.away.extend(away);
            }
            Op::Bring(which, keep) => {
                if let Some((key, value)) = pick(&mut self.away, which) {
                    self.ledger.bring_back(key, value, keep, now);
                }
            }
            Op::Restart => {
                self.ledger.shut();
                self.settle();
                assert_eq!(self.ledger.line.len(), 0, "all are told");
                for (key, value) in std::mem::take(&mut self.away) {
                    self.ledger.bring_back(key, value, false, now);
                }
                self.ledger.open(Phase::Warming);
                self.ledger.lend_from_now();
                // A keeper begins with a round.
                self.attend();
            }
        }
        self.settle();
    }

    /// Ticket and seat of each who waits.
    fn tickets(&self) -> impl Iterator<Item = (u64, usize)> {
        let line = &self.ledger.line;
        self.waiters
            .iter()
            .map(|waiter| (line.ticket_of(waiter.seat), waiter.seat))
    }

    fn waiting(&mut self) -> BTreeSet<u64> {
        let all: Vec<_> = self.tickets().collect();
        let waits = |(ticket, seat)| {
            matches!(self.ledger.line.seat(seat), Seat::Waiting { .. }).then_some(ticket)
        };
        all.into_iter().filter_map(waits).collect()
    }

    fn given(&mut self) -> BTreeSet<u64> {
        let all: Vec<_> = self.tickets().collect();
        let given = |(ticket, seat)| {
            matches!(self.ledger.line.seat(seat), Seat::Given { .. }).then_some(ticket)
        };
        all.into_iter().filter_map(given).collect()
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let waiting = self.waiting();
        let given = self.given().len();
        let ledger = &mut self.ledger;
        // 1. Each member is at one place, and each value in one hand.
        let mut values = HashSet::new();
        let (mut idle, mut out, mut away, mut handed) = (0, 0, 0, 0);
        for (key, member) in ledger.members.iter() {
            prop_assert_eq!(key.id, member.id);
            match member.place {
                Place::Idle => idle += 1,
                Place::Given { .. } => handed += 1,
                Place::Out { .. } => out += 1,
                Place::Away => away += 1,
            }
            let here = matches!(member.place, Place::Idle | Place::Given { .. });
            prop_assert_eq!(here, member.value.is_some());
            if let Some(value) = member.value {
                prop_assert!(values.insert(value), "{} is lent twice", value);
            }
            prop_assert_eq!(
                matches!(member.place, Place::Idle),
                ledger.idle.contains(&key)
            );
        }
        prop_assert_eq!(
            (idle, away, handed),
            (ledger.idle.len(), ledger.away, given)
        );
        prop_assert_eq!(out + handed, ledger.in_use());
        let hands = self.out.iter().chain(&self.away).map(|(_, value)| value);
        for value in hands.chain(&self.gone).chain(&self.kept) {
            prop_assert!(values.insert(*value), "{} is in two hands", value);
        }
        // 2. Nobody waits while a member is idle.
        prop_assert!(idle == 0 || waiting.is_empty());
        prop_assert_eq!(ledger.line.len(), waiting.len());
        // 3. There are not more than there may be.
        let there = ledger.members.len() + ledger.starting;
        self.most = self.most.min(there.max(ledger.capacity()));
        prop_assert!(there <= self.most, "{} of {}", there, self.most);
        // 4. Who has news was woken.
        for waiter in &self.waiters {
            let waits = matches!(ledger.line.seat(waiter.seat), Seat::Waiting { .. });
            prop_assert!(waits || waiter.flag.0.load(Ordering::SeqCst), "not woken");
        }
        // 5. For who waits a member is made where there is room, or soon will be.
        let room = ledger.capacity().saturating_sub(ledger.members.len());
        let enough = ledger.starting >= waiting.len().min(room).min(ledger.terms.max_starting);
        prop_assert!(enough || self.told || ledger.rests_until.is_some());
        let there = ledger.members.len() + ledger.starting;
        let ready = idle + away + ledger.starting >= ledger.min_idle();
        let full = there >= ledger.terms.size || ledger.starting >= ledger.terms.max_starting;
        prop_assert!(ready || full || self.told || ledger.rests_until.is_some());
        // 6. The keeper comes in time.
        if let Some(due) = ledger.next_due(self.now) {
            let alarm = ledger.alarm.is_some_and(|alarm| alarm <= due);
            prop_assert!(
                self.told || alarm,
                "due {:?}, alarm {:?}",
                due,
                ledger.alarm
            );
        }
        // 7. None is lost.
        let counts = ledger.counts;
        let gone = counts.crashed + counts.closed + counts.taken;
        prop_assert_eq!(counts.created, ledger.members.len() as u64 + gone);
        Ok(())
    }
}

fn pick<V>(of: &mut Vec<V>, which: usize) -> Option<V> {
    (!of.is_empty()).then(|| of.remove(which % of.len()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_invariants_hold(config in config(), ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new(config);
        for op in &ops {
            let (waited, had) = (world.waiting(), world.given());
            world.run(op);
            world.check()?;
            // First come, first served: who was given a member came before all who wait on. Only a death takes it away again.
            let (given, waiting) = (world.given(), world.waiting());
            if !matches!(op, Op::Die(_)) {
                for new in given.difference(&had) {
                    let overtaken = waited.intersection(&waiting).find(|other| *other < new);
                    prop_assert!(overtaken.is_none(), "{} before {:?}", new, overtaken);
                }
            }
        }
        // Then all is given back, and everything succeeds: who still waits is served, and the pool is as it should be.
        for (key, value) in std::mem::take(&mut world.out) {
            world.ledger.give_back(key, value, world.now);
            world.settle();
        }
        for round in 0..400 {
            if round < 360 {
                world.now += Duration::from_millis(40);
            }
            world.attend();
            world.settle();
            for start in std::mem::take(&mut world.starts) {
                world.made(start);
                world.settle();
            }
            for (key, value) in std::mem::take(&mut world.away) {
                world.ledger.bring_back(key, value, true, world.now);
                world.settle();
            }
            for at in (0..world.waiters.len()).rev() {
                world.poll(at);
                world.settle();
            }
            for (key, value) in std::mem::take(&mut world.out) {
                world.ledger.give_back(key, value, world.now);
                world.settle();
            }
            world.check()?;
        }
        prop_assert!(world.waiters.is_empty(), "somebody still waits");
        let ledger = &world.ledger;
        let ready = ledger.idle.len() + ledger.starting;
        prop_assert!(ready >= ledger.min_idle(), "{} of {}", ready, ledger.min_idle());
        prop_assert!(ledger.members.len() <= ledger.terms.size);
    }
}

#[test]
fn a_line_that_was_long_gives_its_memory_back() {
    let mut world = World::new(PoolConfig {
        size: 1,
        ..PoolConfig::default()
    });
    for _ in 0..100_000 {
        world.join(None, None);
    }
    let now = world.now;
    for waiter in std::mem::take(&mut world.waiters).into_iter().rev() {
        world.ledger.leave(waiter.seat, now);
    }
    assert_eq!(world.ledger.line.room(), 0);
}

#[test]
fn waiters_that_leave_behind_one_that_stays_leave_nothing_behind() {
    let mut world = World::new(PoolConfig {
        size: 1,
        ..PoolConfig::default()
    });
    world.join(None, None);
    for _ in 0..100_000 {
        world.join(None, None);
        let waiter = world.waiters.pop().expect("it waits");
        world.ledger.leave(waiter.seat, world.now);
        world.settle();
    }
    assert!(
        world.ledger.line.room() < 200,
        "{}",
        world.ledger.line.room()
    );
}

#[test]
fn the_end_of_a_member_is_awaited_while_it_is_the_pools() {
    let mut world = World::new(PoolConfig {
        size: 2,
        ..PoolConfig::default()
    });
    world.attend();
    for start in std::mem::take(&mut world.starts) {
        world.made(start);
    }
    let (now, caller) = (world.now, world.caller);
    let taken = world.ledger.take(now, caller).expect("it is idle");
    assert!(world.ledger.awaits_end(taken.key));
    world.ledger.detach(taken.key);
    assert!(!world.ledger.awaits_end(taken.key), "it is the borrower's");
    let taken = world.ledger.take(now, caller).expect("it is idle");
    world.ledger.bury(taken.key);
    assert!(world.ledger.awaits_end(taken.key), "it is to be told yet");
    assert!(world.ledger.died(taken.key, &ExitReason::Killed, now));
    assert!(!world.ledger.awaits_end(taken.key));
}
