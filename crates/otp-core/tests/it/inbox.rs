//! `inbox`: an address without a server.

use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use otp_core::{CallError, CastError, ExitReason, InspectError, ReplyTo, ServerRef, inbox};

use crate::cancel::{ByHand, waker};
use crate::support::{Log, Msg, Outcome, Probe, quiet};

#[tokio::test(start_paused = true)]
async fn an_inbox_hands_out_what_was_sent_in_order() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    assert_eq!(inbox.try_recv(), None);
    (0..3).try_for_each(|number| address.cast(number))?;
    assert_eq!((inbox.try_recv(), inbox.recv().await), (Some(0), Some(1)));
    address.cast(3)?;
    assert_eq!(address.info().mailbox_len, 2);
    assert_eq!(
        (inbox.recv().await, inbox.try_recv(), inbox.try_recv()),
        (Some(2), Some(3), None)
    );
    assert_eq!((address.info().handled, address.info().mailbox_len), (4, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_receive_that_waits_is_woken_by_a_message() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    let receives = tokio::spawn(async move { inbox.recv().await });
    quiet().await;
    address.cast(5)?;
    assert_eq!(receives.await?, Some(5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_received_last_is_the_one_who_is_woken() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    let log = Log::default();
    let notes = |who: &'static str| {
        let (log, address) = (log.clone(), address.clone());
        // It looks at the inbox from inside the wake, which would hang if that came under a lock.
        waker(move || log.note(format!("{who}, {} waits", address.info().mailbox_len)))
    };
    assert!(
        ByHand::woken(inbox.recv(), notes("first"))
            .poll()
            .is_pending()
    );
    let mut second = ByHand::woken(inbox.recv(), notes("second"));
    assert!(second.poll().is_pending());
    address.cast(1)?;
    assert_eq!(log.take(), ["second, 1 waits"]);
    assert!(matches!(second.poll(), Poll::Ready(Some(1))));
    drop(second);
    let mut third = ByHand::woken(inbox.recv(), notes("third"));
    assert!(third.poll().is_pending());
    address.pid().unwrap().kill();
    assert_eq!(log.take(), ["third, 0 waits"]);
    assert!(matches!(third.poll(), Poll::Ready(None)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nothing_more_comes_once_the_last_handle_is_dropped() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    address.cast(1)?;
    let other = address.clone();
    drop(address);
    other.cast(2)?;
    drop(other);
    assert_eq!((inbox.recv().await, inbox.recv().await), (Some(1), Some(2)));
    assert_eq!(
        (inbox.recv().await, inbox.try_recv(), inbox.recv().await),
        (None, None, None)
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_drop_of_the_last_handle_wakes_a_receive_that_waits() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    let receives = tokio::spawn(async move { inbox.recv().await });
    quiet().await;
    drop(address);
    assert_eq!(receives.await?, None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_its_turn_and_is_done_when_the_inbox_is_dropped() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    address.cast(1)?;
    let mut stop = ByHand::new(address.stop_with(ExitReason::Shutdown));
    assert!(stop.poll().is_pending());
    address.cast(2)?;
    assert_eq!((inbox.recv().await, inbox.recv().await), (Some(1), None));
    assert!(stop.poll().is_pending(), "its reader is still at work");
    let end = inbox.pid().monitor();
    drop(inbox);
    assert!(matches!(stop.poll(), Poll::Ready(Ok(()))));
    assert!(matches!(end.await, ExitReason::Shutdown));
    assert_eq!(address.info().dropped, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_overtakes_what_waits_in_an_inbox() -> Outcome {
    for looks in [true, false] {
        let (address, mut inbox) = inbox::<u32>();
        (0..3).try_for_each(|number| address.cast(number))?;
        assert_eq!(inbox.recv().await, Some(0));
        let end = inbox.pid().monitor();
        inbox.pid().kill();
        if looks {
            assert_eq!(inbox.recv().await, None);
        }
        drop(inbox);
        let reason = end.await;
        assert!(
            matches!(reason, ExitReason::Killed),
            "looks: {looks}, {reason}"
        );
        assert_eq!(address.info().dropped, 2);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_kill_wakes_a_receive_that_waits() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    let pid = address.pid().ok_or("no process")?;
    let receives = tokio::spawn(async move { inbox.recv().await });
    quiet().await;
    pid.kill();
    assert_eq!(receives.await?, None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_to_an_inbox_are_answered_or_time_out() -> Outcome {
    let (address, mut inbox) = inbox::<ReplyTo<u32>>();
    let (answer, ()) = tokio::join!(address.call(|reply| reply), async {
        inbox.recv().await.unwrap().send(9);
    });
    assert_eq!(answer?, 9);
    let before = tokio::time::Instant::now();
    let timed_out = address
        .call_timeout(|reply| reply, Duration::from_secs(2))
        .await;
    assert!(
        matches!(timed_out, Err(CallError::Timeout)),
        "{timed_out:?}"
    );
    let waited = before.elapsed().as_millis();
    assert!((2_000..=2_021).contains(&waited), "{waited} ms");
    let (no_reply, ()) = tokio::join!(address.call(|reply| reply), async {
        let late = inbox.recv().await.unwrap();
        assert!(late.is_closed());
        drop(inbox.recv().await);
    });
    assert!(matches!(no_reply, Err(CallError::NoReply)), "{no_reply:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_of_many_looks_at_an_inbox_is_answered() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    let looks: Vec<_> = (0..5)
        .map(|_| {
            let address = address.clone();
            tokio::spawn(async move { address.inspect(|_: &u32| ()).await })
        })
        .collect();
    drop(address);
    assert_eq!(inbox.recv().await, None);
    for look in looks {
        let seen = look.await?;
        assert!(
            matches!(seen, Err(InspectError::OtherState { .. })),
            "{seen:?}"
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn callers_are_told_when_the_inbox_is_dropped() -> Outcome {
    let (address, mut inbox) = inbox::<ReplyTo<u32>>();
    let mut calls: Vec<_> = (0..3)
        .map(|_| ByHand::new(address.call(|reply| reply)))
        .collect();
    calls
        .iter_mut()
        .for_each(|call| assert!(call.poll().is_pending()));
    let kept = inbox.recv().await.ok_or("no request")?;
    let end = inbox.pid().monitor();
    drop(inbox);
    assert!(end.await.is_normal());
    for call in &mut calls[1..] {
        let told = call.poll();
        assert!(
            matches!(
                told,
                Poll::Ready(Err(CallError::Exited(ExitReason::Normal)))
            ),
            "{told:?}"
        );
    }
    kept.send(6);
    assert!(
        matches!(calls[0].poll(), Poll::Ready(Ok(6))),
        "its reply is on somebody else's conscience"
    );
    assert!(matches!(
        address.call(|reply| reply).await,
        Err(CallError::NoProc)
    ));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inbox_dropped_in_a_handler_says_nothing_about_the_handlers_own_calls() -> Outcome {
    let server = Probe::new(&Log::default()).start().await?;
    let told = server
        .call(|reply: ReplyTo<u32>| {
            Msg::act(move |_, _| {
                drop(reply);
                let (_address, inbox) = inbox::<u32>();
                drop(inbox);
                Ok(())
            })
        })
        .await;
    assert!(matches!(told, Err(CallError::NoReply)), "{told:?}");
    Ok(())
}

#[test]
fn an_inbox_needs_no_runtime() -> Outcome {
    let (address, mut inbox) = inbox::<u32>();
    address.cast(1)?;
    assert_eq!(inbox.try_recv(), Some(1));
    drop(inbox);
    assert_eq!(address.cast(2), Err(CastError::NoProc(2)));
    Ok(())
}

#[test]
fn an_inbox_prints_its_pid() {
    let (address, inbox) = inbox::<u32>();
    let pid = inbox.pid();
    let number = pid.to_string().replace(['<', '>'], "");
    assert_eq!(
        format!("{inbox:?}"),
        format!("Inbox {{ pid: {number}, .. }}")
    );
    assert_eq!(address.pid(), Some(pid));
}

/// Runs `work` in a thread of its own; fails if it gets stuck there.
pub(crate) fn does_not_hang(work: impl FnOnce() + Send + 'static) -> Outcome {
    let (done, is_done) = mpsc::channel();
    std::thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    Ok(is_done.recv_timeout(Duration::from_secs(10))?)
}

/// Uses its server in every way that takes a lock, when it is dropped.
struct Clings(ServerRef<u32>);

impl Drop for Clings {
    fn drop(&mut self) {
        let _ = self.0.info();
        let _ = self.0.cast(7);
    }
}

#[test]
fn a_waker_that_is_replaced_may_use_the_inbox_when_it_is_dropped() -> Outcome {
    does_not_hang(|| {
        let (address, mut inbox) = inbox::<u32>();
        let clings = Clings(address);
        let first = waker(move || drop(clings.0.clone()));
        assert!(ByHand::woken(inbox.recv(), first).poll().is_pending());
        assert!(matches!(
            ByHand::new(inbox.recv()).poll(),
            Poll::Ready(Some(7))
        ));
    })
}
