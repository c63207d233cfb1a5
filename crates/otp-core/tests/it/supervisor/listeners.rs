//! Those who hear of what happens in a tree, and do not behave.

use std::sync::Arc;

use otp_core::{
    Child, Context, ExitReason, GenServer, ReplyTo, ServerOptions, Strategy, SupervisorEvent,
    start_with,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Events, crash, named, patient, probe, state};
use crate::support::{Log, Msg, Outcome, ms, quiet};

enum Heard {
    Event(SupervisorEvent),
    Events(ReplyTo<Vec<String>>),
    Hang(oneshot::Receiver<()>),
}

impl From<SupervisorEvent> for Heard {
    fn from(event: SupervisorEvent) -> Self {
        Self::Event(event)
    }
}

#[derive(Default)]
struct Listener(Vec<String>);

impl GenServer for Listener {
    type Msg = Heard;

    async fn handle(&mut self, msg: Heard, _: &mut Context<Heard>) -> Result<(), ExitReason> {
        match msg {
            Heard::Event(event) => {
                let line = event.to_string();
                let what = line.split(" as <").next().unwrap_or_default();
                self.0.push(what.to_owned());
            }
            Heard::Events(reply) => reply.send(std::mem::take(&mut self.0)),
            Heard::Hang(until) => {
                let _ = until.await;
            }
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_whose_mailbox_is_full_misses_events_and_nobody_waits_for_it() -> Outcome {
    let listener = start_with(Listener::default(), ServerOptions::default().bounded(1)).await?;
    let (go, until) = oneshot::channel();
    listener.cast(Heard::Hang(until))?;
    quiet().await;
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let begun = Instant::now();
    let tree = patient(Strategy::OneForOne)
        .report_to(listener.recipient())
        .child(child)
        .start()
        .await?;
    for _ in 0..10 {
        server.cast(Msg::end(ExitReason::boxed("boom")))?;
        assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    }
    assert_eq!(begun.elapsed(), ms(0));
    assert_eq!(listener.info().mailbox_len, 1);
    let _ = go.send(());
    quiet().await;
    assert_eq!(
        listener.call(Heard::Events).await?,
        ["root/a: starting"],
        "the first, and no other"
    );
    // From now on it hears again.
    tree.terminate_child("a").await?;
    quiet().await;
    assert!(!listener.call(Heard::Events).await?.is_empty());
    tree.stop().await?;
    Ok(())
}

/// What no event can become.
struct Never;

impl From<SupervisorEvent> for Never {
    fn from(event: SupervisorEvent) -> Self {
        panic!("no listener for {event}")
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_cannot_take_an_event_without_a_panic_disturbs_nobody() -> Outcome {
    let (address, _inbox) = otp_core::inbox::<Never>();
    let (mut events, listener) = Events::new();
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let plan = patient(Strategy::OneForOne)
        .report_to(address.recipient())
        .report_to(listener);
    let started = tokio::time::timeout(ms(100), plan.child(child).start()).await;
    let tree = started.map_err(|_| "the start hangs")??;
    crash(&server).await;
    assert!(server.is_alive());
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    tree.terminate_child("a").await?;
    assert_eq!(
        events.take(),
        [
            "root/a: starting",
            "root/a: started as <0>",
            "root/a: <0> exited: boom",
            "root/a: starting",
            "root/a: started as <1>, restart 1",
            "root/a: stopping <1>",
            "root/a: <1> exited: shutdown",
        ]
    );
    tree.stop().await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_ends_of_a_killed_supervisors_children_are_told() -> Outcome {
    let (mut events, listener) = Events::new();
    let nested = patient(Strategy::OneForOne).child(probe("given", &Log::default()));
    let nested = Child::supervisor("nested", nested);
    let below = nested.supervisor_ref();
    let tree = patient(Strategy::OneForOne)
        .report_to(listener)
        .child(nested)
        .start()
        .await?;
    let later = below.start_child(probe("later", &Log::default())).await?;
    quiet().await;
    events.take();
    below.pid().ok_or("no pid")?.kill();
    quiet().await;
    assert!(!later.is_alive());
    let mut ends = events.take();
    ends.retain(|line| line.contains("exited"));
    ends.sort();
    assert_eq!(ends.len(), 3, "{ends:?}");
    for (line, who) in ends
        .iter()
        .zip(["nested/given", "nested/later", "nested: <"])
    {
        assert!(line.starts_with(&format!("root/{who}")), "{line}");
        assert!(line.ends_with("exited: killed"), "{line}");
    }
    let root = tree.pid().ok_or("no pid")?;
    root.kill();
    quiet().await;
    let mut ends = events.take();
    ends.retain(|line| line.contains("exited"));
    assert_eq!(ends.len(), 2, "{ends:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_be_a_child_of_the_tree_and_nothing_is_left_of_it() -> Outcome {
    let marks = Arc::new(());
    let held = Arc::clone(&marks);
    let listener = Child::server("listener", move || {
        let _ = &held;
        Listener::default()
    });
    let address = listener.server_ref();
    let log = Log::default();
    let plan = patient(Strategy::OneForOne).report_to(address.recipient());
    let tree = plan.child(listener).child(named("a", &log)).start().await?;
    quiet().await;
    let heard = address.call(Heard::Events).await?;
    assert_eq!(
        heard,
        [
            "root/listener: starting",
            "root/listener: started",
            "root/a: starting",
            "root/a: started"
        ]
    );
    address.pid().ok_or("no pid")?.kill();
    quiet().await;
    let heard = address.call(Heard::Events).await?;
    assert_eq!(heard.len(), 3, "{heard:?}");
    tree.stop().await?;
    drop((address, tree));
    tokio::time::sleep(ms(10_000)).await;
    assert_eq!(Arc::strong_count(&marks), 1);
    assert_eq!(log.take(), ["up a", "down a", "dropped a"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_listener_that_has_ended_is_let_go() -> Outcome {
    let (address, inbox) = otp_core::inbox::<SupervisorEvent>();
    let weak = address.downgrade();
    let child = probe("a", &Log::default());
    let server = child.server_ref();
    let tree = patient(Strategy::OneForOne)
        .report_to(address.recipient())
        .child(child)
        .start()
        .await?;
    drop(address);
    assert!(weak.upgrade().is_some());
    drop(inbox);
    crash(&server).await;
    assert!(weak.upgrade().is_none());
    assert!(matches!(
        state(&tree, "a").await,
        otp_core::ChildState::Running(_)
    ));
    tree.stop().await?;
    Ok(())
}
