//! Links, unlinks and ends at the same time on several threads.

use std::future::pending;
use std::sync::Arc;

use otp_core::{ExitReason, Pid};
use tokio::sync::Barrier;

use crate::exits::{Kind, Subject, boom};
use crate::support::{Msg, Outcome, inside};

const ROUNDS: usize = 300;

/// A server that traps exits, and a future that is woken at the same time as it.
async fn trapping() -> (Subject, Arc<Barrier>) {
    (
        Subject::new(Kind::Trapping).await,
        Arc::new(Barrier::new(2)),
    )
}

/// Waits until a server has handled whatever it has been told.
async fn settled(subject: &Subject) -> Vec<String> {
    let server = subject.server.as_ref().unwrap();
    // Once for the handler in hand, and once for what that one had it told.
    inside(server, |_, _| ()).await;
    inside(server, |_, _| ()).await;
    subject.log.take()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_arrives_after_an_unlink_that_races_with_the_end() -> Outcome {
    for _ in 0..ROUNDS {
        let (subject, barrier) = trapping().await;
        let (server, also) = (
            subject.server.clone().ok_or("no server")?,
            Arc::clone(&barrier),
        );
        let ends = async move {
            also.wait().await;
            Err(boom())
        };
        let pid = inside(&server, |_, ctx| ctx.spawn_link(ends)).await;
        let (whom, end) = (pid.clone(), pid.monitor());
        server.cast(Msg::run(move |probe, ctx| {
            Box::pin(async move {
                barrier.wait().await;
                ctx.unlink(&whom);
                probe.log.note("unlinked");
                Ok(())
            })
        }))?;
        end.await;
        assert_eq!(settled(&subject).await, ["unlinked"]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_races_with_the_end_is_told_of_it_once() -> Outcome {
    let mut seen = [0; 2];
    for _ in 0..ROUNDS {
        let (subject, barrier) = trapping().await;
        let also = Arc::clone(&barrier);
        let pid = otp_core::spawn(async move {
            also.wait().await;
            Err(boom())
        })?;
        let (whom, end) = (pid.clone(), pid.monitor());
        let server = subject.server.as_ref().ok_or("no server")?;
        server.cast(Msg::run(move |_, ctx| {
            Box::pin(async move {
                barrier.wait().await;
                ctx.link(&whom)?;
                Ok(())
            })
        }))?;
        end.await;
        let lines = settled(&subject).await;
        let as_linked = lines == [format!("EXIT {pid}: boom")];
        let as_ended = lines == [format!("EXIT {pid}: no such process")];
        assert!(as_linked || as_ended, "{lines:?}");
        seen[usize::from(as_linked)] += 1;
    }
    assert_eq!(seen.iter().sum::<usize>(), ROUNDS);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitor_that_races_with_the_end_reports_once() -> Outcome {
    for _ in 0..ROUNDS {
        let (subject, barrier) = trapping().await;
        let also = Arc::clone(&barrier);
        let pid = otp_core::spawn(async move {
            also.wait().await;
            Err(boom())
        })?;
        let (whom, end) = (pid.clone(), pid.monitor());
        let server = subject.server.as_ref().ok_or("no server")?;
        server.cast(Msg::run(move |_, ctx| {
            Box::pin(async move {
                barrier.wait().await;
                ctx.monitor(&whom);
                let taken_away = ctx.monitor(&whom);
                assert!(ctx.demonitor(taken_away));
                Ok(())
            })
        }))?;
        end.await;
        let lines = settled(&subject).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with(&format!("DOWN {pid}: ")), "{lines:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_are_linked_and_end_at_once_hang_nobody() -> Outcome {
    for _ in 0..ROUNDS {
        let barrier = Arc::new(Barrier::new(2));
        let first = Subject::new(Kind::Server).await;
        let server = first.server.clone().ok_or("no server")?;
        let also = Arc::clone(&barrier);
        let plain = inside(&server, |_, ctx| {
            ctx.spawn_link(async move {
                also.wait().await;
                Err(boom())
            })
        })
        .await;
        let ends = [first.pid.monitor(), plain.monitor()];
        server.cast(Msg::run(move |_, _| {
            Box::pin(async move {
                barrier.wait().await;
                Err(ExitReason::Shutdown)
            })
        }))?;
        for end in ends {
            let reason = end.await.to_string();
            assert!(["boom", "shutdown"].contains(&reason.as_str()), "{reason}");
        }
    }
    Ok(())
}

/// Two servers link and unlink each other as fast as they can, each in the order that suits it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_made_from_both_sides_at_once_stand_on_both_or_on_neither() -> Outcome {
    for round in 0..ROUNDS {
        let (a, b) = (
            Subject::new(Kind::Trapping).await,
            Subject::new(Kind::Trapping).await,
        );
        let barrier = Arc::new(Barrier::new(2));
        let link_last = round % 2 == 0;
        for (one, other) in [(&a, &b), (&b, &a)] {
            let (barrier, whom): (_, Pid) = (Arc::clone(&barrier), other.pid.clone());
            let server = one.server.as_ref().ok_or("no server")?;
            server.cast(Msg::run(move |_, ctx| {
                Box::pin(async move {
                    barrier.wait().await;
                    for _ in 0..50 {
                        ctx.link(&whom)?;
                        ctx.unlink(&whom);
                    }
                    if link_last {
                        ctx.link(&whom)?;
                    }
                    Ok(())
                })
            }))?;
        }
        for subject in [&a, &b] {
            assert_eq!(settled(subject).await, [""; 0]);
        }
        let told = format!("EXIT {}: killed", b.pid);
        let b_pid = b.pid.clone();
        b.end(crate::exits::End::Killed).await;
        let lines = settled(&a).await;
        // Whoever came last decided, unless both made it last: one may still unlink after the other's link.
        if !link_last {
            assert_eq!(lines, [""; 0]);
        }
        assert!(lines.is_empty() || lines == [told], "{b_pid}: {lines:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_of_links_that_is_torn_in_many_places_at_once_ends_whole() -> Outcome {
    for _ in 0..30 {
        let mut web = Vec::new();
        for _ in 0..20 {
            web.push(Subject::new(Kind::Server).await);
        }
        for (at, one) in web.iter().enumerate() {
            for other in &web[at + 1..] {
                one.link(other).await;
            }
            let server = one.server.as_ref().ok_or("no server")?;
            inside(server, |_, ctx| ctx.spawn_link(pending())).await;
        }
        let ends: Vec<_> = web.iter().map(|one| one.pid.monitor()).collect();
        let torn: Vec<_> = web.iter().step_by(5).map(|one| one.pid.clone()).collect();
        let tear = torn
            .into_iter()
            .map(|pid| std::thread::spawn(move || pid.exit(boom())));
        for thread in tear.collect::<Vec<_>>() {
            thread.join().map_err(|_| "a panic")?;
        }
        for end in ends {
            assert_eq!(end.await.to_string(), "boom");
        }
    }
    Ok(())
}
