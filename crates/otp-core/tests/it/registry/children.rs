//! Children of supervisors that hold a key.

use otp_core::backoff::Backoff;
use otp_core::{
    Child, ChildState, DynamicSupervisor, FailedToStartChild, Restart, StartChildError, StartError,
    Strategy, Supervisor,
};

use super::{Names, register, server};
use crate::supervisor::{boom, crash};
use crate::support::{Log, Msg, Outcome, Probe, ms, quiet, secs};

fn child(names: &Names, id: &'static str) -> Child<Msg> {
    Child::server(id, || Probe::new(&Log::default())).register_as(names.via_with("key", 1))
}

fn patient() -> Supervisor {
    Supervisor::new(Strategy::OneForOne).intensity(usize::MAX, secs(1))
}

#[tokio::test(start_paused = true)]
async fn each_incarnation_holds_the_key() -> Outcome {
    let names = Names::new();
    let child = child(&names, "a");
    let server = child.server_ref();
    let tree = patient().child(child).start().await?;
    let mut pids = Vec::new();
    for _ in 0..3 {
        let entry = names.lookup("key").ok_or("nothing")?;
        assert_eq!(
            (Some(&entry.pid), &entry.server),
            (server.pid().as_ref(), &server)
        );
        pids.push(entry.pid);
        crash(&server).await;
    }
    pids.dedup();
    assert_eq!(pids.len(), 3);
    tree.terminate_child("a").await?;
    assert_eq!(names.count(), 0);
    tree.restart_child("a").await?;
    assert_eq!(names.whereis("key"), Some(server));
    tree.stop().await?;
    assert_eq!(names.count(), 0);
    Ok(())
}

fn already_started(reason: &otp_core::ExitReason) -> bool {
    matches!(
        reason.downcast_ref::<StartError>(),
        Some(StartError::AlreadyStarted(_))
    )
}

#[tokio::test(start_paused = true)]
async fn a_held_key_fails_the_start_of_a_child() -> Outcome {
    let names = Names::new();
    let holder = server().await;
    register(&names, &holder, "key", 9).await?;
    match patient().child(child(&names, "a")).start().await {
        Err(StartError::Failed(reason)) => {
            let failed = reason
                .downcast_ref::<FailedToStartChild>()
                .ok_or("another")?;
            assert!(already_started(&failed.reason), "{reason}");
        }
        other => return Err(format!("{other:?}").into()),
    }
    for plan in [DynamicSupervisor::new(), DynamicSupervisor::new().at_once()] {
        let supervisor = plan.start().await?;
        let child = child(&names, "a");
        let address = child.server_ref();
        match supervisor.start_child(child).await {
            Err(StartChildError::Failed(reason)) => assert!(already_started(&reason), "{reason}"),
            other => return Err(format!("{other:?}").into()),
        }
        assert!(address.cast(Msg::Note("refused")).is_err());
        assert_eq!(supervisor.count_children().await?.specs, 0);
        supervisor.stop().await?;
    }
    assert_eq!(names.lookup("key").map(|entry| entry.value), Some(9));
    Ok(())
}

/// Somebody takes the key while the child waits for its restart.
async fn clash(names: &Names, address: &otp_core::ServerRef<Msg>) -> Outcome {
    address.cast(Msg::Note("kept"))?;
    crash(address).await;
    assert_eq!(names.count(), 0, "free while nobody runs");
    let thief = server().await;
    register(names, &thief, "key", 2).await?;
    tokio::time::sleep(secs(25)).await;
    assert!(!address.is_alive());
    assert_eq!(names.whereis("key"), Some(thief.clone()));
    thief.stop().await?;
    tokio::time::sleep(secs(10)).await;
    assert_eq!(names.whereis("key"), Some(address.clone()));
    assert_eq!(address.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_until_the_key_is_free() -> Outcome {
    let names = Names::new();
    let backoff = Backoff::constant(secs(10));
    let one = child(&names, "a").backoff(backoff.clone());
    let address = one.server_ref();
    let tree = patient().child(one).start().await?;
    clash(&names, &address).await?;
    tree.stop().await?;
    for plan in [DynamicSupervisor::new(), DynamicSupervisor::new().at_once()] {
        let supervisor = plan.intensity(5, secs(100)).start().await?;
        let address = supervisor
            .start_child(child(&names, "a").backoff(backoff.clone()))
            .await?;
        clash(&names, &address).await?;
        let children = supervisor.which_children().await?;
        assert!(matches!(children[0].state, ChildState::Running(_)));
        supervisor.stop().await?;
        assert_eq!(names.count(), 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn clashes_at_restarts_count_and_the_supervisor_gives_up() -> Outcome {
    for plan in [DynamicSupervisor::new(), DynamicSupervisor::new().at_once()] {
        let names = Names::new();
        let supervisor = plan.intensity(3, secs(5)).start().await?;
        let (inner, thief) = (names.clone(), server().await);
        // It gives the key away before it ends.
        let address = supervisor
            .start_child(child(&names, "a").restart(Restart::Transient))
            .await?;
        crate::support::inside(&address, move |_, ctx| inner.unregister(ctx, "key")).await;
        register(&names, &thief, "key", 2).await?;
        let end = supervisor.pid().ok_or("none")?.monitor();
        address.cast(Msg::end(boom()))?;
        assert!(matches!(end.await, otp_core::ExitReason::Shutdown));
        assert!(address.cast(Msg::Note("refused")).is_err());
        assert_eq!(names.whereis("key"), Some(thief));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn two_children_with_one_key_cannot_both_run() -> Outcome {
    let names = Names::new();
    let supervisor = DynamicSupervisor::new().at_once().start().await?;
    let slow = Child::server("slow", || {
        Probe::new(&Log::default()).on_init(|_, _| {
            Box::pin(async {
                tokio::time::sleep(ms(100)).await;
                Err(boom())
            })
        })
    });
    let (first, second) = tokio::join!(
        supervisor.start_child(slow.register_as(names.via("key"))),
        supervisor.start_child(child(&names, "b"))
    );
    assert!(matches!(first, Err(StartChildError::Failed(_))));
    assert!(matches!(second, Err(StartChildError::Failed(reason)) if already_started(&reason)));
    assert_eq!(names.count(), 0);
    let third = supervisor.start_child(child(&names, "b")).await?;
    assert_eq!(names.whereis("key"), Some(third));
    quiet().await;
    supervisor.stop().await?;
    Ok(())
}
