//! A dispatcher against a plain model: every delivery says what happens to it, and the model says how and when it ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use patterns_behaviour::{DispatcherConfig, GaveUp};
use proptest::prelude::*;
use testing::{ms, quiet, settle};
use tokio::time::Instant;

use crate::support::{
    Deed, Parcel, Port, PortTicket, Scripted, assert_lawful, config, counting, let_pass, ports_with,
};

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Succeed),
        3 => Just(Deed::Fail),
        1 => Just(Deed::Panic),
        1 => Just(Deed::Die),
        1 => Just(Deed::Hang),
        2 => (1..80_u64).prop_map(Deed::Take),
    ]
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
}

/// How a delivery ends, with the number of attempts, and the moment.
type End = (Result<u32, (u32, GaveUp)>, Duration);

const REST: Duration = ms(10);
const ATTEMPT: Duration = ms(50);

/// Plays deliveries through that all come at the same time: one after the other, for there is one worker.
fn model(parcels: &[Vec<Deed>], max_attempts: u32, limit: Option<Duration>) -> Vec<End> {
    let mut now = Duration::ZERO;
    let mut ends = Vec::new();
    for deeds in parcels {
        let mut deeds: VecDeque<_> = deeds.iter().collect();
        let mut attempts = 0;
        let end = loop {
            let left = limit.map(|limit| limit.saturating_sub(now));
            if left == Some(Duration::ZERO) {
                break Err((attempts, GaveUp::NoTime));
            }
            let allowed = left.map_or(ATTEMPT, |left| left.min(ATTEMPT));
            attempts += 1;
            let (took, is_done) = match deeds.pop_front() {
                None | Some(Deed::Succeed | Deed::PanicInDrop) => (Duration::ZERO, true),
                Some(Deed::Take(millis)) if ms(*millis) <= allowed => (ms(*millis), true),
                Some(Deed::Take(_) | Deed::Hang) => (allowed, false),
                Some(Deed::Fail | Deed::Panic | Deed::Die) => (Duration::ZERO, false),
            };
            now += took;
            if is_done {
                break Ok(attempts);
            }
            if attempts == max_attempts {
                break Err((attempts, GaveUp::Exhausted));
            }
            if limit.is_some_and(|limit| limit.saturating_sub(now) <= REST) {
                break Err((attempts, GaveUp::NoTime));
            }
            now += REST;
        };
        ends.push((end, now));
    }
    ends
}

async fn seen(ticket: PortTicket, begun: Instant) -> End {
    let end = ticket
        .await
        .map(|delivered| delivered.attempts)
        .map_err(|letter| (letter.attempts, letter.gave_up));
    (end, begun.elapsed())
}

#[derive(Debug, Clone)]
enum Op {
    Send(usize, Vec<Deed>),
    SendAll(Vec<Deed>),
    Add(usize),
    Remove(usize),
    Replace(usize),
    Kill(usize),
    KillDispatcher,
    Pass(u64),
}

fn op() -> impl Strategy<Value = Op> {
    let deeds = || prop::collection::vec(deed(), 0..4);
    prop_oneof![
        8 => (0..3_usize, deeds()).prop_map(|(name, deeds)| Op::Send(name, deeds)),
        1 => deeds().prop_map(Op::SendAll),
        2 => (0..3_usize).prop_map(Op::Add),
        1 => (0..3_usize).prop_map(Op::Remove),
        1 => (0..3_usize).prop_map(Op::Replace),
        2 => (0..3_usize).prop_map(Op::Kill),
        1 => Just(Op::KillDispatcher),
        4 => (1..100_u64).prop_map(Op::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_delivery_ends_as_the_model_says_and_when(
        parcels in prop::collection::vec(prop::collection::vec(deed(), 0..6), 1..20),
        max_attempts in 1..6_u32,
        limit in prop::option::of(1..400_u64),
    ) {
        quiet();
        runtime().block_on(async {
            let limit = limit.map(ms);
            let (hooks, delivered, dead) = counting();
            let config = DispatcherConfig {
                max_attempts,
                attempt_timeout: ATTEMPT,
                delivery_timeout: limit.unwrap_or(Duration::MAX),
                ..config()
            };
            let ports = ports_with(config, hooks).await;
            ports.add("a", Arc::new(Scripted::default())).unwrap();
            settle().await;
            let begun = Instant::now();
            let tickets: Vec<_> = parcels
                .iter()
                .enumerate()
                .map(|(id, deeds)| tokio::spawn(seen(ports.send("a", Parcel::new(id, deeds)).unwrap(), begun)))
                .collect();
            let mut ends = Vec::new();
            for ticket in tickets {
                ends.push(ticket.await.unwrap());
            }
            prop_assert_eq!(&ends, &model(&parcels, max_attempts, limit));
            let good = ends.iter().filter(|(end, _)| end.is_ok()).count();
            prop_assert_eq!((delivered.load(Ordering::SeqCst), dead.load(Ordering::SeqCst)), (good, ends.len() - good));
            assert_lawful(&ports);
            Ok(())
        })?;
    }

    /// Sends, removals, replacements, kills of workers and of the dispatcher in any order: whatever was accepted is reported once.
    #[test]
    fn whatever_happens_each_accepted_delivery_has_one_report(ops in prop::collection::vec(op(), 1..60), drains in any::<bool>()) {
        quiet();
        runtime().block_on(async {
            use otp_core::{Strategy, Supervisor};
            let (hooks, delivered, dead) = counting();
            let config = DispatcherConfig { max_waiting: 4, attempt_timeout: ATTEMPT, drain_timeout: ms(100), ..config() };
            let (child, ports) = patterns_behaviour::Dispatcher::child(
                "ports",
                config,
                hooks,
                |port: &Arc<dyn Port>, parcel: &Parcel| port.put(parcel),
            )
            .unwrap();
            let tree = Supervisor::new(Strategy::OneForOne).intensity(usize::MAX, ms(1)).child(child).start().await.unwrap();
            let mut scripted: Vec<Arc<Scripted>> = (0..3).map(|_| Arc::default()).collect();
            let name = |at: usize| ["a", "b", "c"][at];
            let (mut tickets, mut removals) = (Vec::new(), Vec::new());
            let mut sent = 0;
            for op in ops {
                match op {
                    Op::Send(to, deeds) => {
                        sent += 1;
                        tickets.extend(ports.send(name(to), Parcel::new(sent, &deeds)).ok());
                    }
                    Op::SendAll(deeds) => {
                        sent += 1;
                        let all = ports.send_all(&Parcel::new(sent, &deeds));
                        tickets.extend(all.into_iter().filter_map(|(_, ticket)| ticket.ok()));
                    }
                    Op::Add(at) => {
                        let _ = ports.add(name(at), Arc::clone(&scripted[at]) as Arc<dyn Port>);
                    }
                    Op::Remove(at) => {
                        let ports = ports.clone();
                        removals.push(tokio::spawn(async move { ports.remove(name(at)).await }));
                    }
                    Op::Replace(at) => {
                        scripted[at] = Arc::default();
                        let _ = ports.replace(name(at), Arc::clone(&scripted[at]) as Arc<dyn Port>);
                    }
                    Op::Kill(at) => {
                        if let Some(pid) = scripted[at].pid.lock().unwrap().take() {
                            pid.kill();
                        }
                    }
                    Op::KillDispatcher => {
                        if let Some(pid) = ports.pid() {
                            pid.kill();
                        }
                    }
                    Op::Pass(millis) => let_pass(ms(millis)).await,
                }
                assert_lawful(&ports);
            }
            if drains {
                let_pass(ms(60_000)).await;
            }
            tree.stop().await.unwrap();
            // Of one that was killed just before, the end of its workers is waited for by nobody.
            settle().await;
            for removal in removals {
                let _ = removal.await.unwrap();
            }
            let stats = ports.stats();
            prop_assert_eq!(stats.accepted, tickets.len() as u64);
            prop_assert_eq!((stats.waiting, stats.under_way), (0, 0));
            let (mut good, mut bad) = (0, 0);
            for ticket in tickets {
                match ticket.await {
                    Ok(_) => good += 1,
                    Err(letter) => {
                        bad += 1;
                        prop_assert!(!drains || letter.gave_up != GaveUp::Stopped || stats.stopped > 0);
                    }
                }
            }
            prop_assert_eq!((delivered.load(Ordering::SeqCst), dead.load(Ordering::SeqCst)), (good, bad));
            prop_assert_eq!((stats.delivered, stats.dead_letters()), (good as u64, bad as u64));
            let failures = stats.failed + stats.panicked + stats.timed_out + stats.interrupted;
            prop_assert_eq!(stats.attempts, stats.delivered + failures);
            Ok(())
        })?;
    }
}
