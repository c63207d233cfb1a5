//! One process a key.

use otp_core::{AlreadyRegistered, Registry};

use super::{Names, register, server};
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

#[tokio::test(start_paused = true)]
async fn entries_are_counted() -> Outcome {
    let names = Names::new();
    assert_eq!(names.count(), 0);
    let (a, b) = (server().await, server().await);
    register(&names, &a, "one", 1).await?;
    register(&names, &a, "two", 2).await?;
    register(&names, &b, "three", 3).await?;
    assert_eq!(names.count(), 3);
    a.stop().await?;
    assert_eq!(names.count(), 1);
    b.stop().await?;
    assert_eq!(names.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_held_key_is_refused_with_the_holders_pid() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    register(&names, &a, "key", 1).await?;
    let pid = a.pid().ok_or("no pid")?;
    for server in [&a, &b] {
        let refused = register(&names, server, "key", 2).await;
        assert_eq!(refused, Err(AlreadyRegistered { pid: pid.clone() }));
    }
    let text = format!("the key is held by {pid}");
    assert_eq!(AlreadyRegistered { pid }.to_string(), text);
    assert_eq!(names.lookup("key").map(|entry| entry.value), Some(1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_registration_leaves_nothing_behind() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    let of_b = b.pid().ok_or("no pid")?;
    register(&names, &a, "key", 1).await?;
    assert!(register(&names, &b, "key", 2).await.is_err());
    assert!(register(&names, &a, "key", 3).await.is_err());
    assert!(names.keys(&of_b).is_empty());
    assert_eq!(names.keys(&a.pid().ok_or("no pid")?), ["key"]);
    // The end of the one that was refused takes nothing of the other's.
    b.stop().await?;
    assert_eq!(names.whereis("key"), Some(a.clone()));
    // Nor does one entry stand in the list of its holder twice.
    let taken = inside(&a, {
        let names = names.clone();
        move |_, ctx| (names.unregister(ctx, "key"), names.keys(&ctx.pid()))
    });
    assert_eq!(taken.await, (Some(1), vec![]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_process_gets_the_key_when_the_holder_has_ended() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    register(&names, &a, "key", 1).await?;
    assert!(register(&names, &b, "key", 2).await.is_err());
    a.stop().await?;
    register(&names, &b, "key", 2).await?;
    let entry = names.lookup("key").ok_or("nothing")?;
    assert_eq!((entry.server, entry.value), (b.clone(), 2));
    assert_eq!(Some(entry.pid), b.pid());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn keys_and_values_are_those_of_one_process() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    for (server, key, value) in [(&a, "z", 1), (&b, "y", 2), (&a, "x", 3)] {
        register(&names, server, key, value).await?;
    }
    let (of_a, of_b) = (a.pid().ok_or("none")?, b.pid().ok_or("none")?);
    assert_eq!(names.keys(&of_a), ["z", "x"]);
    assert_eq!(names.keys(&of_b), ["y"]);
    assert_eq!(names.value("x", &of_a), Some(3));
    assert_eq!(names.value("x", &of_b), None);
    assert_eq!(names.value("w", &of_a), None);
    a.stop().await?;
    assert!(names.keys(&of_a).is_empty());
    assert_eq!(names.value("x", &of_a), None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_looked_up_can_be_spoken_to() -> Outcome {
    // By a borrowed form of the key too.
    let names: Registry<String, Msg> = Registry::default();
    let server = server().await;
    inside(&server, {
        let names = names.clone();
        move |_, ctx| names.register(ctx, "key".to_owned(), ())
    })
    .await?;
    let found = names.whereis("key").ok_or("nobody")?;
    assert_eq!(found.call(|reply| Msg::Echo(7, reply)).await?, 7);
    let entry = names.lookup("key").ok_or("nothing")?.clone();
    assert_eq!(entry.server.call(|reply| Msg::Echo(8, reply)).await?, 8);
    assert!(names.whereis("other").is_none());
    assert!(names.lookup("other").is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn only_its_own_entry_can_be_given_back() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    register(&names, &a, "key", 1).await?;
    let give_back = |names: Names| move |_: &mut Probe, ctx: &mut _| names.unregister(ctx, "key");
    assert_eq!(inside(&b, give_back(names.clone())).await, None);
    assert_eq!(names.whereis("key"), Some(a.clone()));
    assert_eq!(inside(&a, give_back(names.clone())).await, Some(1));
    assert_eq!(inside(&a, give_back(names.clone())).await, None);
    assert_eq!(names.count(), 0);
    register(&names, &b, "key", 2).await?;
    // Its former holder's end takes nothing of the new one's.
    a.stop().await?;
    assert_eq!(names.whereis("key"), Some(b.clone()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_entry_is_given_back_if_its_value_says_so() -> Outcome {
    let names = Names::new();
    let a = server().await;
    register(&names, &a, "key", 5).await?;
    let give_back = |names: Names, wanted| {
        move |_: &mut Probe, ctx: &mut _| names.unregister_if(ctx, "key", |value| *value == wanted)
    };
    assert_eq!(inside(&a, give_back(names.clone(), 4)).await, None);
    assert_eq!(names.keys(&a.pid().ok_or("none")?), ["key"]);
    assert_eq!(inside(&a, give_back(names.clone(), 5)).await, Some(5));
    assert!(names.keys(&a.pid().ok_or("none")?).is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_is_changed_by_its_owner_alone() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    register(&names, &a, "key", 1).await?;
    let change = |names: Names, key| {
        move |_: &mut Probe, ctx: &mut _| names.update_value(ctx, key, |value| value + 10)
    };
    assert_eq!(inside(&b, change(names.clone(), "key")).await, None);
    assert_eq!(inside(&a, change(names.clone(), "other")).await, None);
    assert_eq!(
        inside(&a, change(names.clone(), "key")).await,
        Some((11, 1))
    );
    assert_eq!(
        inside(&a, change(names.clone(), "key")).await,
        Some((21, 11))
    );
    assert_eq!(names.lookup("key").map(|entry| entry.value), Some(21));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn select_picks_among_living_entries() -> Outcome {
    let names = Names::new();
    let (a, b) = (server().await, server().await);
    for (server, key, value) in [(&a, "one", 1), (&a, "two", 2), (&b, "three", 3)] {
        register(&names, server, key, value).await?;
    }
    let of_a = a.pid().ok_or("none")?;
    let mut keys = names.select(|key, pid, _| (*pid == of_a).then_some(*key));
    keys.sort_unstable();
    assert_eq!(keys, ["one", "two"]);
    assert_eq!(
        names.select(|_, _, value| (*value > 1).then_some(())).len(),
        2
    );
    a.stop().await?;
    assert_eq!(names.select(|key, _, _| Some(*key)), ["three"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_registers_in_init_and_in_terminate_and_all_goes_with_it() -> Outcome {
    let (names, log) = (Names::new(), Log::default());
    let (early, late) = (names.clone(), names.clone());
    let server = Probe::new(&log)
        .on_init(move |_, ctx| {
            let registered = early.register(ctx, "early", 1);
            Box::pin(async move { Ok(registered?) })
        })
        .on_terminate(move |probe, ctx| {
            late.unregister(ctx, "early");
            let registered = late
                .register(ctx, "early", 2)
                .and(late.register(ctx, "late", 3));
            probe.log.note(format!("{registered:?}, {}", late.count()));
            Box::pin(async { Ok(()) })
        })
        .start()
        .await?;
    assert_eq!(names.whereis("early"), Some(server.clone()));
    server.stop().await?;
    assert_eq!(
        log.take(),
        ["terminate: normal", "Ok(()), 2", "state dropped"]
    );
    assert_eq!(names.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_init_that_fails_leaves_no_entry() -> Outcome {
    for ignores in [true, false] {
        let names = Names::new();
        let inner = names.clone();
        let started = Probe::new(&Log::default()).on_init(move |_, ctx| {
            let registered = inner.register(ctx, "key", 1);
            if ignores {
                ctx.ignore();
            }
            Box::pin(async move {
                registered?;
                if ignores {
                    Ok(())
                } else {
                    Err(otp_core::ExitReason::boxed("boom"))
                }
            })
        });
        assert!(started.start().await.is_err());
        assert_eq!(names.count(), 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_last_handle_goes_is_found_no_more() -> Outcome {
    let names = Names::new();
    let a = server().await;
    register(&names, &a, "key", 1).await?;
    let end = a.pid().ok_or("none")?.monitor();
    drop(a);
    // An entry keeps nobody running.
    assert!(names.whereis("key").is_none());
    assert!(names.lookup("key").is_none());
    assert!(end.await.is_normal());
    assert_eq!(names.count(), 0);
    quiet().await;
    Ok(())
}

#[test]
fn a_registry_shows_itself_by_its_count() {
    let names = Names::new();
    assert_eq!(format!("{names:?}"), "Registry { count: 0, .. }");
    assert_eq!(format!("{:?}", names.via("key")), "Via(..)");
}
