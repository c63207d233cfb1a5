//! A user's code that uses the agent from where the agent runs it: no lock is held, so nothing hangs.

use std::cell::RefCell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use parking_lot::Mutex;
use patterns_agent::{
    Agent, AgentConfig, AgentError, ConfigStore, ConfigStoreConfig, OnPanic, Reader, Validator,
};
use testing::settle;

use crate::support::{agent, soon};

/// A state whose clone, comparison and drop run what they are told to.
struct Hooked {
    number: u64,
    hook: Arc<Mutex<Option<Hook>>>,
}

type Hook = Arc<dyn Fn(&str, u64) + Send + Sync>;

impl Hooked {
    fn new(hook: &Arc<Mutex<Option<Hook>>>) -> Self {
        Self {
            number: 0,
            hook: Arc::clone(hook),
        }
    }

    fn run(&self, from: &str) {
        let hook = self.hook.lock().clone();
        if let Some(hook) = hook {
            hook(from, self.number);
        }
    }
}

impl Clone for Hooked {
    fn clone(&self) -> Self {
        self.run("clone");
        Self {
            number: self.number,
            hook: Arc::clone(&self.hook),
        }
    }
}

impl PartialEq for Hooked {
    fn eq(&self, other: &Self) -> bool {
        self.run("eq");
        self.number == other.number
    }
}

impl Drop for Hooked {
    fn drop(&mut self) {
        self.run("drop");
    }
}

#[tokio::test]
async fn clones_drops_comparisons_and_validators_may_use_the_agent() {
    let hook = Arc::new(Mutex::new(None));
    for restores in [false, true] {
        let state = Hooked::new(&hook);
        let config = AgentConfig {
            on_panic: match restores {
                true => OnPanic::Restore(Clone::clone),
                false => OnPanic::Stop,
            },
            validator: restores.then(|| {
                Validator::new(|state: &Hooked| {
                    state.run("check");
                    Ok::<_, String>(())
                })
            }),
            ..AgentConfig::default()
        };
        let agent = Agent::start_with(config, move || state).await.unwrap();
        let reader = agent.reader().await.unwrap();
        let view = agent.view(Hooked::clone).await.unwrap();
        let ran = Arc::new(Mutex::new(Vec::new()));
        let inner: Hook = Arc::new({
            let (agent, reader, view, ran) = (
                agent.clone(),
                reader.clone(),
                view.clone(),
                Arc::clone(&ran),
            );
            move |from, _| {
                let seen = reader.snapshot().unwrap();
                assert!(view.get().number <= seen.number);
                agent.cast(|_| ()).unwrap();
                drop(reader.clone());
                assert!(agent.version() > 0 && agent.info().panicked == 0);
                ran.lock().push(from.to_owned());
            }
        });
        *hook.lock() = Some(inner);
        let held = reader.snapshot().unwrap();
        agent.update(|state| state.number += 1).await.unwrap();
        drop(held);
        agent.update(|state| state.number += 1).await.unwrap();
        *hook.lock() = None;
        settle().await;
        let ran = std::mem::take(&mut *ran.lock());
        for from in ["clone", "drop", "eq"] {
            assert!(ran.iter().any(|one| one == from), "{from} in {ran:?}");
        }
        assert_eq!(ran.iter().any(|one| one == "check"), restores);
        assert_eq!(agent.get(|state| state.number).await.unwrap(), 2);
        assert_eq!(agent.info().panicked, 0);
    }
}

#[tokio::test]
async fn closures_predicates_and_projections_may_send_to_the_agent() {
    let agent = agent(0_u64).await;
    let sender = agent.clone();
    let mut view = agent
        .view(move |number| {
            if *number == 111 {
                sender.cast(|number| *number += 1_000).unwrap();
            }
            *number
        })
        .await
        .unwrap();
    let (waiting, sender) = (agent.clone(), agent.clone());
    let waiting = tokio::spawn(async move {
        let found = waiting.wait_for(move |number| {
            if *number == 11 {
                sender.cast(|number| *number += 100).unwrap();
            }
            *number == 1_111
        });
        found.await
    });
    settle().await;
    let sender = agent.clone();
    agent
        .update(move |number| {
            *number = 1;
            sender.cast(|number| *number += 10).unwrap();
        })
        .await
        .unwrap();
    assert_eq!(soon(waiting).await.unwrap().unwrap(), 5);
    assert_eq!(*soon(view.recv()).await.unwrap(), 1_111);
}

#[tokio::test]
async fn a_closure_that_drops_the_last_reader_leaves_an_agent_that_works() {
    let agent = agent(0_u64).await;
    for round in 1..=20 {
        let reader = agent.reader().await.unwrap();
        agent
            .update(move |number| {
                *number += 1;
                drop(reader);
            })
            .await
            .unwrap();
        assert_eq!(
            agent.get_versioned(|n| *n).await.unwrap(),
            (round + 1, round)
        );
    }
}

thread_local! {
    /// What a key's hash runs, on this thread.
    static ON_HASH: RefCell<Option<Box<dyn FnMut()>>> = const { RefCell::new(None) };
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Key(u8);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let hook = ON_HASH.with(|hook| hook.borrow_mut().take());
        if let Some(mut hook) = hook {
            hook();
        }
        self.0.hash(state);
    }
}

struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn who_polls_while_the_state_is_out_is_woken_when_it_comes_back_unchanged() {
    let config = ConfigStoreConfig {
        max_entries: std::num::NonZeroUsize::new(1),
        ..ConfigStoreConfig::default()
    };
    let store = ConfigStore::start_with(config, [(Key(1), 1)])
        .await
        .unwrap();
    let reader: Arc<Mutex<Reader<_>>> = Arc::new(Mutex::new(store.reader().clone()));
    store.put(Key(1), 2).await.unwrap(); // not seen by the reader
    let woken = Arc::new(Counting(AtomicUsize::new(0)));
    let (polled, waker) = (Arc::clone(&reader), Waker::from(Arc::clone(&woken)));
    let was_pending = Arc::new(AtomicUsize::new(0));
    let pending = Arc::clone(&was_pending);
    ON_HASH.with(|hook| {
        *hook.borrow_mut() = Some(Box::new(move || {
            let poll = polled.lock().poll_recv(&mut Context::from_waker(&waker));
            pending.fetch_add(usize::from(poll.is_pending()), Ordering::SeqCst);
        }));
    });
    let refused = store.put(Key(2), 3).await.unwrap_err();
    assert!(matches!(refused, AgentError::Refused(_)));
    assert_eq!(was_pending.load(Ordering::SeqCst), 1, "the state was out");
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    let change = reader
        .lock()
        .poll_recv(&mut Context::from_waker(Waker::noop()));
    assert!(change.is_ready());
}
