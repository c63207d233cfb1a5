//! The mailbox: order, bounds, and who waits for room.

mod model;
mod producers;
mod waiting;

use std::sync::{Arc, Mutex};

use otp_core::{
    BadOption, CastError, Context, GenServer, ReplyTo, ServerOptions, ServerRef, StartError, start,
    start_with,
};
use tokio::sync::Semaphore;

use crate::support::{Done, Outcome, quiet};

/// A message that knows its number, and is counted while it exists.
#[derive(Debug)]
struct Item {
    number: u32,
    _alive: Arc<()>,
    reply: Option<ReplyTo<u32>>,
}

/// Handles items one by one, each once there is a permit for it.
#[derive(Clone, Default)]
struct Gated {
    gate: Gate,
    handled: Arc<Mutex<Vec<u32>>>,
    alive: Arc<()>,
}

#[derive(Clone)]
struct Gate(Arc<Semaphore>);

impl Default for Gate {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Gated {
    async fn start(&self, capacity: usize) -> Result<ServerRef<Item>, StartError> {
        start_with(self.clone(), ServerOptions::default().bounded(capacity)).await
    }

    fn item(&self, number: u32) -> Item {
        Item {
            number,
            _alive: Arc::clone(&self.alive),
            reply: None,
        }
    }

    /// Lets `count` more items be handled.
    fn release(&self, count: usize) {
        self.gate.0.add_permits(count);
    }

    fn handled(&self) -> Vec<u32> {
        self.handled.lock().unwrap().clone()
    }

    /// How many items exist.
    fn existing(&self, servers: usize) -> usize {
        Arc::strong_count(&self.alive) - 1 - servers
    }
}

impl GenServer for Gated {
    type Msg = Item;

    async fn handle(&mut self, item: Item, _: &mut Context<Item>) -> Done {
        self.gate.0.acquire().await?.forget();
        self.handled.lock().unwrap().push(item.number);
        if let Some(reply) = item.reply {
            reply.send(item.number);
        }
        Ok(())
    }
}

fn number_of(refused: Result<(), CastError<Item>>) -> (&'static str, u32) {
    match refused {
        Ok(()) => ("accepted", 0),
        Err(CastError::Full(item)) => ("full", item.number),
        Err(CastError::NoProc(item)) => ("no process", item.number),
    }
}

#[tokio::test(start_paused = true)]
async fn messages_of_one_sender_are_handled_in_order() -> Outcome {
    let gated = Gated::default();
    let server = start(gated.clone()).await?;
    gated.release(1_000);
    for number in 0..1_000 {
        server.cast(gated.item(number))?;
        if number % 97 == 0 {
            quiet().await;
        }
    }
    quiet().await;
    assert_eq!(gated.handled(), (0..1_000).collect::<Vec<_>>());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_is_unbounded_by_default() -> Outcome {
    let gated = Gated::default();
    let server = start(gated.clone()).await?;
    for number in 0..100_000 {
        server.cast(gated.item(number))?;
    }
    assert_eq!(server.info().mailbox_len, 100_000);
    gated.release(100_000);
    server.stop().await?;
    assert_eq!(gated.handled().len(), 100_000);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_hands_the_very_message_back() -> Outcome {
    for capacity in [1, 2, 1_024] {
        let gated = Gated::default();
        let server = gated.start(capacity).await?;
        for number in 0..capacity {
            server.cast(gated.item(u32::try_from(number)?))?;
        }
        assert_eq!(number_of(server.cast(gated.item(77_777))), ("full", 77_777));
        assert_eq!(server.info().mailbox_len, capacity);
        assert_eq!(
            gated.existing(1),
            capacity,
            "the refused one is gone with its sender"
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_taken_out_of_the_queue_and_not_begun_count_towards_the_bound() -> Outcome {
    for capacity in [1, 2, 1_024] {
        let gated = Gated::default();
        let server = gated.start(capacity).await?;
        let mut next = 0..;
        for number in next.by_ref().take(capacity) {
            server.cast(gated.item(number))?;
        }
        // The first is begun, the others are swapped out.
        quiet().await;
        for _ in 0..5 {
            let number = next.next().unwrap();
            server.cast(gated.item(number))?;
            assert_eq!(number_of(server.cast(gated.item(number))), ("full", number));
            assert_eq!(server.info().mailbox_len, capacity);
            gated.release(1);
            quiet().await;
            assert_eq!(server.info().mailbox_len, capacity - 1);
        }
        assert_eq!(gated.handled(), [0, 1, 2, 3, 4]);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_capacity_of_zero_is_refused_with_the_name_of_the_option() {
    let refused = Gated::default().start(0).await;
    assert!(
        matches!(
            refused,
            Err(StartError::BadOption(BadOption {
                option: "bounded",
                ..
            }))
        ),
        "{refused:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn others_get_their_turn_after_at_most_64_messages() -> Outcome {
    let gated = Gated::default();
    let servers = [start(gated.clone()).await?, start(gated.clone()).await?];
    gated.release(2_000);
    for number in 0..1_000 {
        servers[0].cast(gated.item(number))?;
        servers[1].cast(gated.item(number + 1_000))?;
    }
    quiet().await;
    let handled = gated.handled();
    assert_eq!(handled.len(), 2_000);
    let turns = handled.chunk_by(|one, next| (*one < 1_000) == (*next < 1_000));
    let turns: Vec<_> = turns.map(<[_]>::len).collect();
    assert!(turns.iter().all(|turn| *turn <= 64), "{turns:?}");
    Ok(())
}
