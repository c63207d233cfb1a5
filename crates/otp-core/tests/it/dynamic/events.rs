//! What a dynamic supervisor tells of itself.

use otp_core::{Child, Restart, Shutdown};

use super::{both, counted, plain, stays};
use crate::supervisor::{Events, boom, crash};
use crate::support::{Log, Msg, Outcome, Probe, quiet, secs};

#[tokio::test(start_paused = true)]
async fn the_life_of_children_is_told_in_order() -> Outcome {
    for plan in both() {
        let (mut events, listener) = Events::new();
        let supervisor = plan.name("top").report_to(listener).start().await?;
        let (child, _) = counted("a", |before| if before == 1 { Err(boom()) } else { Ok(()) });
        let a = supervisor.start_child(child).await?;
        assert_eq!(events.take(), ["top/a: starting", "top/a: started as <0>"]);
        crash(&a).await;
        assert_eq!(
            events.take(),
            [
                "top/a: <0> exited: boom",
                "top/a: starting",
                "top/a: did not start: boom",
                "top/a: starting",
                "top/a: started as <1>, restart 1",
            ]
        );
        supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
        assert_eq!(
            events.take(),
            ["top/a: stopping <1>", "top/a: <1> exited: shutdown"]
        );
        let b = supervisor
            .start_child(plain("b").restart(Restart::Temporary))
            .await?;
        b.cast(Msg::end(boom()))?;
        quiet().await;
        let ignores = Child::server("c", || {
            Probe::new(&Log::default()).on_init(|_, ctx| {
                ctx.ignore();
                Box::pin(async { Ok(()) })
            })
        });
        assert!(supervisor.start_child(ignores).await.is_err());
        assert_eq!(
            events.take(),
            [
                "top/b: starting",
                "top/b: started as <2>",
                "top/b: <2> exited: boom",
                "top/c: starting",
                "top/c: declined to start",
            ]
        );
        supervisor.stop().await?;
        let own = events.take();
        assert_eq!(own, ["top: stopping <3>"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn giving_up_is_told_with_the_child() -> Outcome {
    for plan in both() {
        let (mut events, listener) = Events::new();
        let supervisor = plan.intensity(0, secs(1)).start().await?;
        supervisor.report_to(listener).await?;
        let a = supervisor.start_child(plain("a")).await?;
        let _b = supervisor.start_child(plain("b")).await?;
        events.take();
        crash(&a).await;
        assert_eq!(
            events.take(),
            [
                "root/a: <0> exited: boom",
                "root: gave up, a failed too often",
                "root: stopping <2>",
                "root/b: stopping <1>",
                "root/b: <1> exited: shutdown",
            ]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_stop_is_told() -> Outcome {
    for plan in both() {
        let (mut events, listener) = Events::new();
        let supervisor = plan.report_to(listener).start().await?;
        let child = stays("a", &Log::default()).shutdown(Shutdown::Timeout(secs(2)));
        let a = supervisor.start_child(child).await?;
        events.take();
        supervisor.terminate_child(&a.pid().ok_or("none")?).await?;
        let told = events.take();
        assert_eq!(told[0], "root/a: stopping <0>");
        // Whether the kill or the end is told first differs between the two kinds.
        let mut rest = told[1..].to_vec();
        rest.sort();
        let killed = "root/a: <0> was killed, it had not ended after 2s";
        assert_eq!(rest, ["root/a: <0> exited: killed", killed]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_nested_dynamic_supervisor_tells_with_its_path() -> Outcome {
    for plan in both() {
        let (mut events, listener) = Events::new();
        let child = Child::dynamic_supervisor("below", plan);
        let below = child.dynamic_supervisor_ref();
        let tree = otp_core::Supervisor::new(otp_core::Strategy::OneForOne).report_to(listener);
        let tree = tree.child(child).start().await?;
        events.take();
        let _a = below.start_child(plain("a").own_limit(0, secs(1))).await?;
        crash(&_a).await;
        assert_eq!(
            events.take(),
            [
                "root/below/a: starting",
                "root/below/a: started as <1>",
                "root/below/a: <1> exited: boom",
                "root/below/a: failed too often and is forgotten",
            ]
        );
        tree.stop().await?;
    }
    Ok(())
}
