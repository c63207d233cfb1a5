//! Faults in odd places: in drops, in wakers, in floods, in a process that is killed in the middle.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use otp_core::{Strategy, Supervisor};
use parking_lot::Mutex;
use patterns_agent::{
    Agent, AgentConfig, AgentError, ExitReason, Reader, Statistics, StatisticsConfig, Validator,
};
use testing::{secs, settle};
use tokio::runtime::Builder;

use crate::support::{agent, fatal, restoring, soon};

/// Panics in its drop, unless a panic is on its way.
struct Mine;

impl Drop for Mine {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "in a drop");
    }
}

#[tokio::test]
async fn captured_values_that_panic_in_their_drop_cost_their_own_call_and_no_other() {
    let agent = restoring(0_u64).await;
    let _reader = agent.reader().await.unwrap();
    let mine = Mine;
    let told = agent.update(move |number| {
        let _mine = mine;
        *number += 1;
    });
    assert!(matches!(told.await, Err(AgentError::Panicked(_))));

    let mine = Mine;
    let late = agent.compare_and_update(99, move |_| drop(mine)).await;
    assert!(matches!(late, Err(AgentError::Conflict { current: 1 })));

    let mine = Mine;
    let found = agent.wait_for(move |_| {
        let _ = &mine;
        true
    });
    assert_eq!(found.await.unwrap(), 1);

    let mine = Mine;
    let view = agent.view(move |number| {
        let _ = &mine;
        *number
    });
    drop(view.await.unwrap());
    agent.update(|number| *number += 1).await.unwrap();
    assert_eq!((agent.version(), agent.info().panicked), (2, 1));

    let mine = Mine;
    let work = agent.update_async(move |number| async move {
        tokio::task::yield_now().await;
        let _mine = mine;
        number + 1
    });
    assert!(matches!(work.await, Err(AgentError::Panicked(_))));
    assert_eq!(agent.get(|number| *number).await.unwrap(), 1);
}

#[tokio::test]
async fn a_projection_whose_values_panic_in_their_drop_does_no_harm() {
    #[derive(Debug)]
    struct Loud(u64);
    impl PartialEq for Loud {
        fn eq(&self, other: &Self) -> bool {
            self.0 == other.0
        }
    }
    impl Drop for Loud {
        fn drop(&mut self) {
            assert!(std::thread::panicking() || self.0 == 9, "a loud drop");
        }
    }
    let agent = agent(0_u64).await;
    let mut view = agent.view(|number| Loud(*number)).await.unwrap();
    for number in [0, 1, 1, 2, 9] {
        agent.update(move |state| *state = number).await.unwrap();
    }
    assert_eq!(soon(view.recv()).await.unwrap().0, 9);
    assert_eq!((agent.info().panicked, agent.version()), (0, 6));
}

/// The first panic is told, whatever comes after it.
#[tokio::test]
async fn a_read_that_panics_is_the_reason_also_if_the_state_panics_in_its_drop() {
    struct Loud(Arc<AtomicBool>);
    impl Clone for Loud {
        fn clone(&self) -> Self {
            Self(Arc::clone(&self.0))
        }
    }
    impl Drop for Loud {
        fn drop(&mut self) {
            assert!(!self.0.load(Ordering::SeqCst), "a loud drop");
        }
    }
    for with_reader in [false, true] {
        let loud = Arc::new(AtomicBool::new(false));
        let agent = agent(Loud(Arc::clone(&loud))).await;
        let reader = match with_reader {
            true => Some(agent.reader().await.unwrap()),
            false => None,
        };
        loud.store(true, Ordering::SeqCst);
        let error = agent.get(|_| panic!("the read")).await.unwrap_err();
        assert_eq!(fatal(error), "the read");
        loud.store(false, Ordering::SeqCst);
        drop(reader);
    }
}

#[tokio::test]
async fn a_refused_state_and_its_result_may_panic_in_their_drops() {
    #[derive(Clone)]
    struct Loud(u64);
    impl Drop for Loud {
        fn drop(&mut self) {
            assert!(self.0 < 10 || std::thread::panicking(), "a loud drop");
        }
    }
    let config = AgentConfig {
        validator: Some(Validator::new(|loud: &Loud| match loud.0 {
            0..10 => Ok(()),
            _ => Err("too loud"),
        })),
        ..AgentConfig::default()
    };
    let agent = Agent::start_with(config, || Loud(1)).await.unwrap();
    let told = agent.get_and_update(|loud| {
        loud.0 = 10;
        Mine
    });
    assert!(matches!(told.await, Err(AgentError::Refused(_))));
    assert_eq!(agent.get(|loud| loud.0).await.unwrap(), 1);
}

/// What the drop of a torn state sees: no state any more.
#[tokio::test]
async fn a_torn_state_is_gone_before_it_is_dropped() {
    type Look = Arc<Mutex<Option<Reader<Curious>>>>;
    #[derive(Clone)]
    struct Curious(Look, Arc<AtomicBool>);
    impl Drop for Curious {
        fn drop(&mut self) {
            let reader = self.0.lock().take();
            if let Some(reader) = reader {
                let gone = matches!(reader.snapshot(), Err(AgentError::NoProc));
                self.1.store(gone, Ordering::SeqCst);
            }
        }
    }
    let (look, gone) = (Look::default(), Arc::new(AtomicBool::new(false)));
    let agent = agent(Curious(Arc::clone(&look), Arc::clone(&gone))).await;
    let reader = agent.reader().await.unwrap();
    *look.lock() = Some(reader.clone());
    let error = agent.update(|_| panic!("torn")).await.unwrap_err();
    assert_eq!(fatal(error), "torn");
    assert!(gone.load(Ordering::SeqCst));
}

struct Bad(AtomicUsize);

impl Wake for Bad {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        panic!("a bad waker");
    }
}

#[tokio::test]
async fn a_waker_that_panics_keeps_no_other_from_being_woken() {
    let agent = agent(0_u64).await;
    let reader = agent.reader().await.unwrap();
    let view = agent.view(|number| *number).await.unwrap();
    let bad = Arc::new(Bad(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&bad));
    // They are woken in the order in which they came: first the bad ones.
    let (mut first, mut second) = (reader.clone(), view.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(first.poll_recv(&mut cx).is_pending());
    assert!(second.poll_recv(&mut cx).is_pending());
    let (mut reader, mut view) = (reader.clone(), view.clone());
    let waiting = tokio::spawn(async move {
        let version = reader.recv().await.unwrap().version;
        (version, *view.recv().await.unwrap())
    });
    settle().await;
    agent.update(|number| *number = 5).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap(), (2, 5));
    assert_eq!(bad.0.load(Ordering::SeqCst), 2);
    assert_eq!(agent.get(|number| *number).await.unwrap(), 5);
}

#[tokio::test]
async fn who_drops_what_it_waits_with_leaves_no_waker_behind() {
    struct Idle;
    impl Wake for Idle {
        fn wake(self: Arc<Self>) {}
    }
    let agent = agent(0_u64).await;
    let idle = Arc::new(Idle);
    let waker = Waker::from(Arc::clone(&idle));
    for _ in 0..100 {
        let mut reader = agent.reader().await.unwrap();
        let mut view = agent.view(|number| *number).await.unwrap();
        let mut cx = Context::from_waker(&waker);
        assert!(reader.poll_recv(&mut cx).is_pending());
        assert!(reader.poll_recv(&mut cx).is_pending());
        assert!(view.poll_recv(&mut cx).is_pending());
        assert_eq!(Arc::strong_count(&idle), 4);
        drop((reader, view));
        assert_eq!(Arc::strong_count(&idle), 2, "ours, and the one it is in");
    }
}

#[tokio::test]
async fn ten_thousand_wait_and_each_is_told_of_its_own_version() {
    let agent = agent(0_u64).await.with_timeout(Duration::MAX);
    let waiting: Vec<_> = (0..10_000_u64)
        .map(|number| {
            let agent = agent.clone();
            let mine = 1 + number % 50;
            let wait = async move { (mine, agent.wait_for(move |state| *state == mine).await) };
            tokio::spawn(wait)
        })
        .collect();
    settle().await;
    agent.get(|_| ()).await.unwrap();
    for _ in 0..60 {
        agent.cast(|number| *number += 1).unwrap();
    }
    for waiting in waiting {
        let (mine, version) = soon(waiting).await.unwrap();
        assert_eq!(version.unwrap(), mine + 1);
    }
}

#[tokio::test]
async fn a_kill_in_the_middle_of_an_update_loses_that_one_and_what_waits_is_done_by_the_next() {
    let (child, agent) = Agent::child("log", AgentConfig::default(), || vec![0]);
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child);
    let tree = supervisor.start().await.unwrap();
    let mut reader = agent.reader().await.unwrap();
    let held = reader.snapshot().unwrap();
    let half = agent.clone();
    let half = tokio::spawn(async move {
        half.update_async(|mut log| async move {
            log.push(1);
            let _captured = Mine;
            std::future::pending::<Vec<u64>>().await
        })
        .await
    });
    let waiting = agent.clone();
    let waiting = tokio::spawn(async move { waiting.wait_for(|log| log.len() > 9).await });
    settle().await;
    agent.cast(|log| log.push(2)).unwrap();
    agent.pid().unwrap().kill();
    let told = soon(half).await.unwrap();
    assert!(matches!(told, Err(AgentError::Exited(_))), "{told:?}");
    assert_eq!(soon(agent.get(Vec::clone)).await.unwrap(), [0, 2]);
    let change = soon(reader.recv()).await.unwrap();
    assert!(change.version >= 2);
    assert_eq!((*held).clone(), [0]);
    assert_eq!(*reader.snapshot().unwrap(), [0, 2]);
    assert_eq!(
        agent.version(),
        3,
        "one for each first state, one for the cast"
    );
    // It had not begun when the first incarnation ended, so it is the next one's.
    assert!(!waiting.is_finished());
    agent.update(|log| log.extend(0..10)).await.unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 4);
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_whose_first_state_fails_once_keeps_readers_and_views() {
    let starts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&starts);
    let (child, agent) = Agent::child("flaky", AgentConfig::default(), move || {
        let start = count.fetch_add(1, Ordering::SeqCst);
        assert!(start != 1, "the second start");
        start
    });
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child);
    let tree = supervisor.start().await.unwrap();
    let mut reader = agent.reader().await.unwrap();
    let mut view = agent.view(|start| *start).await.unwrap();
    agent.cast(|_| panic!("crash")).unwrap();
    assert_eq!(*soon(reader.recv()).await.unwrap().state, 2);
    assert_eq!(*soon(view.recv()).await.unwrap(), 2);
    assert_eq!((agent.version(), starts.load(Ordering::SeqCst)), (2, 3));
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn a_mailbox_of_one_has_statistics_say_what_they_could_not_note() {
    let config = StatisticsConfig {
        mailbox_capacity: NonZeroUsize::new(1),
        ..StatisticsConfig::default()
    };
    let stats = Statistics::start_with(config).await.unwrap();
    for number in 0..10 {
        assert_eq!(stats.time_sync("work", || number), number);
    }
    assert!(matches!(stats.cast_add("hits", 1), Err(AgentError::Full)));
    let noted = stats.timing("work").await.unwrap().unwrap().count;
    assert_eq!((noted, noted + stats.unrecorded()), (1, 10));
}

#[test]
fn ten_thousand_casts_from_threads_without_a_runtime_are_all_there() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build();
    let runtime = runtime.unwrap();
    let agent = runtime.block_on(agent(0_u64));
    let reader = runtime.block_on(agent.reader()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_500 {
                    agent.cast(|number| *number += 1).unwrap();
                    let _ = reader.snapshot().unwrap();
                }
            });
        }
    });
    assert_eq!(
        runtime.block_on(agent.get(|number| *number)).unwrap(),
        10_000
    );
    assert_eq!(
        (*reader.snapshot().unwrap(), agent.version()),
        (10_000, 10_001)
    );
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_and_all_the_time_there_is_are_time_outs() {
    let agent = agent(0_u64).await;
    let none = agent.with_timeout(Duration::ZERO);
    let endless = agent.with_timeout(Duration::MAX);
    for _ in 0..20 {
        // In time or not, it is an answer; and in any case it is done once.
        let told = none.update(|number| *number += 1).await;
        assert!(matches!(told, Ok(()) | Err(AgentError::Timeout)));
    }
    assert_eq!(endless.get(|number| *number).await.unwrap(), 20);
    let slow = endless.update_async(|number| async move {
        tokio::time::sleep(secs(10_000_000)).await;
        number + 1
    });
    slow.await.unwrap();
    assert_eq!(endless.get(|number| *number).await.unwrap(), 21);
}

#[tokio::test]
async fn a_call_that_is_told_of_the_end_has_not_changed_what_comes_after() {
    let (child, agent) = Agent::child("n", AgentConfig::default(), || 0_u64);
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child);
    let tree = supervisor.start().await.unwrap();
    agent.update(|number| *number = 1).await.unwrap();
    let pid = agent.pid().unwrap();
    {
        let mut call = pin!(agent.update(|number| *number += 10));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(call.as_mut().poll(&mut cx).is_pending());
        pid.exit(ExitReason::Kill);
        // Accepted and not begun: the next incarnation does it, on its own first state.
        soon(call).await.unwrap();
    }
    assert_eq!(agent.get(|number| *number).await.unwrap(), 10);
    tree.stop().await.unwrap();
}
