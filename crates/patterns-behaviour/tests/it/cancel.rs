//! Every future of the dispatcher, dropped at each of its `.await`s.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use patterns_behaviour::{DispatcherConfig, Hooks};
use testing::{at_each_await, ms, polled, polled_after, secs, settle};

use crate::support::{
    Deed, Parcel, Ports, Scripted, assert_lawful, config, counting, let_pass, ports_with, try_ports,
};

/// Polls a future so often, with one turn for everything else after each poll, and with time passing after every fifth; tells
/// whether it was done by then. So it is dropped in the middle of what goes on, and also where all wait for a timer.
async fn polled_in_turns(work: impl Future, times: usize) -> bool {
    let turn = Cell::new(0);
    polled_after(work, times, async || {
        turn.set(turn.get() + 1);
        match turn.get() % 5 {
            0 => tokio::time::sleep(ms(40)).await,
            _ => tokio::task::yield_now().await,
        }
    })
    .await
}

/// Drops `make`'s future after ever more polls until one is done. After each, everything that was accepted is reported, and the
/// dispatcher works.
async fn dropped_at_each_await<F: Future>(max_waiting: usize, make: impl Fn(Ports) -> F) {
    at_each_await(async |times| {
        let (hooks, delivered, dead) = counting();
        let ports = ports_with(
            DispatcherConfig {
                max_waiting,
                // So that one that hangs to its end takes some hundred polls.
                attempt_timeout: ms(150),
                ..config()
            },
            hooks,
        )
        .await;
        ports.add("a", Arc::new(Scripted::default())).unwrap();
        settle().await;
        for id in 0..2 {
            ports
                .send("a", Parcel::new(id, &[Deed::Take(100)]))
                .unwrap();
            settle().await;
        }
        let done = polled_in_turns(make(ports.clone()), times).await;
        let_pass(secs(60)).await;
        let stats = ports.stats();
        assert_lawful(&ports);
        assert_eq!(
            (stats.waiting, stats.under_way),
            (0, 0),
            "after {times} polls"
        );
        let reported = delivered.load(Ordering::SeqCst) + dead.load(Ordering::SeqCst);
        assert_eq!(stats.accepted, reported as u64, "after {times} polls");
        if !done && ports.info().is_running {
            if ports.names().is_empty() {
                ports.add("a", Arc::new(Scripted::default())).unwrap();
            }
            ports.deliver("a", Parcel::new(9, &[])).await.unwrap();
        }
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_can_be_given_up_at_any_time() {
    for deeds in [
        &[][..],
        &[Deed::Fail, Deed::Take(50)],
        &[Deed::Hang; 5],
        &[Deed::Die],
    ] {
        for max_waiting in [1, 10] {
            dropped_at_each_await(max_waiting, |ports| async move {
                let delivered = ports.deliver("a", Parcel::new(7, deeds));
                tokio::select! {
                    _ = delivered => {}
                    () = tokio::time::sleep(secs(30)) => {}
                }
            })
            .await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_send_that_waits_for_room_can_be_given_up_and_takes_no_room_along() {
    dropped_at_each_await(1, |ports| async move {
        let ticket = ports.send_wait("a", Parcel::new(7, &[])).await.unwrap();
        settle().await;
        let _ = ticket.await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_is_given_up_goes_on() {
    dropped_at_each_await(10, |ports| async move { ports.remove("a").await }).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_that_is_given_up_goes_on() {
    dropped_at_each_await(10, |ports| async move { ports.stop().await }).await;
    dropped_at_each_await(10, |ports| async move { ports.stop_now().await }).await;
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_given_up_leaves_no_process() {
    at_each_await(async |times| {
        let mark = Arc::new(());
        let held = Arc::clone(&mark);
        let hooks = Hooks::new().on_delivered(move |_| drop(Arc::clone(&held)));
        let done = polled(try_ports(config(), hooks), times).await;
        settle().await;
        assert_eq!(Arc::strong_count(&mark), 1, "after {times} polls");
        done
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_ticket_can_be_dropped_at_any_time_and_the_delivery_goes_on() {
    at_each_await(async |times| {
        let (hooks, delivered, dead) = counting();
        let ports = ports_with(config(), hooks).await;
        ports.add("a", Arc::new(Scripted::default())).unwrap();
        let ticket = ports
            .send("a", Parcel::new(1, &[Deed::Fail, Deed::Take(5)]))
            .unwrap();
        let done = polled_in_turns(ticket, times).await;
        let_pass(secs(1)).await;
        assert_eq!(
            (
                delivered.load(Ordering::SeqCst),
                dead.load(Ordering::SeqCst)
            ),
            (1, 0)
        );
        done
    })
    .await;
}
