//! Servers that stop when they have had nothing to do.

mod servers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::{Context, ServerRef};
use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, inside, ms, panic_message, secs};

/// A server that stops when it has been idle for so long, if `may_stop` agrees.
async fn idle(
    log: &Log,
    after: Duration,
    may_stop: impl FnMut() -> bool + Send + 'static,
) -> ServerRef<Msg> {
    let server = Probe::new(log).start().await.unwrap();
    inside(&server, move |_, ctx| ctx.stop_when_idle(after, may_stop)).await;
    server
}

/// When a server ends, and that it ended in order.
async fn end_of(server: &ServerRef<Msg>, begun: Instant) -> Duration {
    let end = server.pid().unwrap().monitor().await;
    assert!(end.is_normal(), "{end}");
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn it_ends_in_order_after_exactly_that_time() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = idle(&log, secs(10), || true).await;
    assert_eq!(end_of(&server, begun).await, secs(10));
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn set_in_init_it_counts_from_there() -> Outcome {
    let begun = Instant::now();
    let server = Probe::new(&Log::default())
        .on_init(|_, ctx| {
            ctx.stop_when_idle(secs(1), || true);
            Box::pin(async {
                sleep(secs(5)).await;
                Ok(())
            })
        })
        .start()
        .await?;
    assert_eq!(end_of(&server, begun).await, secs(6));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whatever_is_handled_begins_the_time_anew() -> Outcome {
    let things: [fn(&mut Context<Msg>); 5] = [
        |ctx| drop(ctx.self_ref().cast(Msg::Note("message"))),
        |ctx| {
            ctx.send_after(secs(4), Msg::Note("timer"));
        },
        |ctx| {
            ctx.spawn_task(sleep(secs(4)), |_| Msg::Note("task"));
        },
        |ctx| ctx.continue_with(Msg::Note("continue")),
        |ctx| {
            let pid = otp_core::spawn(async {
                sleep(secs(4)).await;
                Ok(())
            });
            ctx.monitor(&pid.unwrap());
        },
    ];
    for (at, thing) in things.into_iter().enumerate() {
        let (log, begun) = (Log::default(), Instant::now());
        let server = idle(&log, secs(5), || true).await;
        sleep(secs(3)).await;
        inside(&server, move |_, ctx| thing(ctx)).await;
        let expected = [secs(8), secs(12), secs(12), secs(8), secs(12)][at];
        assert_eq!(end_of(&server, begun).await, expected, "{at}");
        assert_eq!(log.take().len(), 3, "{at}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_takes_its_time_is_no_idleness() -> Outcome {
    let begun = Instant::now();
    let server = idle(&Log::default(), secs(1), || true).await;
    server.cast(Msg::run(|_, _| {
        Box::pin(async {
            sleep(secs(60)).await;
            Ok(())
        })
    }))?;
    assert_eq!(end_of(&server, begun).await, secs(61));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_says_no_is_asked_again_after_the_same_time() -> Outcome {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (noted, begun) = (Arc::clone(&asked), Instant::now());
    let server = idle(&Log::default(), secs(2), move || {
        let mut asked = noted.lock().unwrap();
        asked.push(begun.elapsed());
        asked.len() == 3
    })
    .await;
    assert_eq!(end_of(&server, begun).await, secs(6));
    assert_eq!(*asked.lock().unwrap(), [secs(2), secs(4), secs(6)]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_no_time_it_ends_when_nothing_waits() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("none")?;
    server.cast(Msg::act(|_, ctx| {
        ctx.stop_when_idle(Duration::ZERO, || true);
        Ok(())
    }))?;
    server.cast(Msg::Note("waits"))?;
    assert!(pid.monitor().await.is_normal());
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(log.take(), ["waits", "terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_no_time_who_says_no_lets_time_pass() -> Outcome {
    let asked = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&asked);
    let server = idle(&Log::default(), Duration::ZERO, move || {
        counts.fetch_add(1, Ordering::Relaxed) > 10_000
    })
    .await;
    sleep(secs(1)).await;
    assert!(server.is_alive());
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    let asked = asked.load(Ordering::Relaxed);
    assert!((500..=1_002).contains(&asked), "{asked} times in a second");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_longest_time_is_never_over() -> Outcome {
    let server = idle(&Log::default(), Duration::MAX, || true).await;
    sleep(secs(86_400 * 365)).await;
    assert!(server.is_alive());
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_second_one_takes_the_place_of_the_first() -> Outcome {
    let begun = Instant::now();
    let server = idle(&Log::default(), secs(2), || panic!("not asked any more")).await;
    sleep(secs(1)).await;
    inside(&server, |_, ctx| ctx.stop_when_idle(secs(7), || true)).await;
    assert_eq!(end_of(&server, begun).await, secs(8));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_idle_message_is_something_to_do() -> Outcome {
    let (log, begun) = (Log::default(), Instant::now());
    let server = idle(&log, secs(15), || true).await;
    inside(&server, |_, ctx| {
        ctx.idle_after(secs(10), Msg::Note("idle"));
    })
    .await;
    assert_eq!(end_of(&server, begun).await, secs(25));
    assert_eq!(log.take(), ["idle", "terminate: normal", "state dropped"]);
    // Both at the same time: the message first, and then the whole time again.
    let (log, begun) = (Log::default(), Instant::now());
    let server = idle(&log, secs(10), || true).await;
    inside(&server, |_, ctx| {
        ctx.idle_after(secs(10), Msg::Note("idle"));
    })
    .await;
    assert_eq!(end_of(&server, begun).await, secs(20));
    // The later one does not come.
    let (log, begun) = (Log::default(), Instant::now());
    let server = idle(&log, secs(5), || true).await;
    inside(&server, |_, ctx| {
        ctx.idle_after(secs(10), Msg::Note("never"));
    })
    .await;
    assert_eq!(end_of(&server, begun).await, secs(5));
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_it_agreed_is_handled() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let (own, end) = (server.clone(), server.pid().ok_or("none")?.monitor());
    inside(&server, move |_, ctx| {
        ctx.stop_when_idle(secs(1), move || {
            own.cast(Msg::Note("sent before")).unwrap();
            own.cast(Msg::Note("this too")).unwrap();
            true
        });
    })
    .await;
    assert!(end.await.is_normal());
    assert_eq!(
        log.take(),
        [
            "sent before",
            "this too",
            "terminate: normal",
            "state dropped"
        ]
    );
    assert_eq!(server.info().dropped, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_one_who_is_asked_is_the_servers() -> Outcome {
    let log = Log::default();
    let server = idle(&log, secs(1), || panic!("may it")).await;
    let end = server.pid().ok_or("none")?.monitor().await;
    assert_eq!(panic_message(&end), Some("may it"));
    assert_eq!(log.take(), ["terminate: panicked: may it", "state dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn looking_in_does_not_begin_the_time_anew() -> Outcome {
    let begun = Instant::now();
    let server = idle(&Log::default(), secs(5), || true).await;
    sleep(secs(3)).await;
    server.inspect(|_: &Probe| ()).await?;
    let _ = server.info();
    drop(server.suspend().await?);
    assert_eq!(end_of(&server, begun).await, secs(5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_server_does_not_stop() -> Outcome {
    let begun = Instant::now();
    let server = idle(&Log::default(), secs(5), || true).await;
    let resting = server.suspend().await?;
    sleep(secs(60)).await;
    assert!(server.is_alive());
    drop(resting);
    assert_eq!(end_of(&server, begun).await, secs(60));
    Ok(())
}
