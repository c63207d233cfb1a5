//! `Pid::current`: whose code runs, and so who sent an exit signal.

use std::sync::mpsc;

use otp_core::{ExitReason, Pid, ReplyTo, ServerRef, inbox};

use super::{Kind, Subject};
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet};

/// Writes down in whose code it is dropped.
struct WhereDropped(&'static str, mpsc::Sender<(&'static str, Option<Pid>)>);

impl Drop for WhereDropped {
    fn drop(&mut self) {
        let _ = self.1.send((self.0, Pid::current()));
    }
}

#[tokio::test(start_paused = true)]
async fn every_callback_and_every_drop_is_the_processs_own_code() -> Outcome {
    let (seen, all) = mpsc::channel();
    let here = |what| WhereDropped(what, seen.clone());
    let (init, handle, exit) = (here("init"), here("handle"), here("handle_exit"));
    let (terminate, state, queued) = (here("terminate"), here("state"), here("queued"));
    let (timer, map) = (here("timer"), here("map"));
    let server = Probe::new(&Log::default())
        .on_init(move |_, ctx| {
            drop(init);
            ctx.trap_exit();
            Box::pin(async { Ok(()) })
        })
        .on_told(move |_, _| {
            drop(exit);
            Box::pin(async { Ok(()) })
        })
        .on_terminate(move |probe, _| {
            drop(terminate);
            // A `Probe` drops what it never did.
            let log = probe.log.clone();
            *probe = Probe::new(&log).on_init(move |_, _| {
                drop(state);
                Box::pin(async { Ok(()) })
            });
            Box::pin(async { Ok(()) })
        })
        .start()
        .await?;
    let pid = server.pid().ok_or("no pid")?;
    let end = pid.monitor();
    server.cast(Msg::act(move |_, ctx| {
        drop(handle);
        ctx.send_after(crate::support::secs(9), holding(timer));
        ctx.spawn_task(async {}, move |_| {
            drop(map);
            Msg::Note("task")
        });
        Ok(())
    }))?;
    quiet().await;
    pid.exit(ExitReason::Normal);
    quiet().await;
    server.cast(Msg::end(ExitReason::Shutdown))?;
    server.cast(holding(queued))?;
    end.await;
    drop(seen);
    let (mut names, pids): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    assert!(
        pids.iter().all(|seen| seen.as_ref() == Some(&pid)),
        "{pids:?}"
    );
    names.sort_unstable();
    let expected = [
        "handle",
        "handle_exit",
        "init",
        "map",
        "queued",
        "state",
        "terminate",
        "timer",
    ];
    assert_eq!(names, expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tasks_and_threads_are_no_processes() -> Outcome {
    assert!(Pid::current().is_none());
    assert!(
        std::thread::spawn(Pid::current)
            .join()
            .is_ok_and(|pid| pid.is_none())
    );
    let server = Probe::new(&Log::default()).start().await?;
    let (told, mut seen) = inbox();
    let in_task = told.clone();
    server.cast(Msg::act(move |_, ctx| {
        ctx.spawn_task(
            async move { in_task.cast(("background", Pid::current())) },
            |_| Msg::Note("done"),
        );
        tokio::spawn(async move { told.cast(("task", Pid::current())) });
        Ok(())
    }))?;
    quiet().await;
    for _ in 0..2 {
        let (what, pid) = seen.try_recv().ok_or("nothing seen")?;
        assert!(pid.is_none(), "{what}: {pid:?}");
    }
    // An inbox has a pid, and whoever reads it is still not a process.
    assert!(Pid::current().is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_plain_process_knows_itself_in_its_drop_too() -> Outcome {
    let (seen, all) = mpsc::channel();
    let (before, held) = (
        WhereDropped("poll", seen.clone()),
        WhereDropped("drop", seen),
    );
    let plain = otp_core::spawn(async move {
        let _held = held;
        drop(before);
        std::future::pending().await
    })?;
    quiet().await;
    plain.kill();
    plain.monitor().await;
    let seen: Vec<_> = all.into_iter().collect();
    assert_eq!(seen, [("poll", Some(plain.clone())), ("drop", Some(plain))]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_makes_a_request_makes_it_in_its_own_process() -> Outcome {
    // The closure of a call is the caller's code: a request may carry the caller's pid.
    let (a, b) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    let to_b = b.server.clone().ok_or("no server")?;
    let asks = a.server.as_ref().ok_or("no server")?.call(|reply| {
        Msg::run(move |_, _| {
            Box::pin(async move {
                let asked = to_b.call(|answer: ReplyTo<Option<Pid>>| {
                    let caller = Pid::current();
                    Msg::act(move |_, _| {
                        answer.send(caller);
                        Ok(())
                    })
                });
                reply.send(asked.await?);
                Ok(())
            })
        })
    });
    assert_eq!(asks.await?, Some(a.pid.clone()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn processes_polled_in_turn_on_one_thread_are_told_apart() -> Outcome {
    let mut pids: Vec<Pid> = Vec::new();
    let (told, mut seen) = inbox();
    for _ in 0..20 {
        let told = told.clone();
        pids.push(otp_core::spawn(async move {
            for _ in 0..10 {
                let _ = told.cast(Pid::current().ok_or("none").map_err(ExitReason::boxed)?);
                tokio::task::yield_now().await;
            }
            Ok(())
        })?);
    }
    quiet().await;
    let mut all: Vec<Pid> = std::iter::from_fn(|| seen.try_recv()).collect();
    all.sort();
    let expected: Vec<_> = pids.iter().flat_map(|pid| vec![pid.clone(); 10]).collect();
    assert_eq!(all, expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_exit_from_a_drop_names_the_process_that_drops() -> Outcome {
    struct SignalsOnDrop(Pid);

    impl Drop for SignalsOnDrop {
        fn drop(&mut self) {
            self.0.exit(ExitReason::Shutdown);
        }
    }

    let told = Subject::new(Kind::Trapping).await;
    let dying: ServerRef<Msg> = Probe::new(&Log::default()).start().await?;
    let (pid, signals) = (
        dying.pid().ok_or("no pid")?,
        SignalsOnDrop(told.pid.clone()),
    );
    dying.suspend().await.map(drop)?;
    inside(&dying, |_, _| ()).await;
    dying.cast(Msg::end(ExitReason::Normal))?;
    dying.cast(holding(signals))?;
    pid.monitor().await;
    quiet().await;
    assert_eq!(told.log.take(), [format!("EXIT {pid}: shutdown")]);
    Ok(())
}
