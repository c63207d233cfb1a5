//! A dispatcher below a supervisor of the user's.

use std::sync::{Arc, Mutex, OnceLock};

use otp_core::{Strategy, Supervisor, SupervisorRef};
use patterns_behaviour::{
    AddError, BoxFuture, Dispatcher, DispatcherConfig, GaveUp, Hooks, SendError,
};
use testing::{ms, quiet, secs, settle};
use tokio::time::Instant;

use crate::support::{Deed, Parcel, Port, Ports, Scripted, assert_lawful, config, let_pass};

/// A dispatcher with one implementation, and the supervisor that will run it.
fn child(config: DispatcherConfig) -> (Supervisor, Ports, Arc<Scripted>) {
    let (child, ports) = Dispatcher::child(
        "ports",
        config,
        Hooks::new(),
        |port: &Arc<dyn Port>, parcel: &Parcel| port.put(parcel),
    )
    .unwrap();
    let port = Arc::new(Scripted::default());
    ports.add("a", Arc::clone(&port) as Arc<dyn Port>).unwrap();
    (
        Supervisor::new(Strategy::OneForOne).child(child),
        ports,
        port,
    )
}

async fn started(config: DispatcherConfig) -> (SupervisorRef, Ports, Arc<Scripted>) {
    let (supervisor, ports, port) = child(config);
    (supervisor.start().await.unwrap(), ports, port)
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_before_the_start_waits_for_it() {
    let (supervisor, ports, port) = child(config());
    let ticket = ports.send("a", Parcel::new(1, &[])).unwrap();
    settle().await;
    assert!(!ports.info().is_running && ports.pid().is_none());
    let tree = supervisor.start().await.unwrap();
    assert_eq!(ticket.await.unwrap().value, 1);
    assert!(ports.info().is_running);
    ports.add("b", Arc::new(Scripted::default())).unwrap();
    ports.deliver("b", Parcel::new(2, &[])).await.unwrap();
    tree.stop().await.unwrap();
    assert_eq!(*port.done.lock().unwrap(), [1]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_never_started_reports_what_it_had() {
    let (supervisor, ports, _) = child(config());
    let ticket = ports.send("a", Parcel::new(1, &[])).unwrap();
    let other = ports.send("a", Parcel::new(2, &[])).unwrap();
    drop(supervisor);
    assert_eq!(ticket.await.unwrap_err().gave_up, GaveUp::Stopped);
    assert_eq!(other.await.unwrap_err().attempts, 0);
    assert!(matches!(
        ports.send("a", Parcel::new(3, &[])),
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        ports.add("b", Arc::new(Scripted::default())),
        Err(AddError::Closed(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_started_can_be_removed_from() {
    let (supervisor, ports, _) = child(config());
    let ticket = ports.send("a", Parcel::new(1, &[])).unwrap();
    ports.remove("a").await.unwrap();
    assert_eq!(ticket.await.unwrap_err().gave_up, GaveUp::Stopped);
    let tree = supervisor.start().await.unwrap();
    assert!(ports.names().is_empty());
    tree.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_killed_one_goes_on_with_what_it_had_accepted_in_order() {
    let (tree, ports, port) = started(config()).await;
    ports.add("b", Arc::new(Scripted::default())).unwrap();
    let tickets: Vec<_> = (0..6)
        .map(|id| ports.send("a", Parcel::new(id, &[Deed::Take(50)])).unwrap())
        .collect();
    let_pass(ms(120)).await;
    for _ in 0..3 {
        ports.pid().unwrap().kill();
        // Accepted also while it is being restarted.
        ports.send("b", Parcel::new(9, &[])).unwrap();
        settle().await;
    }
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(*port.done.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert_eq!(
        port.most_at_once.load(std::sync::atomic::Ordering::SeqCst),
        1,
        "never two workers on one seat"
    );
    settle().await;
    assert_eq!(ports.stats().delivered, 9);
    assert_lawful(&ports);
    tree.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_stops_it_in_order() {
    let (tree, ports, _) = started(config()).await;
    let quick = ports
        .send("a", Parcel::new(1, &[Deed::Take(1_000)]))
        .unwrap();
    let hangs = ports.send("a", Parcel::new(2, &[Deed::Hang])).unwrap();
    settle().await;
    let begun = Instant::now();
    tree.stop().await.unwrap();
    assert_eq!(begun.elapsed(), secs(5));
    assert!(quick.await.is_ok());
    assert_eq!(hangs.await.unwrap_err().gave_up, GaveUp::Stopped);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_stopped_and_started_again_accepts_again() {
    let (tree, ports, port) = started(config()).await;
    ports.deliver("a", Parcel::new(1, &[])).await.unwrap();
    let hangs = ports.send("a", Parcel::new(8, &[Deed::Hang; 5])).unwrap();
    let waits = ports.send("a", Parcel::new(9, &[])).unwrap();
    tree.terminate_child("ports").await.unwrap();
    // Reported though the supervisor may start it again.
    assert_eq!(hangs.await.unwrap_err().gave_up, GaveUp::Stopped);
    assert_eq!(waits.await.unwrap_err().gave_up, GaveUp::Stopped);
    assert!(matches!(
        ports.send("a", Parcel::new(2, &[])),
        Err(SendError::Closed(_))
    ));
    tree.restart_child("ports").await.unwrap();
    ports.deliver("a", Parcel::new(3, &[])).await.unwrap();
    // Also with the stop of the dispatcher's own: its supervisor starts it again.
    ports.stop_now().await.unwrap();
    settle().await;
    ports.deliver("a", Parcel::new(4, &[])).await.unwrap();
    // That one was in a hurry; the next stop is not.
    let takes = Parcel::new(5, &[Deed::Take(100)]);
    let works = ports.send("a", takes).unwrap();
    settle().await;
    tree.stop().await.unwrap();
    assert!(works.await.is_ok());
    assert_eq!(*port.done.lock().unwrap(), [1, 3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn its_workers_stand_in_the_tree_by_name() {
    let (tree, ports, _) = started(config()).await;
    let route = patterns_behaviour::Route::to(Arc::new(Scripted::default()) as Arc<dyn Port>);
    ports
        .add_route(
            "many",
            route.config(DispatcherConfig {
                workers: 2,
                ..config()
            }),
        )
        .unwrap();
    settle().await;
    let workers: Vec<_> = ports
        .info()
        .routes
        .iter()
        .map(|route| (route.name.to_string(), route.workers))
        .collect();
    assert_eq!(workers, [("a".to_owned(), 1), ("many".to_owned(), 2)]);
    tree.stop().await.unwrap();
    let workers: Vec<_> = ports
        .info()
        .routes
        .iter()
        .map(|route| route.workers)
        .collect();
    assert_eq!(workers, [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_removal_under_way_survives_a_crash_of_the_dispatcher() {
    let (tree, ports, port) = started(config()).await;
    let tickets: Vec<_> = (0..4)
        .map(|id| ports.send("a", Parcel::new(id, &[Deed::Take(50)])).unwrap())
        .collect();
    settle().await;
    let other = ports.clone();
    let removal = tokio::spawn(async move { other.remove("a").await });
    let_pass(ms(70)).await;
    ports.pid().unwrap().kill();
    settle().await;
    assert!(
        matches!(
            ports.send("a", Parcel::new(9, &[])),
            Err(SendError::Closed(_))
        ),
        "it is not opened again"
    );
    removal.await.unwrap().unwrap();
    for ticket in tickets {
        ticket.await.unwrap();
    }
    assert_eq!(*port.done.lock().unwrap(), [0, 1, 2, 3]);
    assert!(ports.names().is_empty());
    tree.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_below_a_supervisor_does_not_end_with_the_last_handle() {
    let (tree, ports, _) = started(config()).await;
    let pid = ports.pid().unwrap();
    let ticket = ports.send("a", Parcel::new(1, &[Deed::Take(100)])).unwrap();
    drop(ports);
    let_pass(secs(1)).await;
    assert!(pid.is_alive() && ticket.await.is_ok());
    tree.stop().await.unwrap();
    assert!(!pid.is_alive());
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_a_stop_overtakes_ends_with_the_process() {
    type Sinks = Dispatcher<str, (), (), String>;
    let known: Arc<OnceLock<Sinks>> = Arc::default();
    let removal = Arc::new(Mutex::new(None));
    let (one, two) = (Arc::clone(&known), Arc::clone(&removal));
    // The dispatcher has just given up what waited, and has workers to end, when one of them is removed.
    let hooks = Hooks::new().on_dead_letter(move |_| {
        let sinks = one.get().unwrap().clone();
        two.lock()
            .unwrap()
            .get_or_insert_with(|| tokio::spawn(async move { sinks.remove("a").await }));
    });
    let config = DispatcherConfig {
        drain_timeout: ms(0),
        ..config()
    };
    let (child, sinks) = Dispatcher::child("sinks", config, hooks, |_: &Arc<str>, (): &()| {
        Box::pin(std::future::pending()) as BoxFuture<'_, Result<(), String>>
    })
    .unwrap();
    let _ = known.set(sinks.clone());
    sinks.add("a", Arc::from("a")).unwrap();
    let tree = Supervisor::new(Strategy::OneForOne).child(child);
    let tree = tree.start().await.unwrap();
    settle().await;
    let tickets = [sinks.send("a", ()).unwrap(), sinks.send("a", ()).unwrap()];
    settle().await;
    tree.terminate_child("sinks").await.unwrap();
    settle().await;
    let removal = removal.lock().unwrap().take().unwrap();
    assert!(removal.is_finished(), "no process will come to do it");
    removal.await.unwrap().unwrap();
    for ticket in tickets {
        assert_eq!(ticket.await.unwrap_err().gave_up, GaveUp::Stopped);
    }
    assert!(sinks.names().is_empty());
    tree.restart_child("sinks").await.unwrap();
    assert!(sinks.send("a", ()).is_err());
    tree.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn panics_of_implementations_never_reach_the_users_supervisor() {
    quiet();
    let (tree, ports, _) = started(DispatcherConfig {
        max_attempts: 1,
        ..config()
    })
    .await;
    let pid = ports.pid().unwrap();
    for id in 0..100 {
        assert!(
            ports
                .deliver("a", Parcel::new(id, &[Deed::Panic]))
                .await
                .is_err()
        );
    }
    assert_eq!(ports.pid(), Some(pid));
    tree.stop().await.unwrap();
}
