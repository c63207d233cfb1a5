//! Many links and monitors: everybody told, once, and nothing left of them.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Weak};

use otp_core::{Context, Pid, ServerOptions, ServerRef};

use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Log, Msg, Outcome, Probe, inside, panic_message, quiet, secs};

const MANY: usize = 10_000;

#[tokio::test(start_paused = true)]
async fn all_of_ten_thousand_are_told_exactly_once() -> Outcome {
    let ends = Subject::new(Kind::Server).await;
    let pid = ends.pid.clone();
    // A tenth of them trap, a tenth monitor, the rest die.
    let mut told = Vec::new();
    let mut die = Vec::new();
    for number in 0..MANY {
        let whom = pid.clone();
        match number % 10 {
            0 | 1 => {
                let subject = Subject::new(Kind::Trapping).await;
                let server = subject.server.as_ref().ok_or("no server")?;
                inside(server, move |_, ctx| {
                    if number % 10 == 0 {
                        ctx.link(&whom).unwrap();
                    } else {
                        ctx.monitor(&whom);
                    }
                })
                .await;
                let what = if number % 10 == 0 { "EXIT" } else { "DOWN" };
                told.push((subject, format!("{what} {pid}: boom")));
            }
            _ => {
                let plain = otp_core::spawn(pending())?;
                die.push((plain.monitor(), plain.clone()));
                let server = ends.server.as_ref().ok_or("no server")?;
                inside(server, move |_, ctx| ctx.link(&plain)).await?;
            }
        }
    }
    ends.end(End::With(boom())).await;
    for (end, plain) in die {
        assert_eq!(end.await.to_string(), "boom");
        assert!(!plain.is_alive());
    }
    quiet().await;
    for (subject, line) in told {
        assert_eq!(subject.log.take(), [line]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_monitors_by_one_process_are_each_reported_once() -> Outcome {
    let (subject, ends) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Plain).await,
    );
    let whom = ends.pid.clone();
    let server = subject.server.as_ref().ok_or("no server")?;
    inside(server, move |_, ctx| {
        let monitors: Vec<_> = (0..MANY).map(|_| ctx.monitor(&whom)).collect();
        // Half of them taken away again.
        for monitor in monitors.iter().step_by(2) {
            assert!(ctx.demonitor(*monitor));
        }
    })
    .await;
    ends.end(End::Killed).await;
    quiet().await;
    assert_eq!(subject.log.take().len(), MANY / 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn many_that_end_at_once_are_each_told_in_their_order() -> Outcome {
    let subject = Subject::new(Kind::Trapping).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let pids: Vec<Pid> = inside(server, |_, ctx| {
        (0..1_000).map(|_| ctx.spawn_link(pending())).collect()
    })
    .await;
    for pid in &pids {
        pid.exit(boom());
    }
    quiet().await;
    let mut told = HashMap::new();
    for line in subject.log.take() {
        *told.entry(line).or_insert(0) += 1;
    }
    for pid in &pids {
        assert_eq!(told.remove(&format!("EXIT {pid}: boom")), Some(1));
    }
    assert!(told.is_empty(), "{told:?}");
    Ok(())
}

/// Something that goes when nothing of a server is left: its name.
fn trace_of(server: &ServerRef<Msg>) -> Weak<str> {
    Arc::downgrade(&server.info().name.unwrap())
}

async fn named() -> ServerRef<Msg> {
    let options = ServerOptions::default().name("short-lived".to_owned());
    let server = Probe::new(&Log::default()).start_with(options);
    server.await.unwrap()
}

/// Binds ten thousand servers, one after the other, to one that lives on, ends each by `ends`, and tells how many
/// have left something behind.
async fn left_behind(
    binds: fn(&mut Context<Msg>, &ServerRef<Msg>),
    ends: fn() -> Msg,
) -> Result<usize, Box<dyn std::error::Error>> {
    let lives = Subject::new(Kind::Trapping).await;
    let stays = lives.server.clone().ok_or("no server")?;
    let mut traces = Vec::new();
    for _ in 0..MANY {
        let server = named().await;
        traces.push(trace_of(&server));
        let (to, over) = (stays.clone(), server.pid().ok_or("no pid")?.monitor());
        inside(&server, move |_, ctx| binds(ctx, &to)).await;
        server.cast(ends())?;
        over.await;
    }
    // The clock of the calls made here looks at their servers for a tick longer.
    tokio::time::sleep(secs(1)).await;
    assert!(stays.is_alive());
    Ok(traces
        .iter()
        .filter(|trace| trace.strong_count() > 0)
        .count())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_links_monitors_and_watches_of_an_ended_process() -> Outcome {
    let binds = |ctx: &mut Context<Msg>, to: &ServerRef<Msg>| {
        let pid = to.pid().unwrap();
        ctx.link(&pid).unwrap();
        ctx.monitor(&pid);
        ctx.monitor(&pid);
        ctx.watch(to, |_| Msg::Note("changed"));
    };
    let ends: [fn() -> Msg; 3] = [
        || Msg::end(otp_core::ExitReason::Normal),
        Msg::panic,
        || {
            Msg::act(|_, ctx| {
                ctx.pid().kill();
                Ok(())
            })
        },
    ];
    for ends in ends {
        assert_eq!(left_behind(binds, ends).await?, 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_what_was_taken_away_again() -> Outcome {
    let binds = |ctx: &mut Context<Msg>, to: &ServerRef<Msg>| {
        let pid = to.pid().unwrap();
        ctx.link(&pid).unwrap();
        ctx.unlink(&pid);
        let monitor = ctx.monitor(&pid);
        ctx.demonitor(monitor);
        let watch = ctx.watch(to, |_| Msg::Note("changed"));
        ctx.unwatch(watch);
        drop(pid.monitor());
    };
    let ends = || Msg::end(otp_core::ExitReason::Normal);
    assert_eq!(left_behind(binds, ends).await?, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_those_that_a_living_process_was_told_of() -> Outcome {
    let lives = Subject::new(Kind::Trapping).await;
    let stays = lives.server.as_ref().ok_or("no server")?;
    let mut traces = Vec::new();
    for _ in 0..MANY {
        let server = named().await;
        traces.push(trace_of(&server));
        let to = server.clone();
        inside(stays, move |_, ctx| {
            let pid = to.pid().unwrap();
            ctx.link(&pid).unwrap();
            ctx.monitor(&pid);
            ctx.watch(&to, |_| Msg::Note("changed"));
        })
        .await;
        server.stop().await?;
    }
    quiet().await;
    // Of each: its exit, its report, and three changes.
    assert_eq!(lives.log.take().len(), 5 * MANY);
    let left = traces.iter().filter(|trace| trace.strong_count() > 0);
    assert_eq!(left.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_of_a_watch_whose_first_change_panics() -> Outcome {
    let lives = Subject::new(Kind::Server).await;
    let (watched, watcher) = (lives.server.clone().ok_or("no server")?, named().await);
    let (trace, end) = (trace_of(&watcher), watcher.pid().ok_or("no pid")?.monitor());
    watcher.cast(Msg::act(move |_, ctx| {
        ctx.watch(&watched, |_| panic!("in the map"));
        Ok(())
    }))?;
    assert_eq!(panic_message(&end.await), Some("in the map"));
    drop(watcher);
    quiet().await;
    assert_eq!(trace.strong_count(), 0);
    assert!(lives.pid.is_alive());
    Ok(())
}
