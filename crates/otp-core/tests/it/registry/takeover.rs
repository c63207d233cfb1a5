//! A key whose holder has ended but is not done with it.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use otp_core::{DuplicateRegistry, Registry, RegistryEvent, inbox};

use super::{Hook, Hooked, Names, register, server};
use crate::support::{Msg, Outcome, inside, secs};

/// A process that has ended, whose entries in a second registry are there still: its end waits at the first one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_taken_over_while_its_holder_is_still_ending() -> Outcome {
    let (begun, begins) = channel();
    let (go_on, may_go_on) = channel::<()>();
    let may_go_on = Mutex::new(may_go_on);
    let times = Arc::new(Mutex::new(0));
    let holds_up = Hook::new(move || {
        let mut times = times.lock().unwrap();
        *times += 1;
        if *times == 2 {
            // The first time was its registration.
            begun.send(()).unwrap();
            let _ = may_go_on.lock().unwrap().recv_timeout(secs(60));
        }
    });
    let first: Registry<Hook, Msg, u32> = Registry::new();
    let (listener, _hooked) = inbox::<Hooked>();
    first.listen(listener.recipient());
    let (names, topics) = (Names::new(), DuplicateRegistry::<&str, Msg, u32>::new());
    let (listener, mut events) = inbox::<RegistryEvent<&'static str, u32>>();
    names.listen(listener.recipient());

    let (dying, taker) = (server().await, server().await);
    inside(&dying, {
        let (first, names, topics) = (first.clone(), names.clone(), topics.clone());
        move |_, ctx| {
            first.register(ctx, holds_up, 0).unwrap();
            names.register(ctx, "key", 1).unwrap();
            topics.register(ctx, "key", 1);
        }
    })
    .await;
    let pid = dying.pid().ok_or("none")?;
    let end = pid.monitor();
    pid.kill();
    tokio::task::spawn_blocking(move || begins.recv_timeout(secs(60))).await??;

    // The entry is there, and nobody is found by it.
    assert!(!pid.is_alive());
    assert_eq!((names.count(), topics.count()), (1, 1));
    assert!(names.whereis("key").is_none());
    assert!(names.lookup("key").is_none());
    assert!(names.via("key").whereis().is_none());
    assert!(names.select(|_, _, _| Some(())).is_empty());
    assert!(topics.lookup("key").is_empty());
    assert_eq!(topics.dispatch("key", |_| ()), 0);
    register(&names, &taker, "key", 2).await?;
    assert_eq!(names.whereis("key"), Some(taker.clone()));

    go_on.send(())?;
    assert_eq!(end.await.to_string(), "killed");
    // What the old holder gives back is not the new one's.
    assert_eq!(names.lookup("key").map(|entry| entry.value), Some(2));
    assert_eq!((names.count(), topics.count()), (1, 0));
    let told: Vec<_> = std::iter::from_fn(|| events.try_recv()).collect();
    let (key, new) = ("key", taker.pid().ok_or("none")?);
    assert_eq!(
        told,
        [
            RegistryEvent::Registered {
                key,
                pid: pid.clone(),
                value: 1
            },
            RegistryEvent::Unregistered { key, pid },
            RegistryEvent::Registered {
                key,
                pid: new,
                value: 2
            },
        ]
    );
    Ok(())
}
