//! Panics in processes that are linked, monitored and watched: everybody is told.

use otp_core::{ExitReason, Monitor, Pid, ServerRef};
use tokio::time::sleep;

use super::{PanicsOnDrop, message_of};
use crate::cancel::ByHand;
use crate::exits::{End, Kind, Subject, boom};
use crate::order::holding;
use crate::support::{Log, Msg, Outcome, Probe, inside, quiet, secs};

/// Those who are to be told of an end: linked, monitoring, watching, calling, stopping, linked and not trapping.
struct Bound {
    pid: Pid,
    told: [Subject; 3],
    dies: Monitor,
    end: Monitor,
}

impl Bound {
    async fn to(server: &ServerRef<Msg>) -> Self {
        let pid = server.pid().unwrap();
        let told = [
            Subject::new(Kind::Trapping).await,
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Server).await,
        ];
        let (linked, monitored, watched) = (pid.clone(), pid.clone(), server.clone());
        let of = told
            .each_ref()
            .map(|subject| subject.server.clone().unwrap());
        inside(&of[0], move |_, ctx| ctx.link(&linked))
            .await
            .unwrap();
        inside(&of[1], move |_, ctx| ctx.monitor(&monitored)).await;
        inside(&of[2], move |_, ctx| {
            ctx.watch(&watched, |_| Msg::Note("changed"));
        })
        .await;
        let plain = inside(server, |_, ctx| ctx.spawn_link(std::future::pending())).await;
        Self {
            end: pid.monitor(),
            dies: plain.monitor(),
            told,
            pid,
        }
    }

    /// All of them have been told; returns what they were told.
    async fn told(self) -> ExitReason {
        let reason = self.end.await;
        assert_eq!(self.dies.await.to_string(), reason.to_string());
        quiet().await;
        let [linked, monitoring, watching] = self.told;
        let pid = self.pid;
        assert_eq!(linked.log.take(), [format!("EXIT {pid}: {reason}")]);
        assert_eq!(monitoring.log.take(), [format!("DOWN {pid}: {reason}")]);
        assert_eq!(watching.log.take(), ["changed"; 3]);
        reason
    }
}

/// A server that drops `bomb` with its state.
fn with_in_state(bomb: PanicsOnDrop) -> Probe {
    Probe::new(&Log::default()).on_told(move |_, _| {
        drop(bomb);
        Box::pin(async { Ok(()) })
    })
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_of_a_panic_wherever_it_happens() -> Outcome {
    let bomb = |text| PanicsOnDrop(text);
    let plain = || Probe::new(&Log::default());
    let cases: Vec<(&str, Probe, Vec<Msg>)> = vec![
        ("boom", plain(), vec![Msg::panic()]),
        (
            "in terminate",
            plain().on_terminate(|_, _| panic!("in terminate")),
            vec![Msg::end(ExitReason::Normal)],
        ),
        (
            "in the state",
            with_in_state(bomb("in the state")),
            vec![Msg::end(ExitReason::Normal)],
        ),
        (
            "in the state",
            with_in_state(bomb("in the state")),
            vec![Msg::panic()],
        ),
        (
            "in a handled message",
            plain(),
            vec![holding(bomb("in a handled message"))],
        ),
        (
            "in a map",
            plain(),
            vec![Msg::act(|_, ctx| {
                ctx.spawn_task(async {}, |_| panic!("in a map"));
                Ok(())
            })],
        ),
    ];
    for (message, probe, messages) in cases {
        let server = probe.start().await?;
        let bound = Bound::to(&server).await;
        messages
            .into_iter()
            .try_for_each(|message| server.cast(message))?;
        let reason = bound.told().await;
        assert_eq!(message_of(&reason), Some(message));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn everybody_is_told_though_what_is_left_panics_when_it_is_dropped() -> Outcome {
    for killed in [true, false] {
        let server = Probe::new(&Log::default()).start().await?;
        let bound = Bound::to(&server).await;
        server.cast(Msg::run(move |_, ctx| {
            ctx.send_after(secs(9), holding(PanicsOnDrop("in a timer")));
            ctx.continue_with(holding(PanicsOnDrop("in a continue")));
            Box::pin(async move {
                let _local = PanicsOnDrop("in a local");
                if killed {
                    std::future::pending::<()>().await;
                }
                sleep(secs(1)).await;
                std::mem::forget(_local);
                Err(boom())
            })
        }))?;
        for _ in 0..3 {
            server.cast(holding(PanicsOnDrop("in a message")))?;
        }
        quiet().await;
        if killed {
            bound.pid.kill();
        }
        let reason = bound.told().await;
        assert_eq!(reason.to_string(), ["boom", "killed"][usize::from(killed)]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_map_whose_drop_panics_harms_nobody_at_the_end() -> Outcome {
    let watched = Subject::new(Kind::Server).await;
    let server = Probe::new(&Log::default()).start().await?;
    let bound = Bound::to(&server).await;
    let of = watched.server.clone().ok_or("none")?;
    inside(&server, move |_, ctx| {
        for _ in 0..2 {
            let bomb = PanicsOnDrop("in a map");
            ctx.watch(&of, move |_| {
                let _captured = &bomb;
                Msg::Note("up")
            });
        }
    })
    .await;
    server.cast(Msg::end(ExitReason::Shutdown))?;
    assert!(matches!(bound.told().await, ExitReason::Shutdown));
    assert!(watched.pid.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_handle_exit_or_handle_down_is_told_to_everybody() -> Outcome {
    for links in [true, false] {
        let server = Probe::new(&Log::default()).on_told(|_, _| panic!("when told"));
        let server = server.start().await?;
        let bound = Bound::to(&server).await;
        let other = Subject::new(Kind::Plain).await;
        let whom = other.pid.clone();
        inside(&server, move |_, ctx| {
            ctx.trap_exit();
            if links {
                ctx.link(&whom).unwrap();
            } else {
                ctx.monitor(&whom);
            }
        })
        .await;
        let mut queued = ByHand::new(server.call(Msg::Keep));
        let resting = server.suspend().await?;
        other.end(End::With(boom())).await;
        assert!(queued.poll().is_pending());
        drop(resting);
        let reason = bound.told().await;
        assert_eq!(message_of(&reason), Some("when told"));
        assert!(queued.poll().is_ready());
    }
    Ok(())
}

/// Panics when it is woken.
struct Broken;

impl std::task::Wake for Broken {
    fn wake(self: std::sync::Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[tokio::test(start_paused = true)]
async fn a_linked_inbox_whose_waker_panics_keeps_nobody_from_being_told() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    // The first one to be told: its number is the lowest.
    let (_address, mut inbox) = otp_core::inbox::<u32>();
    let whom = inbox.pid();
    inside(&server, move |_, ctx| ctx.link(&whom)).await?;
    let broken = std::task::Waker::from(std::sync::Arc::new(Broken));
    {
        let mut receives = ByHand::woken(inbox.recv(), broken);
        assert!(receives.poll().is_pending());
    }
    let bound = Bound::to(&server).await;
    server.cast(Msg::end(boom()))?;
    assert_eq!(bound.told().await.to_string(), "boom");
    assert!(inbox.recv().await.is_none());
    Ok(())
}
