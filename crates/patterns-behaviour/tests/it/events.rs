//! The closures of a dispatcher.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use patterns_behaviour::{Failure, GaveUp, Hooks};
use testing::{quiet, settle};

use crate::support::{Deed, Parcel, Ports, Scripted, config, ports_with};

#[tokio::test(start_paused = true)]
async fn what_is_not_worth_it_is_not_tried_again() {
    let hooks = Hooks::new().retry_if(|failure: &Failure<String>| failure.error().is_none());
    let ports = ports_with(config(), hooks).await;
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Hang, Deed::Fail]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!((letter.attempts, letter.gave_up), (2, GaveUp::NotWorthIt));
    assert_eq!(ports.stats().not_worth_it, 1);
}

#[tokio::test(start_paused = true)]
async fn an_interruption_is_asked_about_too() {
    let hooks =
        Hooks::new().retry_if(|failure: &Failure<String>| !matches!(failure, Failure::Interrupted));
    let ports = ports_with(config(), hooks).await;
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    let letter = ports
        .send("a", Parcel::new(1, &[Deed::Die]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!((letter.attempts, letter.gave_up), (1, GaveUp::NotWorthIt));
}

#[tokio::test(start_paused = true)]
async fn each_report_is_told_once_before_its_ticket() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let (one, two) = (Arc::clone(&told), Arc::clone(&told));
    let hooks = Hooks::new()
        .on_delivered(move |delivered: &patterns_behaviour::Delivered<usize>| {
            one.lock().unwrap().push(Ok(delivered.value));
        })
        .on_dead_letter(move |letter: &crate::support::Letter| {
            two.lock().unwrap().push(Err(letter.message.id));
        });
    let ports = ports_with(config(), hooks).await;
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    ports.deliver("a", Parcel::new(1, &[])).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [Ok(1)]);
    ports
        .deliver("a", Parcel::new(2, &[Deed::Fail; 5]))
        .await
        .unwrap_err();
    assert_eq!(*told.lock().unwrap(), [Ok(1), Err(2)]);
}

#[tokio::test(start_paused = true)]
async fn hooks_that_panic_change_nothing() {
    quiet();
    let hooks = Hooks::new()
        .retry_if(|_: &Failure<String>| panic!("as told"))
        .on_delivered(|_| panic!("as told"))
        .on_dead_letter(|_| panic!("as told"));
    let ports = ports_with(config(), hooks).await;
    ports.add("a", Arc::new(Scripted::default())).unwrap();
    assert_eq!(
        ports
            .deliver("a", Parcel::new(1, &[Deed::Fail]))
            .await
            .unwrap()
            .attempts,
        2
    );
    let letter = ports
        .send("a", Parcel::new(2, &[Deed::Fail; 5]))
        .unwrap()
        .await
        .unwrap_err();
    assert_eq!((letter.attempts, letter.gave_up), (5, GaveUp::Exhausted));
    assert_eq!(ports.stats().panicked, 0);
}

#[tokio::test(start_paused = true)]
async fn hooks_run_outside_the_locks_and_may_use_the_dispatcher() {
    let known: Arc<OnceLock<Ports>> = Arc::default();
    let again = Arc::new(AtomicUsize::new(0));
    let (one, count) = (Arc::clone(&known), Arc::clone(&again));
    let hooks = Hooks::new().on_dead_letter(move |letter: &crate::support::Letter| {
        let ports = one.get().unwrap();
        let stats = ports.info().routes[0].stats;
        assert_eq!(
            (stats.waiting, stats.under_way),
            (0, 0),
            "it is counted already"
        );
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            ports
                .send(
                    &letter.implementation,
                    Parcel::new(letter.message.id + 1, &[]),
                )
                .unwrap();
        }
    });
    let ports = ports_with(config(), hooks).await;
    let _ = known.set(ports.clone());
    let port = Arc::new(Scripted::default());
    ports
        .add("a", Arc::clone(&port) as Arc<dyn crate::support::Port>)
        .unwrap();
    ports
        .deliver("a", Parcel::new(1, &[Deed::Fail; 5]))
        .await
        .unwrap_err();
    settle().await;
    assert_eq!(*port.done.lock().unwrap(), [2]);
    assert_eq!(again.load(Ordering::SeqCst), 1);
}
