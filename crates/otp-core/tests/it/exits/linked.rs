//! The end of a linked process.

use otp_core::ExitReason;

use super::{End, Kind, Subject, boom};
use crate::support::{Outcome, inside, panic_message, quiet};

/// What becomes of each kind of process that is linked with one which ends so.
async fn fates(of: &[Kind], end: End) -> Vec<String> {
    let mut fates = Vec::new();
    for &kind in of {
        for peer in [Kind::Server, Kind::Trapping, Kind::Plain] {
            for linked_by_peer in [false, true] {
                if kind == Kind::Plain && peer == Kind::Plain {
                    continue;
                }
                let (subject, peer) = (Subject::new(kind).await, Subject::new(peer).await);
                let over = subject.pid.monitor();
                if linked_by_peer {
                    peer.link(&subject).await;
                } else {
                    subject.link(&peer).await;
                }
                let of = peer.pid.clone();
                peer.end(end.clone()).await;
                fates.push(subject.fate(over, &of).await);
            }
        }
    }
    assert!(fates.len() >= 4);
    fates.dedup();
    fates
}

const NOT_TRAPPING: [Kind; 2] = [Kind::Server, Kind::Plain];

#[tokio::test(start_paused = true)]
async fn a_normal_end_does_nothing_to_those_linked() -> Outcome {
    let end = End::With(ExitReason::Normal);
    assert_eq!(fates(&NOT_TRAPPING, end).await, ["lives: "]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_normal_end_is_told_to_who_traps() -> Outcome {
    let end = End::With(ExitReason::Normal);
    assert_eq!(
        fates(&[Kind::Trapping], end).await,
        ["lives: EXIT P: normal"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_end_ends_those_linked_with_its_reason() -> Outcome {
    for (reason, text) in [
        (boom(), "boom"),
        (ExitReason::Shutdown, "shutdown"),
        (ExitReason::shutdown_with("moving"), "shutdown: moving"),
        (ExitReason::NoProc, "no such process"),
    ] {
        assert_eq!(
            fates(&NOT_TRAPPING, End::With(reason)).await,
            [format!("dies: {text}")]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_end_is_told_to_who_traps() -> Outcome {
    for (reason, text) in [(boom(), "boom"), (ExitReason::Shutdown, "shutdown")] {
        assert_eq!(
            fates(&[Kind::Trapping], End::With(reason)).await,
            [format!("lives: EXIT P: {text}")]
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_killed_process_takes_those_linked_along_as_killed() -> Outcome {
    assert_eq!(fates(&NOT_TRAPPING, End::Killed).await, ["dies: killed"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_is_told_to_who_traps_as_killed() -> Outcome {
    assert_eq!(
        fates(&[Kind::Trapping], End::Killed).await,
        ["lives: EXIT P: killed"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn kill_is_an_ordinary_reason_through_a_link() -> Outcome {
    let end = End::With(ExitReason::Kill);
    assert_eq!(fates(&NOT_TRAPPING, end).await, ["dies: kill"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn kill_through_a_link_can_be_trapped() -> Outcome {
    let end = End::With(ExitReason::Kill);
    assert_eq!(fates(&[Kind::Trapping], end).await, ["lives: EXIT P: kill"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_reason_is_the_very_same_for_all_down_a_chain() -> Outcome {
    // A signal travels from link to link, in no matter which order they were made.
    let mut chain = vec![Subject::new(Kind::Server).await];
    for _ in 0..50 {
        let next = Subject::new(Kind::Server).await;
        chain[chain.len() - 1].link(&next).await;
        chain.push(next);
    }
    let last = Subject::new(Kind::Trapping).await;
    last.link(&chain[50]).await;
    let ends: Vec<_> = chain.iter().map(|subject| subject.pid.monitor()).collect();
    let reason = ExitReason::from(std::fmt::Error);
    chain.remove(25).end(End::With(reason)).await;
    for end in ends {
        assert!(end.await.downcast_ref::<std::fmt::Error>().is_some());
    }
    let pid = &chain[49].pid;
    assert_eq!(
        last.log.take(),
        [format!("EXIT {pid}: {}", std::fmt::Error)]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_reason_that_others_see() -> Outcome {
    let (subject, peer) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Plain).await,
    );
    subject.link(&peer).await;
    let ends = [subject.pid.monitor(), peer.pid.monitor()];
    let server = subject.server.as_ref().ok_or("no server")?;
    let panics = async { panic!("in the future") };
    let pid = inside(server, |_, ctx| ctx.spawn_link(panics)).await;
    quiet().await;
    assert!(!pid.is_alive());
    for end in ends {
        assert_eq!(panic_message(&end.await), Some("in the future"));
    }
    Ok(())
}
