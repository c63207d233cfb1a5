//! Calls to a server whose bounded mailbox is full: they wait for room, within their own time.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::support::{Log, Msg, Outcome, Probe, ms, poll_now, quiet, secs, shown};

/// How late a time-out may come.
const LATE: Duration = ms(20);

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_room_within_its_own_time() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(1).await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("first"))?;
    let begun = Instant::now();
    let refused = server.call_timeout(
        |reply| {
            Msg::act(move |probe, _| {
                probe.log.note("handled too late");
                reply.send(());
                Ok(())
            })
        },
        secs(1),
    );
    assert_eq!(shown(&refused.await), "Err(Timeout)");
    assert!(begun.elapsed() >= secs(1) && begun.elapsed() <= secs(1) + LATE);
    drop(resting);
    quiet().await;
    assert_eq!(log.take(), ["first"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_for_room_counts_towards_the_time() -> Outcome {
    let server = Probe::new(&Log::default()).start_bounded(1).await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("first"))?;
    let asked = server.clone();
    let answered = tokio::spawn(async move { asked.call(|reply| Msg::Echo(1, reply)).await });
    quiet().await;
    let (asked, begun) = (server.clone(), Instant::now());
    let late = tokio::spawn(async move { asked.call(Msg::Keep).await });
    sleep(secs(4)).await;
    drop(resting);
    assert_eq!(answered.await??, 1);
    assert_eq!(shown(&late.await?), "Err(Timeout)");
    assert!(begun.elapsed() >= secs(5) && begun.elapsed() <= secs(5) + LATE);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_given_up_while_it_waits_for_room_is_never_handled() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start_bounded(1).await?;
    let resting = server.suspend().await?;
    server.cast(Msg::Note("first"))?;
    {
        let inside = log.on_drop("message dropped");
        let call = server.call(|reply| {
            Msg::act(move |_, _| {
                reply.send(inside);
                Ok(())
            })
        });
        assert!(poll_now(pin!(call)).is_pending());
    }
    assert_eq!(log.take(), ["message dropped"]);
    drop(resting);
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    assert_eq!(log.take(), ["first"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_room_is_told_of_the_end() -> Outcome {
    let server = Probe::new(&Log::default()).start_bounded(1).await?;
    let _resting = server.suspend().await?;
    server.cast(Msg::Note("first"))?;
    let mut waiting = pin!(server.call(|reply| Msg::Echo(1, reply)));
    assert!(poll_now(waiting.as_mut()).is_pending());
    server.pid().unwrap().kill();
    assert_eq!(shown(&waiting.await), "Err(Exited(Killed))");
    Ok(())
}
