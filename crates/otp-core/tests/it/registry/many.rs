//! Many entries, and what is left of them.

use std::sync::Arc;

use otp_core::{DuplicateRegistry, Registry};

use super::server;
use crate::support::{Log, Msg, Outcome, Probe, inside};

/// Of keys and values, as many are dropped as were made.
#[tokio::test(start_paused = true)]
async fn a_hundred_thousand_entries_leave_nothing() -> Outcome {
    let (key_of, value_of) = (Arc::new(()), Arc::new(()));
    let names: Registry<(u32, Arc<()>), Msg, Arc<()>> = Registry::new();
    let topics: DuplicateRegistry<(u32, Arc<()>), Msg, Arc<()>> = DuplicateRegistry::new();
    let servers = [
        server().await,
        server().await,
        server().await,
        server().await,
    ];
    for (at, server) in (0_u32..).zip(&servers) {
        let (names, topics) = (names.clone(), topics.clone());
        let (key, value) = (Arc::clone(&key_of), Arc::clone(&value_of));
        inside(server, move |_, ctx| {
            for number in 0..25_000 {
                let own = (at * 25_000 + number, Arc::clone(&key));
                assert!(names.register(ctx, own, Arc::clone(&value)).is_ok());
                topics.register(ctx, (number % 5_000, Arc::clone(&key)), Arc::clone(&value));
            }
        })
        .await;
    }
    assert_eq!((names.count(), topics.count()), (100_000, 100_000));
    assert_eq!(Arc::strong_count(&value_of), 200_001);
    assert_eq!(topics.lookup(&(7, Arc::default())).len(), 20);
    let [a, b, c, d] = servers;
    a.stop().await?;
    assert_eq!((names.count(), topics.count()), (75_000, 75_000));
    let end = b.pid().ok_or("none")?.monitor();
    b.pid().ok_or("none")?.kill();
    end.await;
    let end = c.pid().ok_or("none")?.monitor();
    drop(c);
    end.await;
    d.stop().await?;
    assert_eq!((names.count(), topics.count()), (0, 0));
    assert_eq!(Arc::strong_count(&key_of), 1);
    assert_eq!(Arc::strong_count(&value_of), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn processes_that_come_and_go_leave_nothing() -> Outcome {
    let value = Arc::new(());
    let names: Registry<u32, Msg, Arc<()>> = Registry::new();
    for round in 0..20_000 {
        let (inner, own) = (names.clone(), Arc::clone(&value));
        let server = Probe::new(&Log::default()).on_init(move |_, ctx| {
            let registered = inner.register(ctx, round % 7, own);
            Box::pin(async move { Ok(registered?) })
        });
        server.start().await?.stop().await?;
    }
    assert_eq!(names.count(), 0);
    assert_eq!(Arc::strong_count(&value), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_key_given_back_and_taken_again_leaves_nothing() -> Outcome {
    let value = Arc::new(());
    let names: Registry<u32, Msg, Arc<()>> = Registry::new();
    let (a, inner, own) = (server().await, names.clone(), Arc::clone(&value));
    let keys = inside(&a, move |_, ctx| {
        for _ in 0..100_000 {
            assert!(inner.register(ctx, 1, Arc::clone(&own)).is_ok());
            assert!(inner.unregister(ctx, &1).is_some());
        }
        inner.keys(&ctx.pid())
    });
    assert!(keys.await.is_empty());
    assert_eq!((names.count(), Arc::strong_count(&value)), (0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_keeps_nothing_of_registries_that_have_gone() -> Outcome {
    let key = Arc::new(());
    let (a, own) = (server().await, Arc::clone(&key));
    let most = inside(&a, move |_, ctx| {
        let mut most = 0;
        for _ in 0..1_000 {
            let names: Registry<Arc<()>, Msg> = Registry::new();
            assert!(names.register(ctx, Arc::clone(&own), ()).is_ok());
            most = most.max(Arc::strong_count(&own));
        }
        most
    });
    // The key and the loop's, and of the last two registries the entry and what its holder knows of it.
    assert!(most.await <= 6);
    Ok(())
}
