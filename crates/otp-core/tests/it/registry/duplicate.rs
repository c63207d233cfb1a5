//! Many processes a key, and many entries a process.

use otp_core::{DuplicateRegistry, ServerRef};

use super::server;
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

type Topics = DuplicateRegistry<&'static str, Msg, u32>;

async fn register(topics: &Topics, server: &ServerRef<Msg>, key: &'static str, value: u32) {
    let topics = topics.clone();
    inside(server, move |_, ctx| topics.register(ctx, key, value)).await;
}

fn values(topics: &Topics, key: &str) -> Vec<u32> {
    topics.lookup(key).iter().map(|entry| entry.value).collect()
}

#[tokio::test(start_paused = true)]
async fn one_process_may_have_several_entries_under_one_key() -> Outcome {
    let topics = Topics::default();
    let (a, b) = (server().await, server().await);
    for (server, value) in [(&a, 1), (&b, 2), (&a, 3), (&a, 1)] {
        register(&topics, server, "key", value).await;
    }
    register(&topics, &a, "other", 4).await;
    assert_eq!(topics.count(), 5);
    assert_eq!(values(&topics, "key"), [1, 2, 3, 1], "in their order");
    let of_a = a.pid().ok_or("none")?;
    assert_eq!(topics.keys(&of_a), ["key", "key", "key", "other"]);
    assert_eq!(topics.values("key", &of_a), [1, 3, 1]);
    assert_eq!(topics.values("none", &of_a), [0; 0]);
    let entry = topics.lookup("key").remove(1);
    assert_eq!((Some(entry.pid), entry.server), (b.pid(), b.clone()));
    assert_eq!(format!("{topics:?}"), "DuplicateRegistry { count: 5, .. }");
    a.stop().await?;
    assert_eq!((topics.count(), values(&topics, "key")), (1, vec![2]));
    assert!(topics.keys(&of_a).is_empty());
    assert!(topics.values("key", &of_a).is_empty());
    b.stop().await?;
    assert_eq!(topics.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unregister_takes_out_all_own_entries_under_the_key() -> Outcome {
    let topics = Topics::new();
    let (a, b) = (server().await, server().await);
    for (server, key, value) in [
        (&a, "key", 1),
        (&b, "key", 2),
        (&a, "key", 3),
        (&a, "other", 4),
    ] {
        register(&topics, server, key, value).await;
    }
    let give_back =
        |topics: Topics| move |_: &mut Probe, ctx: &mut _| topics.unregister(ctx, "key");
    assert_eq!(inside(&a, give_back(topics.clone())).await, [1, 3]);
    assert_eq!(inside(&a, give_back(topics.clone())).await, [0; 0]);
    assert_eq!(values(&topics, "key"), [2]);
    assert_eq!(topics.keys(&a.pid().ok_or("none")?), ["other"]);
    assert_eq!(inside(&b, give_back(topics.clone())).await, [2]);
    assert!(topics.lookup("key").is_empty());
    assert_eq!(topics.count(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unregister_if_picks_among_own_entries() -> Outcome {
    let topics = Topics::new();
    let (a, b) = (server().await, server().await);
    for (server, value) in [(&a, 1), (&b, 1), (&a, 2), (&a, 1)] {
        register(&topics, server, "key", value).await;
    }
    let gone = inside(&a, {
        let topics = topics.clone();
        move |_, ctx| topics.unregister_if(ctx, "key", |value| *value == 1)
    });
    assert_eq!(gone.await, [1, 1]);
    assert_eq!(values(&topics, "key"), [1, 2]);
    assert_eq!(topics.keys(&a.pid().ok_or("none")?), ["key"]);
    // What is left goes with its owner.
    a.stop().await?;
    assert_eq!(values(&topics, "key"), [1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dispatch_calls_once_for_each_entry() -> Outcome {
    let (topics, log) = (Topics::new(), Log::default());
    assert_eq!(topics.dispatch("key", |_| panic!("nobody is there")), 0);
    let (a, b) = (Probe::new(&log).start().await?, server().await);
    for (server, value) in [(&a, 1), (&a, 2), (&b, 3)] {
        register(&topics, server, "key", value).await;
    }
    let mut seen = Vec::new();
    let number = topics.dispatch("key", |entry| {
        seen.push(entry.value);
        let _ = entry.server.cast(Msg::Note("told"));
        // Outside of all locks.
        assert_eq!(topics.count(), 3);
    });
    assert_eq!((number, seen), (3, vec![1, 2, 3]));
    quiet().await;
    assert_eq!(log.take(), ["told", "told"]);
    b.stop().await?;
    assert_eq!(topics.dispatch("key", |_| ()), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn entries_are_selected_one_by_one() -> Outcome {
    let topics = Topics::new();
    let (a, b) = (server().await, server().await);
    for (server, key, value) in [(&a, "one", 1), (&a, "one", 2), (&b, "two", 2)] {
        register(&topics, server, key, value).await;
    }
    let mut twos = topics.select(|key, _, value| (*value == 2).then_some(*key));
    twos.sort_unstable();
    assert_eq!(twos, ["one", "two"]);
    a.stop().await?;
    assert_eq!(
        topics
            .select(|_, pid, value| Some((pid.clone(), *value)))
            .len(),
        1
    );
    Ok(())
}
