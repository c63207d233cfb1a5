//! Below a supervisor: servers that come back, and the process of the pub/sub that does.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use otp_core::{Child, Restart, ServerRef, Strategy, Supervisor, SupervisorRef};
use patterns_pubsub::{PubSub, PubSubConfig, PubSubMsg, StopError};
use testing::{quiet, settle};

use crate::support::{Keeper, Msg, assert_adds_up};

struct World {
    pubsub: PubSub<u64>,
    process: ServerRef<PubSubMsg>,
    keeper: ServerRef<Msg>,
    starts: Arc<AtomicUsize>,
    tree: SupervisorRef,
}

async fn world() -> World {
    quiet();
    let starts = Arc::new(AtomicUsize::new(0));
    let (child, pubsub) = PubSub::child("pubsub", PubSubConfig::default()).unwrap();
    let process = child.server_ref();
    let counted = Arc::clone(&starts);
    let keeper =
        Child::server("keeper", move || Keeper::counted(&counted)).restart(Restart::Transient);
    let keeper_ref = keeper.server_ref();
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .child(keeper)
        .start()
        .await
        .unwrap();
    World {
        pubsub,
        process,
        keeper: keeper_ref,
        starts,
        tree,
    }
}

impl World {
    async fn restarted(&self, server: &ServerRef<impl Send + 'static>, how: impl FnOnce()) {
        let before = server.pid();
        how();
        while server.pid().is_none() || server.pid() == before {
            tokio::task::yield_now().await;
        }
        settle().await;
    }
}

#[tokio::test]
async fn a_supervised_subscriber_survives_its_restart() {
    let world = world().await;
    let World { pubsub, keeper, .. } = &world;
    pubsub.subscribe_server("a", keeper, Msg::Message).unwrap();
    pubsub.publish("a", 1).unwrap();
    world
        .restarted(keeper, || keeper.cast(Msg::Crash).unwrap())
        .await;
    assert_eq!(pubsub.publish("a", 2), Ok(1));
    assert_eq!(
        keeper.call(Msg::Seen).await.unwrap().0,
        [("a".to_owned(), 2)]
    );
    assert_eq!(world.starts.load(std::sync::atomic::Ordering::SeqCst), 2);
    assert_eq!(pubsub.subscribers("a")[0].pid(), keeper.pid().as_ref());
    // The new incarnation is no other server.
    assert_eq!(
        pubsub.subscribe_server("a", keeper, Msg::Message),
        Ok(false)
    );
    assert!(pubsub.unsubscribe_server("a", keeper));
    world.tree.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_published_while_it_is_down_waits_for_it() {
    let world = world().await;
    let World { pubsub, keeper, .. } = &world;
    pubsub.subscribe_server("a", keeper, Msg::Message).unwrap();
    keeper.cast(Msg::Crash).unwrap();
    let accepted: usize = (0..100)
        .map(|number| pubsub.publish("a", number).unwrap())
        .sum();
    assert_eq!(accepted, 100);
    settle().await;
    assert_eq!(keeper.call(Msg::Seen).await.unwrap().0.len(), 100);
    assert_adds_up(&pubsub.stats());
    world.tree.stop().await.unwrap();
}

#[tokio::test]
async fn one_that_has_ended_for_good_is_taken_out() {
    let world = world().await;
    let World {
        pubsub,
        keeper,
        tree,
        ..
    } = &world;
    pubsub.subscribe_server("a", keeper, Msg::Message).unwrap();
    settle().await;
    tree.terminate_child("keeper").await.unwrap();
    settle().await;
    // It may be started again, and the subscription waits for that.
    assert_eq!(
        (pubsub.publish("a", 1), pubsub.info().subscribers),
        (Ok(0), 1)
    );
    tree.restart_child("keeper").await.unwrap();
    assert_eq!(pubsub.publish("a", 2), Ok(1));
    assert_eq!(keeper.call(Msg::Seen).await.unwrap().0.len(), 1);
    tree.terminate_child("keeper").await.unwrap();
    tree.delete_child("keeper").await.unwrap();
    settle().await;
    assert_eq!(pubsub.info().subscribers, 0);
    world.tree.stop().await.unwrap();
}

#[tokio::test]
async fn a_restart_of_the_process_loses_nothing_and_watches_anew() {
    let world = world().await;
    let World {
        pubsub, process, ..
    } = &world;
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub.subscribe_server("a", &keeper, Msg::Message).unwrap();
    let subscription = pubsub.subscribe("a").unwrap();
    settle().await;
    let kill = || process.pid().unwrap().kill();
    world.restarted(process, kill).await;
    assert_eq!((pubsub.publish("a", 1), subscription.len()), (Ok(2), 1));
    assert_eq!(keeper.info().monitors, 1);
    keeper.stop().await.unwrap();
    settle().await;
    assert_eq!(pubsub.info().subscribers, 1);
    world.tree.stop().await.unwrap();
}

#[tokio::test]
async fn servers_that_subscribe_before_the_process_runs_are_watched_when_it_does() {
    let (child, pubsub) = PubSub::<u64>::child("pubsub", PubSubConfig::default()).unwrap();
    let keeper = otp_core::start(Keeper::new()).await.unwrap();
    pubsub.subscribe_server("a", &keeper, Msg::Message).unwrap();
    assert_eq!(pubsub.publish("a", 1), Ok(1));
    let tree = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await
        .unwrap();
    settle().await;
    assert_eq!(keeper.info().monitors, 1);
    keeper.stop().await.unwrap();
    settle().await;
    assert_eq!(pubsub.info().subscribers, 0);
    tree.stop().await.unwrap();
}

#[tokio::test]
async fn it_goes_on_when_the_supervisor_has_stopped() {
    let world = world().await;
    let subscription = world.pubsub.subscribe("a").unwrap();
    world.tree.stop().await.unwrap();
    assert_eq!(
        (world.pubsub.publish("a", 1), subscription.len()),
        (Ok(1), 1)
    );
    assert!(matches!(world.pubsub.stop().await, Err(StopError::NoProc)));
    assert!(world.pubsub.is_closed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_add_up_while_subscribers_crash() {
    let world = world().await;
    let World { pubsub, keeper, .. } = &world;
    pubsub
        .subscribe_server("a.*", keeper, Msg::Message)
        .unwrap();
    let mut delivered = 0;
    for number in 0..2_000 {
        delivered += pubsub.publish("a.b", number).unwrap() as u64;
        if number == 700 || number == 1_400 {
            keeper.cast(Msg::Crash).unwrap();
        }
        if number % 50 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(delivered, 2_000, "between two incarnations it is there too");
    keeper.call(Msg::Seen).await.unwrap();
    // Its length is counted down a little later than messages are taken out, on another thread.
    for _ in 0..10_000 {
        if keeper.info().mailbox_len == 0 {
            break;
        }
        tokio::task::yield_now().await;
    }
    let info = keeper.info();
    // Every one was begun by one of the incarnations; two crashes and this question came on top.
    assert_eq!((info.mailbox_len, info.dropped), (0, 0));
    let stats = pubsub.stats();
    assert_eq!((stats.delivered, stats.received), (2_000, 2_000));
    assert_adds_up(&stats);
    world.tree.stop().await.unwrap();
}
