//! The end of a dispatcher.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use patterns_behaviour::{AddError, DispatcherConfig, GaveUp, SendError, StopError};
use testing::{ms, secs, settle};
use tokio::time::Instant;

use crate::support::{
    Census, Deed, Parcel, Scripted, assert_lawful, config, counting, let_pass, one_port, ports_with,
};

#[tokio::test(start_paused = true)]
async fn a_stop_works_off_what_was_accepted_retries_included() {
    let (ports, port) = one_port(config()).await;
    let tickets: Vec<_> = (0..10)
        .map(|id| {
            ports
                .send("a", Parcel::new(id, &[Deed::Fail, Deed::Take(20)]))
                .unwrap()
        })
        .collect();
    let begun = Instant::now();
    ports.stop().await.unwrap();
    assert_eq!(begun.elapsed(), ms(10 * 30));
    for ticket in tickets {
        assert_eq!(ticket.await.unwrap().attempts, 2);
    }
    assert!(!port.pid.lock().unwrap().clone().unwrap().is_alive());
    assert_lawful(&ports);
}

#[tokio::test(start_paused = true)]
async fn when_a_stop_returns_all_is_reported() {
    let (hooks, delivered, dead) = counting();
    let ports = ports_with(
        DispatcherConfig {
            drain_timeout: ms(100),
            ..config()
        },
        hooks,
    )
    .await;
    for name in ["a", "b", "c"] {
        ports.add(name, Arc::new(Scripted::default())).unwrap();
    }
    for id in 0..30 {
        let deed = [Deed::Succeed, Deed::Take(30), Deed::Hang, Deed::Fail][id % 4];
        ports.send_all(&Parcel::new(id, &[deed; 5]));
    }
    ports.stop().await.unwrap();
    let seen = (
        delivered.load(Ordering::SeqCst),
        dead.load(Ordering::SeqCst),
    );
    assert_eq!(seen.0 + seen.1, 90);
    let stats = ports.stats();
    assert_eq!(
        (stats.delivered, stats.dead_letters()),
        (seen.0 as u64, seen.1 as u64)
    );
    assert!(seen.0 > 0 && seen.1 > 0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn an_ended_dispatcher_says_so() {
    let (ports, _) = one_port(config()).await;
    ports.stop().await.unwrap();
    assert!(matches!(
        ports.send("a", Parcel::new(1, &[])),
        Err(SendError::Closed(_))
    ));
    assert!(matches!(
        ports.add("b", Arc::new(Scripted::default())),
        Err(AddError::Closed(_))
    ));
    assert!(matches!(ports.stop().await, Err(StopError::NoProc)));
    assert!(matches!(ports.stop_now().await, Err(StopError::NoProc)));
    assert!(ports.pid().is_none());
    let sent = ports.send_all(&Parcel::new(1, &[]));
    assert!(
        sent.iter()
            .all(|(_, sent)| matches!(sent, Err(SendError::Closed(_))))
    );
    // Removing and replacing are answered as before.
    ports.replace("a", Arc::new(Scripted::default())).unwrap();
    ports.remove("a").await.unwrap();
    assert!(ports.names().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_stop_now_breaks_off_and_a_stop_under_way_is_cut_short() {
    let (ports, _) = one_port(config()).await;
    let tickets: Vec<_> = (0..3)
        .map(|id| ports.send("a", Parcel::new(id, &[Deed::Hang])).unwrap())
        .collect();
    settle().await;
    let begun = Instant::now();
    let other = ports.clone();
    let slow = tokio::spawn(async move { other.stop().await });
    settle().await;
    assert!(!slow.is_finished());
    let _ = ports.stop_now().await;
    slow.await.unwrap().unwrap();
    assert_eq!(begun.elapsed(), ms(0));
    let mut attempts = Vec::new();
    for ticket in tickets {
        let letter = ticket.await.unwrap_err();
        attempts.push((
            letter.attempts,
            letter.gave_up,
            letter.failure.map(|failure| failure.to_string()),
        ));
    }
    let never = (0, GaveUp::Stopped, None);
    assert_eq!(
        attempts,
        [
            (1, GaveUp::Stopped, Some("interrupted".to_owned())),
            never.clone(),
            never
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_the_drain_timeout_and_no_longer() {
    let (ports, _) = one_port(DispatcherConfig {
        attempt_timeout: secs(3_600),
        ..config()
    })
    .await;
    let ticket = ports.send("a", Parcel::new(1, &[Deed::Hang])).unwrap();
    settle().await;
    let begun = Instant::now();
    ports.stop().await.unwrap();
    assert_eq!(begun.elapsed(), secs(5));
    assert_eq!(ticket.await.unwrap_err().gave_up, GaveUp::Stopped);
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_ends_it_in_order() {
    let (ports, port) = one_port(config()).await;
    let other = ports.clone();
    let ticket = ports.send("a", Parcel::new(1, &[Deed::Take(100)])).unwrap();
    drop(ports);
    settle().await;
    other.deliver("a", Parcel::new(2, &[])).await.unwrap();
    let last = other.send("a", Parcel::new(3, &[Deed::Take(100)])).unwrap();
    let end = other.pid().unwrap().monitor();
    drop(other);
    ticket.await.unwrap();
    last.await.unwrap();
    assert!(end.await.is_normal());
    assert_eq!(Arc::strong_count(&port), 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_when_it_is_gone() {
    let census = Census::default();
    let (ports, port) = one_port(config()).await;
    let mut tickets = Vec::new();
    for id in 0..50 {
        let deed = [Deed::Succeed, Deed::Hang, Deed::Fail][id % 3];
        tickets.push(
            ports
                .send("a", Parcel::counted(id, &[deed; 5], &census))
                .unwrap(),
        );
    }
    let_pass(secs(7)).await;
    ports.stop_now().await.unwrap();
    drop(ports);
    drop(tickets);
    settle().await;
    assert_eq!((census.alive(), Arc::strong_count(&port)), (0, 1));
}
