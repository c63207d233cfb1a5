//! Servers that are started by a key, and spoken to by it.

use std::future::pending;
use std::hash::{Hash, Hasher};

use otp_core::{
    CallError, CastError, Child, DynamicSupervisor, ExitReason, Registry, ServerOptions,
    StartChildError, StartError, Strategy, Supervisor,
};
use tokio::time::Instant;

use super::{Names, register, server};
use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

#[tokio::test(start_paused = true)]
async fn a_server_is_started_and_spoken_to_by_its_key() -> Outcome {
    let (names, log) = (Names::new(), Log::default());
    let via = names.via_with("key", 7);
    assert!(matches!(
        via.cast(Msg::Note("early")),
        Err(CastError::NoProc(Msg::Note("early")))
    ));
    let early = via.call(|reply| Msg::Echo(1, reply)).await;
    assert!(matches!(early, Err(CallError::NoProc)), "{early:?}");
    assert!(via.whereis().is_none());

    let server = via.start(Probe::new(&log)).await?;
    assert_eq!(via.whereis(), Some(server.clone()));
    via.cast(Msg::Note("told"))?;
    assert_eq!(via.clone().call(|reply| Msg::Echo(1, reply)).await?, 1);
    let asked = via.call_timeout(Msg::Keep, ms(50)).await;
    assert!(matches!(asked, Err(CallError::Timeout)), "{asked:?}");
    assert_eq!(log.take(), ["told"]);
    let entry = names.lookup("key").ok_or("nothing")?;
    assert_eq!((entry.value, Some(entry.pid)), (7, server.pid()));
    server.stop().await?;
    let late = via.call_timeout(|reply| Msg::Echo(1, reply), secs(1)).await;
    assert!(matches!(late, Err(CallError::NoProc)), "{late:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_held_key_starts_nobody() -> Outcome {
    let (names, log) = (Names::new(), Log::default());
    let holder = server().await;
    register(&names, &holder, "key", 1).await?;
    let refused = Probe::new(&log).on_init(|probe, _| {
        probe.log.note("init");
        Box::pin(async { Ok(()) })
    });
    let pid = holder.pid().ok_or("none")?;
    match names.via("key").start(refused).await {
        Err(StartError::AlreadyStarted(held)) => assert_eq!(held, pid),
        other => return Err(shown(&other).into()),
    }
    assert_eq!(
        log.take(),
        ["state dropped"],
        "at once, and without its init"
    );
    assert_eq!(names.whereis("key"), Some(holder.clone()));
    holder.stop().await?;
    let _server = names.via("key").start(Probe::new(&log)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_key_is_held_before_init_runs_and_while_it_runs() -> Outcome {
    let names = Names::new();
    let (via, seen) = (names.via("key"), names.clone());
    let first = Probe::new(&Log::default()).on_init(move |_, ctx| {
        let own = seen.lookup("key").map(|entry| entry.pid);
        assert_eq!(own, Some(ctx.pid()));
        // Its own key again is held, by itself.
        assert!(seen.register(ctx, "key", 2).is_err());
        Box::pin(async {
            tokio::time::sleep(ms(10)).await;
            Ok(())
        })
    });
    let mut starting = Box::pin(via.start(first));
    assert!(poll_now(starting.as_mut()).is_pending());
    // A message to one that starts waits for it.
    via.cast(Msg::Note("waits"))?;
    let second = via.start(Probe::new(&Log::default())).await;
    assert!(
        matches!(second, Err(StartError::AlreadyStarted(_))),
        "{second:?}"
    );
    assert_eq!(via.whereis(), Some(starting.await?));
    Ok(())
}

/// Ways for a start to fail, each with what the error says.
fn failing() -> Vec<(Probe, &'static str)> {
    let probe = || Probe::new(&Log::default());
    vec![
        (
            probe().on_init(|_, _| Box::pin(async { Err(ExitReason::boxed("boom")) })),
            "boom",
        ),
        (probe().on_init(|_, _| panic!("boom")), "boom"),
        (
            probe().on_init(|_, _| {
                Box::pin(async {
                    tokio::task::yield_now().await;
                    panic!("boom")
                })
            }),
            "boom",
        ),
        (
            probe().on_init(|_, ctx| {
                ctx.ignore();
                Box::pin(async { Ok(()) })
            }),
            "ignored",
        ),
        (
            probe().on_init(|_, ctx| {
                ctx.pid().kill();
                Box::pin(pending())
            }),
            "killed",
        ),
        (probe().on_init(|_, _| Box::pin(pending())), "time"),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_name_is_free_after_a_failed_start() -> Outcome {
    for (probe, text) in failing() {
        let names = Names::new();
        let options = ServerOptions::default().start_timeout(secs(1));
        let begun = Instant::now();
        let error = names
            .via("key")
            .start_with(probe, options)
            .await
            .err()
            .ok_or("it started")?;
        let shown = format!("{error} {error:?}").to_lowercase();
        assert!(shown.contains(text), "{shown}");
        assert!(begun.elapsed() <= secs(1));
        assert_eq!(names.count(), 0, "{shown}");
        let _server = names.via("key").start(Probe::new(&Log::default())).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_dropped_frees_the_name() -> Outcome {
    for polls in 0..2 {
        let (names, log) = (Names::new(), Log::default());
        let probe = Probe::new(&log).on_init(|_, _| Box::pin(pending()));
        let via = names.via("key");
        let mut starting = Box::pin(via.start(probe));
        for _ in 0..polls {
            assert!(poll_now(starting.as_mut()).is_pending());
            quiet().await;
        }
        assert_eq!(names.count(), polls);
        drop(starting);
        quiet().await;
        assert_eq!(names.count(), 0);
        assert_eq!(log.take(), ["state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_bad_option_takes_no_key() -> Outcome {
    let names = Names::new();
    let options = ServerOptions::default().bounded(0);
    let started = names
        .via("key")
        .start_with(Probe::new(&Log::default()), options)
        .await;
    assert!(
        matches!(started, Err(StartError::BadOption(_))),
        "{started:?}"
    );
    assert_eq!(names.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_started_by_a_key_may_give_it_back_and_take_another() -> Outcome {
    let names = Names::new();
    let via = names.via_with("key", 1);
    let server = via.start(Probe::new(&Log::default())).await?;
    let registry = names.clone();
    let gone = crate::support::inside(&server, move |_, ctx| {
        let gone = registry.unregister(ctx, "key");
        registry.register(ctx, "other", 2).unwrap();
        gone
    });
    assert_eq!(gone.await, Some(1));
    assert!(via.whereis().is_none());
    let second = via.start(Probe::new(&Log::default())).await?;
    assert_eq!(names.via("other").whereis(), Some(server.clone()));
    server.stop().await?;
    assert_eq!(via.whereis(), Some(second));
    assert_eq!(names.count(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_via_outlives_other_handles_to_its_registry() -> Outcome {
    let names: Registry<String, Msg> = Registry::new();
    let via = names.via("key".to_owned());
    drop(names);
    let server = via.start(Probe::new(&Log::default())).await?;
    assert_eq!(via.whereis(), Some(server));
    Ok(())
}

/// A key whose hash always panics, under which nobody can start.
#[derive(Clone, PartialEq, Eq)]
struct Never;

impl Hash for Never {
    fn hash<H: Hasher>(&self, _: &mut H) {
        panic!("never hashed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_panics_fails_the_start_and_nothing_else() -> Outcome {
    let names: Registry<Never, Msg> = Registry::new();
    let log = Log::default();
    let started = names.via(Never).start(Probe::new(&log)).await;
    let error = started.err().ok_or("it started")?.to_string();
    assert!(error.contains("never hashed"), "{error}");
    assert_eq!(log.take(), ["state dropped"]);
    let child = || Child::server("a", || Probe::new(&Log::default())).register_as(names.via(Never));
    for plan in [DynamicSupervisor::new(), DynamicSupervisor::new().at_once()] {
        let supervisor = plan.start().await?;
        let started = supervisor.start_child(child()).await;
        let failed = matches!(&started, Err(StartChildError::Failed(ExitReason::Panic(_))));
        assert!(failed, "{started:?}");
        assert!(supervisor.which_children().await?.is_empty());
        supervisor.stop().await?;
    }
    let child = child();
    let address = child.server_ref();
    let started = Supervisor::new(Strategy::OneForOne)
        .child(child)
        .start()
        .await;
    assert!(started.is_err());
    let asked = tokio::time::timeout(ms(100), address.call(|reply| Msg::Echo(1, reply))).await;
    assert!(matches!(asked, Ok(Err(_))), "its address is closed");
    quiet().await;
    Ok(())
}
