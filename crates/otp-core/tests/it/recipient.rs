//! `Recipient`: a narrow address.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use otp_core::{
    CastError, Context, GenServer, Inbox, Recipient, ReplyTo, ServerOptions, ServerRef, inbox,
    start_with,
};

use crate::support::{Done, Log, Outcome, Probe, quiet};

/// Turned into a message by what it says.
struct Event(Box<dyn FnOnce() -> u32 + Send>);

impl Event {
    fn new(make: impl FnOnce() -> u32 + Send + 'static) -> Self {
        Self(Box::new(make))
    }

    fn plain(number: u32) -> Self {
        Self::new(move || number)
    }
}

enum Msg {
    Number(u32),
    Sum(ReplyTo<u32>),
}

impl From<Event> for Msg {
    fn from(Event(make): Event) -> Self {
        Self::Number(make())
    }
}

#[derive(Default)]
struct Adds {
    sum: u32,
}

impl GenServer for Adds {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Done {
        match msg {
            Msg::Number(number) => self.sum += number,
            Msg::Sum(reply) => reply.send(self.sum),
        }
        Ok(())
    }
}

async fn adds(capacity: usize) -> Result<(ServerRef<Msg>, Recipient<Event>), otp_core::StartError> {
    let server = start_with(Adds::default(), ServerOptions::default().bounded(capacity)).await?;
    let recipient = server.recipient();
    Ok((server, recipient))
}

#[tokio::test(start_paused = true)]
async fn an_event_arrives_as_the_servers_message() -> Outcome {
    let (server, recipient) = adds(9).await?;
    recipient.cast(Event::plain(3))?;
    recipient.clone().cast(Event::plain(4))?;
    assert_eq!(server.call(Msg::Sum).await?, 7);
    assert_eq!(format!("{recipient:?}"), "Recipient(..)");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_comes_back_and_is_not_converted() -> Outcome {
    let (server, recipient) = adds(1).await?;
    let number_of = |Event(make): Event| make();
    recipient.cast(Event::plain(1))?;
    match recipient.cast(Event::plain(2)) {
        Err(CastError::Full(event)) => assert_eq!(number_of(event), 2),
        other => return Err(format!("{other:?}").into()),
    }
    server.stop().await?;
    assert!(!recipient.is_alive());
    match recipient.cast(Event::plain(3)) {
        Err(CastError::NoProc(event)) => assert_eq!(number_of(event), 3),
        other => return Err(format!("{other:?}").into()),
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_recipient_keeps_its_server_running() -> Outcome {
    let log = Log::default();
    let server = Probe::new(&log).start().await?;
    let recipient = server.recipient::<crate::support::Msg>();
    let clone = recipient.clone();
    drop((server, recipient));
    quiet().await;
    assert!(clone.is_alive());
    clone.cast(crate::support::Msg::Note("still heard"))?;
    drop(clone);
    quiet().await;
    assert_eq!(
        log.take(),
        ["still heard", "terminate: normal", "state dropped"]
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_conversion_that_panics_takes_no_room_and_keeps_nobody_waiting() -> Outcome {
    let (server, recipient) = adds(2).await?;
    recipient.cast(Event::plain(1))?;
    let waiting = Arc::new(Mutex::new(None));
    let (in_line, sender) = (Arc::clone(&waiting), server.clone());
    let panics = Event::new(move || {
        // The place is taken while the message is made: who comes now has to wait.
        let mut cast = Box::pin(async move { sender.cast_wait(Msg::Number(10)).await });
        assert!(
            crate::cancel::ByHand::new(cast.as_mut())
                .poll()
                .is_pending()
        );
        *in_line.lock().unwrap() = Some(cast);
        panic!("no message")
    });
    assert!(catch_unwind(AssertUnwindSafe(|| recipient.cast(panics))).is_err());
    assert_eq!(
        server.info().mailbox_len,
        2,
        "the one in the line was let in"
    );
    let cast = waiting.lock().unwrap().take().ok_or("nobody waited")?;
    cast.await?;
    assert_eq!(server.call(Msg::Sum).await?, 11);
    (0..2).try_for_each(|_| recipient.cast(Event::plain(1)))?;
    assert!(
        recipient
            .cast(Event::plain(1))
            .is_err_and(|refused| refused.is_full())
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_place_is_taken_while_the_message_is_made() -> Outcome {
    let (server, recipient) = adds(1).await?;
    let other = server.clone();
    recipient.cast(Event::new(move || {
        // It may also use the server: no lock is held.
        assert_eq!(other.info().mailbox_len, 0);
        u32::from(
            other
                .cast(Msg::Number(100))
                .is_err_and(|refused| refused.is_full()),
        )
    }))?;
    assert_eq!(server.call(Msg::Sum).await?, 1);
    Ok(())
}

struct Ends(Arc<Mutex<Option<Inbox<u32>>>>);

impl From<Ends> for u32 {
    fn from(Ends(inbox): Ends) -> Self {
        let ended = inbox.lock().unwrap().take();
        Self::from(ended.is_some())
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_server_ends_during_the_conversion_is_accepted_and_dropped() -> Outcome {
    let (address, inbox) = inbox::<u32>();
    let inbox = Arc::new(Mutex::new(Some(inbox)));
    let recipient: Recipient<Ends> = address.recipient();
    recipient.cast(Ends(Arc::clone(&inbox)))?;
    assert!(!recipient.is_alive());
    assert_eq!((address.info().dropped, address.info().mailbox_len), (1, 0));
    assert!(recipient.cast(Ends(inbox)).is_err());
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recipients_and_senders_together_never_pass_the_bound() -> Outcome {
    const EACH: u32 = 5_000;
    let (server, recipient) = adds(3).await?;
    let mut tasks = Vec::new();
    for producer in 0..4 {
        let (server, recipient) = (server.clone(), recipient.clone());
        tasks.push(tokio::spawn(async move {
            let mut longest = 0;
            for number in 0..EACH {
                if producer == 0 {
                    let sent = server.cast_wait(Msg::Number(1)).await;
                    assert!(sent.is_ok());
                } else {
                    let mut event = Event::plain(1);
                    while let Err(refused) = recipient.cast(event) {
                        event = refused.into_message();
                        tokio::task::yield_now().await;
                    }
                }
                if number % 7 == 0 {
                    let panics = Event::new(|| std::panic::resume_unwind(Box::new(())));
                    let _ = catch_unwind(AssertUnwindSafe(|| recipient.cast(panics)));
                }
                longest = longest.max(server.info().mailbox_len);
            }
            longest
        }));
    }
    for task in tasks {
        assert!(task.await? <= 3);
    }
    assert_eq!(server.call(Msg::Sum).await?, 4 * EACH);
    Ok(())
}
