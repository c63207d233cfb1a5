//! Senders and callers that wait for room.

use std::task::Poll;
use std::time::Duration;

use otp_core::{CallError, ExitReason, ServerRef};

use super::{Gated, Item, number_of};
use crate::cancel::{ByHand, waker};
use crate::inbox::does_not_hang;
use crate::support::{Outcome, quiet};

#[tokio::test(start_paused = true)]
async fn a_cast_that_may_wait_does_nothing_before_it_is_polled() -> Outcome {
    let gated = Gated::default();
    let server = gated.start(1).await?;
    let mut cast = ByHand::new(server.cast_wait(gated.item(1)));
    assert_eq!(server.info().mailbox_len, 0);
    assert!(matches!(cast.poll(), Poll::Ready(Ok(()))), "there is room");
    assert_eq!(server.info().mailbox_len, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn waiting_senders_are_let_in_first_come_first_served() -> Outcome {
    let gated = Gated::default();
    let server = gated.start(2).await?;
    let mut casts: Vec<_> = (0..10)
        .map(|number| ByHand::new(server.cast_wait(gated.item(number))))
        .collect();
    let accepted = |casts: &mut Vec<ByHand<'_, _>>| -> Vec<bool> {
        casts.iter_mut().map(ByHand::poll_once_done).collect()
    };
    assert_eq!(accepted(&mut casts).iter().filter(|done| **done).count(), 2);
    for handled in 0..8 {
        quiet().await;
        // One is in hand, two are in the mailbox.
        let expected: Vec<_> = (0..10).map(|number| number < handled + 3).collect();
        assert_eq!(accepted(&mut casts), expected);
        gated.release(1);
    }
    gated.release(2);
    quiet().await;
    assert_eq!(gated.handled(), (0..10).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn no_later_cast_overtakes_a_waiting_sender() -> Outcome {
    let gated = Gated::default();
    let server = gated.start(1).await?;
    server.cast(gated.item(0))?;
    quiet().await;
    server.cast(gated.item(1))?;
    let mut waiting = ByHand::new(server.cast_wait(gated.item(2)));
    assert!(waiting.poll().is_pending());
    gated.release(1);
    assert_eq!(number_of(server.cast(gated.item(9))), ("full", 9));
    quiet().await;
    assert_eq!(
        number_of(server.cast(gated.item(9))),
        ("full", 9),
        "the room was the waiting one's"
    );
    assert!(matches!(waiting.poll(), Poll::Ready(Ok(()))));
    gated.release(2);
    quiet().await;
    assert_eq!(gated.handled(), [0, 1, 2]);
    server.cast(gated.item(3))?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_gave_up_is_not_heard_and_keeps_nobody_waiting() -> Outcome {
    let gated = Gated::default();
    let server = gated.start(1).await?;
    server.cast(gated.item(0))?;
    quiet().await;
    server.cast(gated.item(1))?;
    let mut casts: Vec<_> = (2..12)
        .map(|number| ByHand::new(server.cast_wait(gated.item(number))))
        .collect();
    casts
        .iter_mut()
        .for_each(|cast| assert!(cast.poll().is_pending()));
    assert_eq!(gated.existing(1), 12);
    // Those with an even number lose patience.
    let mut index = 0;
    casts.retain(|_| {
        index += 1;
        index % 2 == 0
    });
    assert_eq!(gated.existing(1), 7, "their messages are dropped at once");
    gated.release(7);
    quiet().await;
    assert_eq!(gated.handled(), [0, 1, 3, 5, 7, 9, 11]);
    drop(casts);
    // Only quitters in the line: they must not count as somebody who waits.
    server.cast(gated.item(20))?;
    quiet().await;
    server.cast(gated.item(21))?;
    let mut quitter = ByHand::new(server.cast_wait(gated.item(22)));
    assert!(quitter.poll().is_pending());
    drop(quitter);
    gated.release(1);
    quiet().await;
    server.cast(gated.item(23))?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_waiting_sender_gets_its_message_back_when_the_server_ends() -> Outcome {
    for killed in [true, false] {
        let gated = Gated::default();
        let server = gated.start(2).await?;
        (0..2).try_for_each(|number| server.cast(gated.item(number)))?;
        quiet().await;
        server.cast(gated.item(2))?;
        let mut casts: Vec<_> = (3..8)
            .map(|number| ByHand::new(server.cast_wait(gated.item(number))))
            .collect();
        casts
            .iter_mut()
            .for_each(|cast| assert!(cast.poll().is_pending()));
        let end = server.pid().unwrap().monitor();
        if killed {
            server.pid().unwrap().kill();
        } else {
            gated.gate.0.close();
        }
        end.await;
        for (cast, number) in casts.iter_mut().zip(3..) {
            let Poll::Ready(outcome) = cast.poll() else {
                return Err("a sender was left waiting".into());
            };
            assert_eq!(number_of(outcome), ("no process", number));
        }
        assert_eq!(server.info().dropped, 2, "accepted and never begun");
        assert_eq!(number_of(server.cast(gated.item(9))), ("no process", 9));
        assert_eq!(
            number_of(server.cast_wait(gated.item(9)).await),
            ("no process", 9)
        );
        drop(casts);
        assert_eq!(gated.existing(0), 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_room_within_its_own_time() -> Outcome {
    let gated = Gated::default();
    let server = gated.start(1).await?;
    server.cast(gated.item(0))?;
    quiet().await;
    server.cast(gated.item(1))?;
    let ask = |number| {
        let item = gated.item(number);
        server.call_timeout(
            move |reply| Item {
                reply: Some(reply),
                ..item
            },
            Duration::from_millis(500),
        )
    };
    let before = tokio::time::Instant::now();
    assert!(matches!(ask(2).await, Err(CallError::Timeout)));
    let waited = before.elapsed().as_millis();
    assert!((500..=521).contains(&waited), "{waited} ms");
    assert_eq!(gated.existing(1), 2, "the request is out of the line");
    let (answer, ()) = tokio::join!(ask(3), async {
        quiet().await;
        gated.release(3);
    });
    assert_eq!(answer?, 3);
    assert_eq!(gated.handled(), [0, 1, 3]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_room_is_told_how_the_server_ended() -> Outcome {
    let gated = Gated::default();
    let server = gated.start(1).await?;
    server.cast(gated.item(0))?;
    let item = gated.item(1);
    let mut call = ByHand::new(server.call(|reply| Item {
        reply: Some(reply),
        ..item
    }));
    assert!(call.poll().is_pending());
    server.pid().unwrap().kill();
    quiet().await;
    let told = call.poll();
    assert!(
        matches!(
            told,
            Poll::Ready(Err(CallError::Exited(ExitReason::Killed)))
        ),
        "{told:?}"
    );
    assert_eq!(gated.existing(0), 0);
    Ok(())
}

/// Joins the line when it is dropped, several times over.
struct Crowds {
    server: ServerRef<Item>,
    gated: Gated,
}

impl Drop for Crowds {
    fn drop(&mut self) {
        let cast = |number| ByHand::new(self.server.cast_wait(self.gated.item(number)));
        let mut casts: Vec<_> = (10..20).map(cast).collect();
        casts.iter_mut().for_each(|cast| drop(cast.poll()));
    }
}

#[test]
fn a_waker_that_is_replaced_may_use_the_server_when_it_is_dropped() -> Outcome {
    does_not_hang(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().unwrap();
        let gated = Gated::default();
        let server = runtime.block_on(gated.start(1)).unwrap();
        server.cast(gated.item(0)).unwrap();
        let crowds = Crowds {
            server: server.clone(),
            gated: gated.clone(),
        };
        let first = waker(move || drop(crowds.server.clone()));
        let mut cast = ByHand::woken(server.cast_wait(gated.item(1)), first);
        assert!(cast.poll().is_pending());
        cast.wakes(std::task::Waker::noop().clone());
        assert!(cast.poll().is_pending());
    })
}
