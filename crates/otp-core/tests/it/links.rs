//! Links: how they are made and unmade.

mod many;
mod race;

use otp_core::{ExitReason, LinkError};

use crate::exits::{End, Kind, Subject, boom};
use crate::support::{Outcome, inside, quiet};

#[tokio::test(start_paused = true)]
async fn a_link_holds_both_ways() -> Outcome {
    for first_ends in [true, false] {
        let (first, second) = (
            Subject::new(Kind::Server).await,
            Subject::new(Kind::Server).await,
        );
        first.link(&second).await;
        let (ends, stays) = if first_ends {
            (first, second)
        } else {
            (second, first)
        };
        let over = stays.pid.monitor();
        ends.end(End::With(boom())).await;
        assert_eq!(over.await.to_string(), "boom");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn there_is_one_link_between_two_processes() -> Outcome {
    for times in [1, 3] {
        let (a, b) = (
            Subject::new(Kind::Trapping).await,
            Subject::new(Kind::Trapping).await,
        );
        for _ in 0..times {
            a.link(&b).await;
            b.link(&a).await;
        }
        let (b_pid, b_log) = (b.pid.clone(), b.log.clone());
        let keeps = [(true, 0), (false, 1)][usize::from(times == 1)];
        if keeps.0 {
            let whom = b_pid.clone();
            inside(a.server.as_ref().ok_or("no server")?, move |_, ctx| {
                ctx.unlink(&whom);
            })
            .await;
        }
        b.end(End::With(boom())).await;
        quiet().await;
        let told = vec![format!("EXIT {b_pid}: boom"); keeps.1];
        assert_eq!(a.log.take(), told);
        a.end(End::Killed).await;
        assert!(!b_log.take().iter().any(|line| line.starts_with("EXIT")));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_is_not_linked_with_itself() -> Outcome {
    for kind in [Kind::Server, Kind::Trapping] {
        let subject = Subject::new(kind).await;
        let own = subject.pid.clone();
        let server = subject.server.as_ref().ok_or("no server")?;
        let linked = inside(server, move |_, ctx| {
            let linked = ctx.link(&own);
            ctx.unlink(&own);
            (linked, ctx.link(&own))
        });
        assert_eq!(linked.await, (Ok(()), Ok(())));
        quiet().await;
        let (log, over) = (subject.log.clone(), subject.pid.monitor());
        assert_eq!(log.take(), [""; 0]);
        subject.end(End::With(boom())).await;
        assert_eq!(over.await.to_string(), "boom");
        assert_eq!(log.take(), ["terminate: boom", "state dropped"]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn linking_to_an_ended_process_is_an_error() -> Outcome {
    for kind in [Kind::Server, Kind::Plain] {
        let (subject, ended) = (Subject::new(Kind::Server).await, Subject::new(kind).await);
        let whom = ended.pid.clone();
        ended.end(End::With(boom())).await;
        let server = subject.server.as_ref().ok_or("no server")?;
        let linked = inside(server, move |_, ctx| ctx.link(&whom)).await;
        assert_eq!(linked, Err(LinkError::NoProc));
        assert_eq!(linked.unwrap_err().to_string(), "no such process");
        quiet().await;
        assert_eq!(subject.log.take(), [""; 0]);
        assert!(subject.pid.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_traps_is_told_of_linking_to_an_ended_process() -> Outcome {
    let (subject, ended) = (
        Subject::new(Kind::Trapping).await,
        Subject::new(Kind::Plain).await,
    );
    let (whom, told) = (
        ended.pid.clone(),
        format!("EXIT {}: no such process", ended.pid),
    );
    ended.end(End::With(boom())).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let linked = inside(server, move |_, ctx| (ctx.link(&whom), ctx.link(&whom)));
    assert_eq!(linked.await, (Ok(()), Ok(())));
    quiet().await;
    assert_eq!(subject.log.take(), [told.clone(), told]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_linking_to_an_ended_process_told_can_be_flushed() -> Outcome {
    let (subject, ended) = (
        Subject::new(Kind::Trapping).await,
        Subject::new(Kind::Plain).await,
    );
    let whom = ended.pid.clone();
    ended.end(End::Killed).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let linked = inside(server, move |_, ctx| {
        let linked = ctx.link(&whom);
        ctx.unlink(&whom);
        linked
    });
    assert_eq!(linked.await, Ok(()));
    quiet().await;
    assert_eq!(subject.log.take(), [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_passes_after_unlinking() -> Outcome {
    for (kind, peer) in [
        (Kind::Server, Kind::Server),
        (Kind::Server, Kind::Plain),
        (Kind::Trapping, Kind::Server),
        (Kind::Trapping, Kind::Plain),
    ] {
        let (subject, peer) = (Subject::new(kind).await, Subject::new(peer).await);
        subject.link(&peer).await;
        let whom = peer.pid.clone();
        let server = subject.server.as_ref().ok_or("no server")?;
        inside(server, move |_, ctx| ctx.unlink(&whom)).await;
        peer.end(End::With(boom())).await;
        quiet().await;
        assert_eq!(subject.log.take(), [""; 0]);
        assert!(subject.pid.is_alive());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_link_may_be_undone_from_either_side() -> Outcome {
    let (made_it, undoes_it) = (
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Server).await,
    );
    made_it.link(&undoes_it).await;
    let whom = made_it.pid.clone();
    let server = undoes_it.server.as_ref().ok_or("no server")?;
    inside(server, move |_, ctx| ctx.unlink(&whom)).await;
    undoes_it.end(End::With(boom())).await;
    quiet().await;
    assert!(made_it.pid.is_alive());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unlinking_flushes_what_was_trapped() -> Outcome {
    let subject = Subject::new(Kind::Trapping).await;
    let (peer, other) = (
        Subject::new(Kind::Plain).await,
        Subject::new(Kind::Plain).await,
    );
    subject.link(&peer).await;
    subject.link(&other).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let suspended = server.suspend().await?;
    let (whom, other_pid) = (peer.pid.clone(), other.pid.clone());
    let swapped_out = whom.clone();
    server.cast(crate::support::Msg::act(move |probe, ctx| {
        // It is swapped out with this message: no less waiting than before.
        ctx.unlink(&swapped_out);
        probe.log.note("unlinked");
        Ok(())
    }))?;
    peer.end(End::With(boom())).await;
    other.end(End::With(boom())).await;
    // What `exit` sends is nothing that a link could take back.
    subject.pid.exit(ExitReason::Shutdown);
    drop(suspended);
    quiet().await;
    assert_eq!(
        subject.log.take(),
        [
            "unlinked".to_owned(),
            format!("EXIT {other_pid}: boom"),
            "EXIT nobody: shutdown".to_owned()
        ]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unlinking_leaves_what_the_other_one_sent_by_exit() -> Outcome {
    let subject = Subject::new(Kind::Trapping).await;
    let peer = Subject::new(Kind::Server).await;
    subject.link(&peer).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    let suspended = server.suspend().await?;
    let (whom, by) = (subject.pid.clone(), peer.pid.clone());
    let sender = peer.server.clone().ok_or("no server")?;
    inside(&sender, move |_, _| whom.exit(ExitReason::Shutdown)).await;
    drop(sender);
    peer.end(End::With(boom())).await;
    let gone = by.clone();
    let unlinks = crate::support::Msg::act(move |_, ctx| {
        ctx.continue_with(crate::support::Msg::Note("unlinked"));
        ctx.unlink(&gone);
        Ok(())
    });
    server.cast(unlinks)?;
    drop(suspended);
    quiet().await;
    // Both came before the message that unlinks.
    let expected = [
        format!("EXIT {by}: shutdown"),
        format!("EXIT {by}: boom"),
        "unlinked".to_owned(),
    ];
    assert_eq!(subject.log.take(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn unlinking_what_is_not_linked_does_nothing() -> Outcome {
    let (subject, stranger, ended) = (
        Subject::new(Kind::Trapping).await,
        Subject::new(Kind::Server).await,
        Subject::new(Kind::Plain).await,
    );
    let (stranger_pid, ended_pid) = (stranger.pid.clone(), ended.pid.clone());
    ended.end(End::Killed).await;
    let server = subject.server.as_ref().ok_or("no server")?;
    inside(server, move |_, ctx| {
        ctx.unlink(&stranger_pid);
        ctx.unlink(&ended_pid);
    })
    .await;
    subject.link(&stranger).await;
    let told = format!("EXIT {}: boom", stranger.pid);
    stranger.end(End::With(boom())).await;
    quiet().await;
    assert_eq!(subject.log.take(), [told]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_link_may_be_made_anew() -> Outcome {
    let (subject, peer) = (
        Subject::new(Kind::Trapping).await,
        Subject::new(Kind::Plain).await,
    );
    for _ in 0..3 {
        subject.link(&peer).await;
        let whom = peer.pid.clone();
        let server = subject.server.as_ref().ok_or("no server")?;
        inside(server, move |_, ctx| ctx.unlink(&whom)).await;
    }
    subject.link(&peer).await;
    let told = format!("EXIT {}: killed", peer.pid);
    peer.end(End::Killed).await;
    quiet().await;
    assert_eq!(subject.log.take(), [told]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inbox_may_be_linked() -> Outcome {
    let subject = Subject::new(Kind::Trapping).await;
    let server = subject.server.clone().ok_or("no server")?;
    let (address, mut inbox) = otp_core::inbox::<u32>();
    let whom = inbox.pid();
    inside(&server, move |_, ctx| ctx.link(&whom)).await?;
    // Its end is the drop of the end that reads.
    let told = format!("EXIT {}: normal", inbox.pid());
    drop(inbox);
    quiet().await;
    assert_eq!(subject.log.take(), [told]);

    (_, inbox) = otp_core::inbox::<u32>();
    let (whom, pid) = (inbox.pid(), inbox.pid());
    inside(&server, move |_, ctx| ctx.link(&whom)).await?;
    let end = pid.monitor();
    subject.end(End::With(boom())).await;
    assert!(inbox.recv().await.is_none());
    drop(inbox);
    assert_eq!(end.await.to_string(), "boom");
    drop(address);
    Ok(())
}
