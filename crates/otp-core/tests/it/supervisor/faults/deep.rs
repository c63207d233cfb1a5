//! Trees of many levels.

use otp_core::{Child, ExitReason, ServerRef, Strategy, Supervisor, SupervisorRef};

use crate::supervisor::{patient, probe};
use crate::support::{Log, Msg, Outcome, quiet};

/// So many supervisors, each the only child of the one above, with a server at the bottom.
fn deep(levels: usize, log: &Log) -> (Supervisor, ServerRef<Msg>) {
    let bottom = probe("bottom", log);
    let server = bottom.server_ref();
    let mut plan = patient(Strategy::OneForOne).child(bottom);
    for _ in 0..levels {
        plan = patient(Strategy::OneForOne).child(Child::supervisor("level", plan));
    }
    (plan, server)
}

async fn below(tree: &SupervisorRef, levels: usize) -> SupervisorRef {
    let mut at = tree.clone();
    for _ in 0..levels {
        at = at.supervisor("level").await.unwrap();
    }
    at
}

const LEVELS: usize = 300;

#[tokio::test(start_paused = true)]
async fn a_tree_of_hundreds_of_levels_starts_is_shown_and_stops() -> Outcome {
    let log = Log::default();
    let (plan, server) = deep(LEVELS, &log);
    let tree = plan.start().await?;
    assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    let shown = tree.snapshot().await?.to_string();
    assert_eq!(shown.lines().count(), LEVELS + 2);
    tree.stop().await?;
    assert_eq!(log.take(), ["terminate: shutdown", "state dropped"]);
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_killed_in_the_midst_of_hundreds_of_levels_comes_back() -> Outcome {
    let log = Log::default();
    let (plan, server) = deep(LEVELS, &log);
    let tree = plan.start().await?;
    for at in [1, LEVELS / 2, LEVELS] {
        let middle = below(&tree, at).await;
        middle.pid().ok_or("no pid")?.kill();
        quiet().await;
        assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
        middle.pid().ok_or("no pid")?.crash("drill");
        quiet().await;
        assert_eq!(server.call(|reply| Msg::Echo(1, reply)).await?, 1);
    }
    tree.terminate_child("level").await?;
    let refused = server.call(|reply| Msg::Echo(1, reply)).await;
    assert!(refused.is_err());
    let end = tree.pid().ok_or("no pid")?.monitor();
    drop(tree);
    assert!(matches!(end.await, ExitReason::Normal));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deep_specification_can_be_dropped_unstarted() -> Outcome {
    let (plan, server) = deep(LEVELS, &Log::default());
    server.cast(Msg::Note("kept"))?;
    drop(plan);
    assert!(server.cast(Msg::Note("refused")).is_err());
    Ok(())
}
