//! What is no server of its own: plain processes, an inbox, and those that have ended.

use std::future::pending;

use otp_core::{ExitReason, inbox, spawn, spawn_monitor};
use tokio::task::yield_now;

use super::{drill, told};
use crate::support::{Log, Msg, Outcome, Probe, block_on, quiet};

#[tokio::test(start_paused = true)]
async fn a_plain_process_that_waits_is_dropped() -> Outcome {
    let log = Log::default();
    let held = log.on_drop("dropped");
    let (pid, end) = spawn_monitor(async move {
        let _held = held;
        pending().await
    })?;
    quiet().await;
    pid.crash("drill");
    assert!(drill(&end.await));
    assert_eq!(log.take(), ["dropped"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_plain_process_can_be_crashed_before_its_first_poll_and_at_any_later_one() -> Outcome {
    for polls in 0..5 {
        let (pid, end) = spawn_monitor(async {
            loop {
                yield_now().await;
            }
        })?;
        for _ in 0..polls {
            yield_now().await;
        }
        pid.crash("drill");
        assert!(drill(&end.await), "after {polls} polls");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_plain_process_that_ends_before_it_waits_again_ends_as_it_says() -> Outcome {
    let (_, end) = spawn_monitor(async {
        otp_core::Pid::current().unwrap().crash("drill");
        Ok(())
    })?;
    assert!(end.await.is_normal());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_reads_an_inbox_finds_its_end_and_the_callers_are_told() -> Outcome {
    for polled in [false, true] {
        let (address, mut inbox) = inbox::<Msg>();
        let caller = tokio::spawn({
            let address = address.clone();
            async move { address.call(|reply| Msg::Echo(1, reply)).await }
        });
        quiet().await;
        let pid = inbox.pid();
        let end = pid.monitor();
        pid.crash("drill");
        if polled {
            assert!(inbox.recv().await.is_none());
            assert!(inbox.try_recv().is_none());
        }
        drop(inbox);
        assert!(drill(&end.await), "polled: {polled}");
        assert!(told(&caller.await?));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_waits_at_an_inbox_is_woken_by_a_crash() -> Outcome {
    let (address, mut inbox) = inbox::<Msg>();
    let pid = inbox.pid();
    let reader = tokio::spawn(async move { inbox.recv().await.is_none() });
    quiet().await;
    pid.crash("drill");
    assert!(reader.await?);
    assert!(!address.is_alive());
    Ok(())
}

#[test]
fn the_first_way_in_which_an_inbox_was_ended_is_the_reason() {
    let (address, mut inbox) = inbox::<Msg>();
    let pid = inbox.pid();
    let end = pid.monitor();
    pid.crash("drill");
    assert!(inbox.try_recv().is_none());
    pid.crash("another");
    assert!(inbox.try_recv().is_none());
    drop((inbox, address));
    assert!(drill(&block_on(end)));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_has_ended_is_not_impressed() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let pid = server.pid().ok_or("no pid")?;
    server.stop().await?;
    pid.crash("drill");
    let plain = spawn(async { Ok(()) })?;
    quiet().await;
    plain.crash("drill");
    quiet().await;
    assert_eq!(log.take(), ["terminate: normal", "state dropped"]);
    assert!(matches!(pid.monitor().await, ExitReason::NoProc));
    assert!(matches!(plain.monitor().await, ExitReason::NoProc));
    Ok(())
}
