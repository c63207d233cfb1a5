//! Those who are told of what happens in a registry.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use otp_core::{DuplicateRegistry, Inbox, Pid, Registry, RegistryEvent, inbox};

use super::{Hook, Hooked, Names, register, server};
use crate::support::{Log, Msg, Outcome, Probe, inside, secs};

type Event = RegistryEvent<&'static str, u32>;

fn listener(names: &Names) -> Inbox<Event> {
    let (address, inbox) = inbox();
    names.listen(address.recipient());
    inbox
}

impl From<Event> for Msg {
    fn from(event: Event) -> Self {
        Self::act(move |probe, _| {
            if let RegistryEvent::Registered { key, .. } = event {
                probe.log.note(key);
            }
            Ok(())
        })
    }
}

fn take(inbox: &mut Inbox<Event>) -> Vec<Event> {
    std::iter::from_fn(|| inbox.try_recv()).collect()
}

fn came(key: &'static str, pid: &Pid, value: u32) -> Event {
    let pid = pid.clone();
    RegistryEvent::Registered { key, pid, value }
}

fn went(key: &'static str, pid: &Pid) -> Event {
    let pid = pid.clone();
    RegistryEvent::Unregistered { key, pid }
}

#[tokio::test(start_paused = true)]
async fn listeners_are_told_of_coming_and_going() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    register(&names, &a, "before", 0).await?;
    let (mut one, mut other) = (listener(&names), listener(&names));
    register(&names, &a, "key", 1).await?;
    assert!(register(&names, &b, "key", 2).await.is_err());
    inside(&a, {
        let names = names.clone();
        move |_, ctx| {
            names.unregister_if(ctx, "key", |_| false);
            names.unregister(ctx, "none");
            names.update_value(ctx, "key", |_| 7);
            names.unregister(ctx, "key");
        }
    })
    .await;
    register(&names, &b, "key", 3).await?;
    let (of_a, of_b) = (a.pid().ok_or("none")?, b.pid().ok_or("none")?);
    let expected = [
        came("key", &of_a, 1),
        went("key", &of_a),
        came("key", &of_b, 3),
    ];
    assert_eq!(take(&mut one), expected);
    assert_eq!(take(&mut other), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn listeners_are_told_of_a_death() -> Outcome {
    let names = Names::new();
    let mut events = listener(&names);
    let a = server().await;
    register(&names, &a, "one", 1).await?;
    register(&names, &a, "two", 2).await?;
    let pid = a.pid().ok_or("none")?;
    let end = pid.monitor();
    pid.kill();
    end.await;
    // In the order of their registration, and before the end is told.
    let expected = [
        came("one", &pid, 1),
        came("two", &pid, 2),
        went("one", &pid),
        went("two", &pid),
    ];
    assert_eq!(take(&mut events), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_entry_of_a_duplicate_key_is_told_of() -> Outcome {
    let topics = DuplicateRegistry::<&'static str, Msg, u32>::new();
    let (address, mut events) = inbox::<Event>();
    topics.listen(address.recipient());
    let a = server().await;
    let inner = topics.clone();
    inside(&a, move |_, ctx| {
        for value in [1, 2, 3] {
            inner.register(ctx, "key", value);
        }
        inner.unregister_if(ctx, "key", |value| *value == 2);
    })
    .await;
    let pid = a.pid().ok_or("none")?;
    a.stop().await?;
    let mut expected: Vec<_> = (1..4).map(|value| came("key", &pid, value)).collect();
    expected.extend((0..3).map(|_| went("key", &pid)));
    assert_eq!(take(&mut events), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_full_listener_misses_events_and_holds_nobody_up() -> Outcome {
    let (names, log) = (Names::new(), Log::default());
    let full = Probe::new(&log).start_bounded(1).await?;
    let resting = full.suspend().await?;
    names.listen(full.recipient());
    let mut other = listener(&names);
    let a = server().await;
    for key in ["one", "two", "three"] {
        register(&names, &a, key, 0).await?;
    }
    drop(resting);
    full.call(|reply| Msg::Echo(1, reply)).await?;
    register(&names, &a, "four", 0).await?;
    full.call(|reply| Msg::Echo(1, reply)).await?;
    assert_eq!(log.take(), ["one", "four"]);
    assert_eq!(take(&mut other).len(), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_has_ended_is_forgotten_and_the_others_are_not() -> Outcome {
    let names = Names::new();
    let (address, gone) = inbox::<Event>();
    names.listen(address.recipient());
    let mut stays = listener(&names);
    let (address, weak) = (address.downgrade(), address);
    drop(gone);
    drop(weak);
    let a = server().await;
    register(&names, &a, "one", 1).await?;
    register(&names, &a, "two", 2).await?;
    assert_eq!(take(&mut stays).len(), 2);
    assert!(address.upgrade().is_none(), "the registry let go of it");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_use_the_registry_that_tells_it() -> Outcome {
    let names: Registry<Hook, Msg, u32> = Registry::new();
    let (address, mut events) = inbox::<Hooked>();
    names.listen(address.recipient());
    let seen = Arc::new(AtomicUsize::new(0));
    let (looks, counted) = (names.clone(), Arc::clone(&seen));
    let key = Hook::new(move || {
        let all = looks.select(|key, _, _| Some(key.clone()));
        let found = all.iter().filter(|key| looks.lookup(*key).is_some());
        counted.fetch_add(10 + found.count() + looks.count(), Ordering::Relaxed);
    });
    let (a, inner) = (server().await, names.clone());
    inside(&a, move |_, ctx| inner.register(ctx, key, 1)).await?;
    assert_eq!(seen.swap(0, Ordering::Relaxed), 12);
    a.stop().await?;
    assert_eq!(seen.load(Ordering::Relaxed), 10);
    assert_eq!(std::iter::from_fn(|| events.try_recv()).count(), 2);
    // The key holds the registry: it is in no entry any more.
    assert_eq!(names.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_registration_inside_a_listeners_code_is_told_after_it() -> Outcome {
    let names: Registry<Hook, Msg, u32> = Registry::new();
    let (address, mut events) = inbox::<Hooked>();
    names.listen(address.recipient());
    let other = Hook::new(|| ());
    let registrar = Arc::new(Mutex::new(None::<(otp_core::Via<Msg>, Probe)>));
    let inner = Arc::clone(&registrar);
    let key = Hook::new(move || {
        if let Some((via, probe)) = inner.lock().unwrap().take() {
            // The first poll of a start takes the key, in the listener's own code.
            let mut start = Box::pin(via.start(probe));
            assert!(crate::support::poll_now(start.as_mut()).is_pending());
            drop(start);
        }
    });
    *registrar.lock().unwrap() = Some((names.via_with(other, 2), Probe::new(&Log::default())));
    let a = names
        .via_with(key, 1)
        .start(Probe::new(&Log::default()))
        .await?;
    crate::support::quiet().await;
    let told: Vec<_> = std::iter::from_fn(|| events.try_recv())
        .map(|event| match event.0 {
            RegistryEvent::Registered { value, .. } => value,
            _ => 0,
        })
        .collect();
    assert_eq!(told, [1, 2, 0]);
    assert_eq!(names.count(), 1);
    drop(a);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_listeners_code_is_nobody_elses() -> Outcome {
    let names: Registry<Hook, Msg, u32> = Registry::new();
    let (address, mut events) = inbox::<Hooked>();
    let (also, mut others) = inbox::<RegistryEvent<Hook, u32>>();
    names.listen(address.recipient());
    names.listen(also.recipient());
    let panics = Hook::new(|| panic!("a listener's"));
    // By a process that is started by it, and by one that registers itself.
    let server = names
        .via_with(panics.clone(), 1)
        .start(Probe::new(&Log::default()))
        .await?;
    assert_eq!(names.count(), 1);
    server.stop().await?;
    assert_eq!(names.count(), 0);
    let (a, inner) = (super::server().await, names.clone());
    inside(&a, move |_, ctx| inner.register(ctx, panics, 2)).await?;
    a.stop().await?;
    let told = std::iter::from_fn(|| others.try_recv()).count();
    assert_eq!(told, 4, "and nothing is lost to the others");
    assert!(events.try_recv().is_none());
    Ok(())
}

/// A listener that comes while another thread is telling hears of what happens after it came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_comes_while_others_are_told_misses_nothing_after() -> Outcome {
    let names: Registry<Hook, Msg, u32> = Registry::new();
    let (address, _hooked) = inbox::<Hooked>();
    names.listen(address.recipient());
    let (begun, begins) = channel();
    let (go_on, may_go_on) = channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let holds_up = Hook::new(move || {
        let _ = begun.send(());
        let _ = may_go_on.lock().unwrap().recv_timeout(secs(60));
    });
    let (a, b) = (server().await, server().await);
    let inner = names.clone();
    let teller = tokio::spawn({
        let a = a.clone();
        async move { inside(&a, move |_, ctx| inner.register(ctx, holds_up, 1)).await }
    });
    tokio::task::spawn_blocking(move || begins.recv_timeout(secs(60))).await??;
    let (address, mut late) = inbox::<RegistryEvent<Hook, u32>>();
    names.listen(address.recipient());
    let inner = names.clone();
    inside(&b, move |_, ctx| inner.register(ctx, Hook::new(|| ()), 2)).await?;
    go_on.send(())?;
    teller.await??;
    let told: Vec<_> = std::iter::from_fn(|| late.try_recv()).collect();
    assert!(
        told.iter()
            .any(|event| matches!(event, RegistryEvent::Registered { value: 2, .. })),
        "{} events",
        told.len()
    );
    Ok(())
}
