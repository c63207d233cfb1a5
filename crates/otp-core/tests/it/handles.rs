//! `ServerRef`, `WeakRef` and `Pid`: what keeps a server running, and what they look like.

use std::collections::HashSet;
use std::time::Duration;

use otp_core::{ServerOptions, ServerRef, start_with};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::support::{Log, Msg, Outcome, Probe, quiet};

#[tokio::test(start_paused = true)]
async fn the_last_handle_dropped_drains_the_queue_and_ends_in_order() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().unwrap().monitor();
    let slow = Msg::run(|probe, _| {
        Box::pin(async {
            sleep(Duration::from_millis(10)).await;
            probe.log.note("slow");
            Ok(())
        })
    });
    server.cast(slow)?;
    (0..2).try_for_each(|_| server.cast(Msg::Note("waited")))?;
    drop(server);
    assert!(end.await.is_normal());
    assert_eq!(
        log.take(),
        [
            "slow",
            "waited",
            "waited",
            "terminate: normal",
            "state dropped"
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_clone_keeps_the_server_running() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let clones = [
        server.clone(),
        server.clone(),
        server.downgrade().upgrade().unwrap(),
    ];
    let end = server.pid().unwrap().monitor();
    drop(server);
    for clone in clones {
        quiet().await;
        assert_eq!(clone.call(|reply| Msg::Echo(1, reply)).await?, 1);
    }
    assert!(end.await.is_normal());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handle_in_a_waiting_message_keeps_the_server_until_it_is_handled() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let end = server.pid().unwrap().monitor();
    let own = server.clone();
    server.cast(Msg::act(move |_, _| {
        own.cast(Msg::Note("sent by a message")).unwrap();
        Ok(())
    }))?;
    drop(server);
    assert!(end.await.is_normal());
    assert_eq!(
        log.take(),
        ["sent by a message", "terminate: normal", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_weak_handle_leads_to_the_server_as_long_as_a_strong_one_lives() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let weak = server.downgrade();
    let other = weak.clone();
    assert_eq!(weak.upgrade(), Some(server.clone()));
    let end = server.pid().unwrap().monitor();
    drop(server);
    assert!(
        weak.upgrade().is_none() && other.upgrade().is_none(),
        "before it has ended, too"
    );
    assert!(end.await.is_normal());
    assert!(weak.upgrade().is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_strong_handle_outlives_its_server() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    server.stop().await?;
    let again = server.downgrade().upgrade();
    assert_eq!(again.as_ref(), Some(&server));
    assert!(!server.is_alive() && server.pid().is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_detached_server_runs_without_handles() -> Outcome {
    let log = Log::default();
    let weak = Probe::new(&log).start().await?.detach();
    quiet().await;
    let server = weak.upgrade().ok_or("it has no handle")?;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    drop(server);
    quiet().await;
    weak.upgrade().ok_or("it has no handle")?.stop().await?;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

/// Starts a server that keeps what `keep` gives until the test lets go of it.
async fn keeps<T: Send + 'static>(
    log: &Log,
    keep: fn(&otp_core::Context<Msg>) -> T,
) -> Result<oneshot::Receiver<T>, Box<dyn std::error::Error>> {
    let (kept, keeps) = oneshot::channel();
    let server = Probe::new(log)
        .on_init(move |_, ctx| {
            let _ = kept.send(keep(ctx));
            Box::pin(async { Ok(()) })
        })
        .start()
        .await?;
    drop(server);
    Ok(keeps)
}

#[tokio::test(start_paused = true)]
async fn an_own_strong_handle_keeps_a_server_and_a_weak_one_does_not() -> Outcome {
    let log = Log::default();
    let strong = keeps(&log, otp_core::Context::self_ref).await?;
    quiet().await;
    assert_eq!(log.take(), [""; 0]);
    drop(strong);
    quiet().await;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);

    let weak = keeps(&log, otp_core::Context::weak_ref).await?.await?;
    quiet().await;
    assert!(weak.upgrade().is_none());
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_without_handles_that_is_suspended_ends_when_it_goes_on() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let suspended = server.suspend().await?;
    server.cast(Msg::Note("waited"))?;
    drop(server);
    quiet().await;
    assert_eq!(log.take(), [""; 0]);
    drop(suspended);
    quiet().await;
    assert_eq!(log.take(), ["waited", "terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn handles_dropped_by_many_threads_end_the_server_once() -> Outcome {
    for _ in 0..200 {
        let log = Log::default();
        let server = Probe::new(&log).start().await?;
        let end = server.pid().unwrap().monitor();
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (server, weak) = (server.clone(), server.downgrade());
                tokio::spawn(async move {
                    let sent = server.cast(Msg::Note("sent")).is_ok();
                    drop(server);
                    usize::from(sent)
                        + weak.upgrade().map_or(0, |server| {
                            usize::from(server.cast(Msg::Note("sent")).is_ok())
                        })
                })
            })
            .collect();
        drop(server);
        let mut sent = 0;
        for task in tasks {
            sent += task.await?;
        }
        assert!(end.await.is_normal());
        let lines = log.take();
        assert_eq!(lines.iter().filter(|line| *line == "sent").count(), sent);
        assert_eq!(lines[sent..], ["terminate: normal", "state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn handles_are_equal_if_they_lead_to_the_same_server() -> Outcome {
    let one: ServerRef<Msg> = Probe::new(&Log::default()).start().await?;
    let other = Probe::new(&Log::default()).start().await?;
    assert_eq!(one, one.clone());
    assert_ne!(one, other);
    let (pid, later) = (one.pid().unwrap(), other.pid().unwrap());
    assert_eq!(Some(pid.clone()), one.pid());
    assert!(pid != later && pid < later);
    assert_eq!(HashSet::from([pid.clone(), later, pid.clone()]).len(), 2);
    one.stop().await?;
    assert!(!pid.is_alive() && one.pid().is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn handles_print_the_pid_and_the_name() -> Outcome {
    let server = start_with(
        Probe::new(&Log::default()),
        ServerOptions::default().name("mailer"),
    )
    .await?;
    let pid = server.pid().unwrap();
    let number = pid.to_string();
    let number = number.trim_matches(['<', '>']);
    assert!(
        number.parse::<u64>().is_ok_and(|number| number > 0),
        "{pid}"
    );
    assert_eq!(pid.name(), Some("mailer"));
    assert_eq!(format!("{pid:?}"), format!("Pid({number}, mailer)"));
    let fields = format!("{{ pid: {number}, name: Some(\"mailer\") }}");
    assert_eq!(format!("{server:?}"), format!("ServerRef {fields}"));
    assert_eq!(
        format!("{:?}", server.downgrade()),
        format!("WeakRef {fields}")
    );

    let nameless = Probe::new(&Log::default()).start().await?;
    let pid = nameless.pid().unwrap();
    assert_eq!(pid.name(), None);
    assert_eq!(
        format!("<{:?}>", pid).replace("Pid(", "").replace(')', ""),
        pid.to_string()
    );
    nameless.stop().await?;
    assert_eq!(format!("{nameless:?}"), "ServerRef { pid: 0, name: None }");
    Ok(())
}
