//! What listeners are told.

use otp_core::{Inbox, inbox};
use patterns_registry::{Pid, RegistryConfig, WorkerEvent};
use testing::{quiet, settle};

use crate::support::{Init, Msg, Workers, World, registry};

fn listener(registry: &Workers) -> Inbox<WorkerEvent<String>> {
    let (address, inbox) = inbox();
    registry.listen(address.recipient());
    inbox
}

/// What has been told so far, in words.
async fn told(inbox: &mut Inbox<WorkerEvent<String>>) -> Vec<String> {
    settle().await;
    let mut told = Vec::new();
    while let Ok(Some(event)) = tokio::time::timeout(std::time::Duration::ZERO, inbox.recv()).await
    {
        told.push(match event {
            WorkerEvent::Registered { key, .. } => format!("registered {key}"),
            WorkerEvent::Restarted { key, restarts, .. } => format!("restarted {key} {restarts}"),
            WorkerEvent::Unregistered { key, .. } => format!("unregistered {key}"),
            _ => "something else".to_owned(),
        });
    }
    told
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_worker_is_told_in_order() {
    quiet();
    let registry = registry().await;
    let mut events = listener(&registry);
    registry.start_worker("a").await.unwrap();
    registry.cast("a", Msg::Crash).await.unwrap();
    settle().await;
    registry.cast("a", Msg::Crash).await.unwrap();
    settle().await;
    registry.stop_worker("a").await.unwrap();
    assert_eq!(
        told(&mut events).await,
        [
            "registered a",
            "restarted a 1",
            "restarted a 2",
            "unregistered a"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_did_not_start_is_not_told_of() {
    let world = World::with(|_, _| Init::Fail);
    let registry = world.registry(RegistryConfig::default()).await;
    let mut events = listener(&registry);
    assert!(registry.start_worker("a").await.is_err());
    assert_eq!(told(&mut events).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_events_name_the_processes() {
    let registry = registry().await;
    let mut events = listener(&registry);
    let worker = registry.start_worker("a").await.unwrap().into_server();
    let first = worker.pid().unwrap();
    registry.crash_worker("a").unwrap();
    worker.call(Msg::Total).await.unwrap();
    let second = worker.pid().unwrap();
    registry.stop_worker("a").await.unwrap();

    let key = "a".to_owned();
    let expected: [(&str, Pid); 3] = [
        ("registered", first),
        ("restarted", second.clone()),
        ("unregistered", second),
    ];
    for (what, process) in expected {
        let (told, named, of) = match events.recv().await.unwrap() {
            WorkerEvent::Registered { key, pid } => ("registered", pid, key),
            WorkerEvent::Restarted { key, pid, .. } => ("restarted", pid, key),
            WorkerEvent::Unregistered { key, pid } => ("unregistered", pid, key),
            _ => ("other", process.clone(), key.clone()),
        };
        assert_eq!((told, named, of), (what, process, key.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_has_ended_is_forgotten_and_others_hear_on() {
    let registry = registry().await;
    let first = listener(&registry);
    let mut second = listener(&registry);
    drop(first);
    registry.start_worker("a").await.unwrap();
    registry.start_worker("b").await.unwrap();
    assert_eq!(told(&mut second).await, ["registered a", "registered b"]);
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_use_the_registry_and_its_panic_harms_nobody() {
    struct Seen(Workers, String);
    enum Word {
        Looked(bool),
    }
    impl From<(Workers, String)> for Seen {
        fn from((registry, key): (Workers, String)) -> Self {
            Self(registry, key)
        }
    }
    quiet();
    static REGISTRY: std::sync::OnceLock<std::sync::Mutex<Option<Workers>>> =
        std::sync::OnceLock::new();
    impl From<WorkerEvent<String>> for Word {
        fn from(event: WorkerEvent<String>) -> Self {
            let registry = REGISTRY.get().unwrap().lock().unwrap().clone().unwrap();
            match event {
                WorkerEvent::Registered { key, .. } => {
                    let Seen(registry, key) = Seen::from((registry, key));
                    Self::Looked(registry.lookup(&key).is_some())
                }
                _ => panic!("as told"),
            }
        }
    }
    let registry = registry().await;
    REGISTRY
        .get_or_init(Default::default)
        .lock()
        .unwrap()
        .replace(registry.clone());
    let (address, mut words) = inbox::<Word>();
    registry.listen(address.recipient());
    registry.start_worker("a").await.unwrap();
    assert!(matches!(words.recv().await, Some(Word::Looked(true))));
    // It panics in the supervisor's process, and in the worker's.
    let other = registry.start_worker("b").await.unwrap().into_server();
    registry.crash_worker("a").unwrap();
    settle().await;
    registry.stop_worker("a").await.unwrap();
    assert!(other.is_alive());
    assert_eq!((registry.worker_count(), registry.info().restarted), (1, 1));
    REGISTRY.get().unwrap().lock().unwrap().take();
}

/// Keeps what it is told.
struct Log(tokio::sync::mpsc::UnboundedSender<WorkerEvent<String>>);

impl otp_core::GenServer for Log {
    type Msg = WorkerEvent<String>;

    async fn handle(
        &mut self,
        event: Self::Msg,
        _: &mut otp_core::Context<Self::Msg>,
    ) -> Result<(), otp_core::ExitReason> {
        let _ = self.0.send(event);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_by_its_next_incarnation_of_what_happens_while_it_does_not_run() {
    let registry = registry().await;
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let child = otp_core::Child::server("log", move || Log(keep.clone()));
    registry.listen(child.server_ref().recipient());
    registry.start_worker("a").await.unwrap();
    registry.start_worker("b").await.unwrap();
    let tree = otp_core::Supervisor::new(otp_core::Strategy::OneForOne).child(child);
    let tree = tree.start().await.unwrap();
    tree.stop().await.unwrap();
    let mut keys = Vec::new();
    while let Ok(WorkerEvent::Registered { key, .. }) = kept.try_recv() {
        keys.push(key);
    }
    assert_eq!(keys, ["a", "b"]);
}
