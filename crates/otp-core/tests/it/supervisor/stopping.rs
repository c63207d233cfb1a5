//! How trees and their children are stopped.

mod handles;
mod starting;

use otp_core::{Child, ExitReason, Shutdown, StopError, Strategy};
use tokio::time::{Instant, sleep};

use super::{Events, boom, named, patient, probe};
use crate::support::{Log, Msg, Outcome, Probe, inside, ms, quiet, secs};

/// A child whose `terminate` takes `time`.
fn slow(id: &'static str, log: &Log, time: std::time::Duration) -> Child<Msg> {
    let log = log.clone();
    Child::server(id, move || {
        let inside = log.clone();
        Probe::new(&Log::default()).on_terminate(move |_, _| {
            inside.note(format!("{id} begins"));
            Box::pin(async move {
                sleep(time).await;
                inside.note(format!("{id} is done"));
                Ok(())
            })
        })
    })
}

#[tokio::test(start_paused = true)]
async fn a_brutally_killed_child_does_not_terminate() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log).shutdown(Shutdown::BrutalKill);
    let end = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    let end = end.pid().ok_or("no pid")?.monitor();
    let begun = Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(log.take(), ["state dropped"]);
    assert_eq!(end.await.to_string(), "killed");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_child_is_killed_and_the_others_end_in_order() -> Outcome {
    let log = Log::default();
    let (mut events, listener) = Events::new();
    let tree = patient(Strategy::OneForOne)
        .report_to(listener)
        .child(named("first", &log))
        .child(slow("slow", &log, secs(60)).shutdown(Shutdown::Timeout(ms(700))))
        .child(named("last", &log))
        .start()
        .await?;
    log.take();
    events.take();
    let begun = Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), ms(700));
    let order = [
        "down last",
        "dropped last",
        "slow begins",
        "down first",
        "dropped first",
    ];
    assert_eq!(log.take(), order);
    assert_eq!(
        events.take(),
        [
            "root: stopping <3>",
            "root/last: stopping <2>",
            "root/last: <2> exited: shutdown",
            "root/slow: stopping <1>",
            "root/slow: <1> exited: killed",
            "root/slow: <1> was killed, it had not ended after 700ms",
            "root/first: stopping <0>",
            "root/first: <0> exited: shutdown",
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn children_end_one_after_the_other_each_in_its_own_time() -> Outcome {
    let log = Log::default();
    let tree = patient(Strategy::OneForOne)
        .child(slow("a", &log, secs(4)))
        .child(slow("b", &log, secs(4_000)).shutdown(Shutdown::Infinity))
        .child(slow("c", &log, secs(4)))
        .start()
        .await?;
    let begun = Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), secs(4_008));
    let order = ["c", "b", "a"].map(|id| [format!("{id} begins"), format!("{id} is done")]);
    assert_eq!(log.take(), order.concat());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_overtakes_what_waits_and_lets_the_handler_in_hand_finish() -> Outcome {
    let log = Log::default();
    let child = probe("a", &log);
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne).child(child).start().await?;
    server.cast(Msg::run(|probe, _| {
        Box::pin(async {
            sleep(secs(2)).await;
            probe.log.note("handler done");
            Ok(())
        })
    }))?;
    server.cast(Msg::Note("waits"))?;
    quiet().await;
    let begun = Instant::now();
    tree.stop().await?;
    assert_eq!(begun.elapsed(), ms(1_999));
    assert_eq!(
        log.take(),
        ["handler done", "terminate: shutdown", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_suspended_child_and_one_that_hangs_are_stopped() -> Outcome {
    let (rests, hangs) = (Log::default(), Log::default());
    let (resting, hanging) = (probe("rests", &rests), probe("hangs", &hangs));
    let (to_resting, to_hanging) = (resting.server_ref(), hanging.server_ref());
    let plan = patient(Strategy::OneForOne).child(resting).child(hanging);
    let tree = plan.start().await?;
    let guard = to_resting.suspend().await?;
    to_hanging.cast(Msg::hang())?;
    quiet().await;
    let begun = Instant::now();
    tree.stop().await?;
    // Five seconds for the one that hangs, none for the other.
    assert_eq!(begun.elapsed(), secs(5));
    assert_eq!(rests.take(), ["terminate: shutdown", "state dropped"]);
    assert_eq!(hangs.take(), ["hangs", "state dropped"]);
    drop(guard);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_child_that_ends_for_another_reason_while_it_is_stopped_does_not_disturb() -> Outcome {
    let log = Log::default();
    let stubborn = log.clone();
    let panics = Child::server("panics", move || {
        Probe::new(&stubborn).on_terminate(|_, _| panic!("boom"))
    });
    let errs = probe("errs", &log);
    let server = errs.server_ref();
    let plan = patient(Strategy::OneForOne).child(named("first", &log));
    let tree = plan.child(panics).child(errs).start().await?;
    log.take();
    server.cast(Msg::run(|_, _| {
        Box::pin(async {
            sleep(secs(1)).await;
            Err(boom())
        })
    }))?;
    quiet().await;
    let end = tree.pid().ok_or("no pid")?.monitor();
    tree.stop().await?;
    assert!(end.await.is_normal());
    assert_eq!(
        log.take(),
        [
            "terminate: boom",
            "state dropped",
            "terminate: shutdown",
            "state dropped",
            "down first",
            "dropped first"
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn children_that_crash_during_a_stop_are_not_restarted() -> Outcome {
    let log = Log::default();
    let (early, late) = (probe("early", &log), slow("late", &Log::default(), secs(3)));
    let server = early.server_ref();
    let plan = patient(Strategy::OneForOne).child(early).child(late);
    let tree = plan.start().await?;
    let stopping = tokio::spawn({
        let tree = tree.clone();
        async move { tree.stop().await }
    });
    quiet().await;
    server.cast(Msg::end(boom()))?;
    quiet().await;
    assert_eq!(log.take(), ["terminate: boom", "state dropped"]);
    assert!(!server.is_alive());
    stopping.await??;
    assert_eq!(log.take(), Vec::<String>::new());
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_with_a_reason_is_the_supervisors_and_not_its_childrens() -> Outcome {
    let log = Log::default();
    let tree = patient(Strategy::OneForOne)
        .child(probe("a", &log))
        .start()
        .await?;
    let waits = tokio::spawn({
        let tree = tree.clone();
        async move { tree.wait().await }
    });
    quiet().await;
    tree.stop_with(boom()).await.err().map_or(Ok(()), Err)?;
    assert_eq!(waits.await?.to_string(), "boom");
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    assert!(!tree.is_alive());
    assert!(matches!(tree.stop().await, Err(StopError::NoProc)));
    assert!(matches!(tree.wait().await, ExitReason::NoProc));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_nested_tree_is_stopped_within_its_place() -> Outcome {
    let log = Log::default();
    let nested = patient(Strategy::OneForAll)
        .child(named("b", &log))
        .child(named("c", &log));
    let tree = patient(Strategy::OneForOne)
        .child(named("a", &log))
        .child(Child::supervisor("nested", nested))
        .child(named("d", &log))
        .start()
        .await?;
    assert_eq!(log.take(), ["up a", "up b", "up c", "up d"]);
    tree.stop().await?;
    let mut downs = log.take();
    downs.retain(|line| line.starts_with("down"));
    assert_eq!(downs, ["down d", "down c", "down b", "down a"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn children_of_a_killed_supervisor_are_killed_and_those_that_trap_exits_clean_up() -> Outcome
{
    let (plain, traps) = (Log::default(), Log::default());
    let (a, b) = (probe("plain", &plain), probe("traps", &traps));
    let servers = [a.server_ref(), b.server_ref()];
    let tree = patient(Strategy::OneForOne)
        .child(a)
        .child(b)
        .start()
        .await?;
    inside(&servers[1], |_, ctx| ctx.trap_exit()).await;
    let ends = servers
        .each_ref()
        .map(|server| server.pid().unwrap().monitor());
    tree.pid().ok_or("no pid")?.kill();
    assert_eq!(tree.wait().await.to_string(), "killed");
    for end in ends {
        assert_eq!(end.await.to_string(), "killed");
    }
    assert_eq!(plain.take(), ["state dropped"]);
    assert_eq!(traps.take(), ["terminate: killed", "state dropped"]);
    for server in servers {
        assert!(server.cast(Msg::Note("refused")).is_err());
    }
    Ok(())
}
