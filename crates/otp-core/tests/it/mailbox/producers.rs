//! Four producers at once: nothing is lost, nothing comes twice, each one's order is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use otp_core::{Context, GenServer, ReplyTo, ServerOptions, ServerRef, start_with};

use crate::cancel::ByHand;
use crate::support::{Done, Outcome};

const PRODUCERS: usize = 4;
const EACH: u32 = 10_000;

enum Msg {
    Item {
        producer: usize,
        number: u32,
    },
    /// How many of each producer have come, and how many out of order.
    Report(ReplyTo<([u32; PRODUCERS], u32)>),
}

#[derive(Default)]
struct Sorted {
    next: [u32; PRODUCERS],
    out_of_order: u32,
}

impl GenServer for Sorted {
    type Msg = Msg;

    async fn handle(&mut self, msg: Msg, _: &mut Context<Msg>) -> Done {
        match msg {
            Msg::Item { producer, number } => {
                self.out_of_order += u32::from(self.next[producer] != number);
                self.next[producer] += 1;
                if number % 50 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Msg::Report(reply) => reply.send((self.next, self.out_of_order)),
        }
        Ok(())
    }
}

/// How a producer sends.
#[derive(Clone, Copy)]
enum Way {
    Cast,
    /// Casts again what came back.
    CastAgain,
    CastWait,
    /// Takes turns with the ways there are.
    Mixed,
}

async fn produce(server: ServerRef<Msg>, producer: usize, way: Way) -> Outcome {
    for number in 0..EACH {
        let mut message = Msg::Item { producer, number };
        match way {
            Way::Cast => server.cast(message)?,
            Way::Mixed if number % 3 == 0 => server.cast_wait(message).await?,
            Way::CastAgain | Way::Mixed => {
                while let Err(refused) = server.cast(message) {
                    assert!(refused.is_full());
                    message = refused.into_message();
                    tokio::task::yield_now().await;
                }
            }
            Way::CastWait => server.cast_wait(message).await?,
        }
    }
    Ok(())
}

async fn nothing_is_lost(options: ServerOptions, ways: [Way; PRODUCERS]) -> Outcome {
    let server = start_with(Sorted::default(), options).await?;
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            let (server, way) = (server.clone(), ways[producer]);
            tokio::spawn(async move {
                produce(server, producer, way)
                    .await
                    .map_err(|error| error.to_string())
            })
        })
        .collect();
    for producer in producers {
        producer.await??;
    }
    assert_eq!(server.call(Msg::Report).await?, ([EACH; PRODUCERS], 0));
    server.stop().await?;
    let info = server.info();
    assert_eq!(
        (info.handled, info.dropped),
        (u64::from(EACH) * PRODUCERS as u64 + 1, 0)
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_producers_lose_nothing_in_an_unbounded_mailbox() -> Outcome {
    nothing_is_lost(ServerOptions::default(), [Way::Cast; PRODUCERS]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn four_producers_lose_nothing_in_a_bounded_mailbox() -> Outcome {
    for capacity in [1, 7, 1_024] {
        let options = ServerOptions::default().bounded(capacity);
        nothing_is_lost(options.clone(), [Way::CastWait; PRODUCERS]).await?;
        nothing_is_lost(
            options,
            [Way::CastAgain, Way::CastWait, Way::Mixed, Way::Mixed],
        )
        .await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_kill_finds_is_handled_or_dropped_or_handed_back() -> Outcome {
    for options in [
        ServerOptions::default(),
        ServerOptions::default().bounded(16),
    ] {
        let server = start_with(Sorted::default(), options).await?;
        let end = server.pid().unwrap().monitor();
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                let server = server.clone();
                tokio::spawn(async move {
                    let mut accepted = 0_u64;
                    for number in 0..EACH {
                        let message = Msg::Item { producer, number };
                        match server.cast_wait(message).await {
                            Ok(()) => accepted += 1,
                            Err(refused) => {
                                let back = refused.into_message();
                                assert!(matches!(back, Msg::Item { number: n, .. } if n == number));
                                break;
                            }
                        }
                        if producer == 0 && number == 1_000 {
                            server.pid().unwrap().kill();
                        }
                    }
                    accepted
                })
            })
            .collect();
        let mut accepted = 0;
        for producer in producers {
            accepted += producer.await?;
        }
        assert!(matches!(end.await, otp_core::ExitReason::Killed));
        let info = server.info();
        assert_eq!(info.handled + u64::try_from(info.dropped)?, accepted);
        assert_eq!(info.mailbox_len, 0);
    }
    Ok(())
}

enum Line {
    /// From a sender that has to wait.
    Patient(u32),
    /// From one that does not, and knows who waited before it sent.
    Pushy { seen: u32 },
    /// How often a pushy one came first.
    Overtaken(ReplyTo<u32>),
}

#[derive(Default)]
struct Watches {
    last_patient: u32,
    overtaken: u32,
}

impl GenServer for Watches {
    type Msg = Line;

    async fn handle(&mut self, msg: Line, _: &mut Context<Line>) -> Done {
        match msg {
            Line::Patient(number) => self.last_patient = number,
            Line::Pushy { seen } => self.overtaken += u32::from(seen > self.last_patient),
            Line::Overtaken(reply) => reply.send(self.overtaken),
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn casts_from_other_threads_overtake_no_waiting_sender() -> Outcome {
    let server = start_with(Watches::default(), ServerOptions::default().bounded(1)).await?;
    let in_line = Arc::new(AtomicU32::new(0));
    let pushy = std::thread::spawn({
        let (server, in_line) = (server.clone(), Arc::clone(&in_line));
        move || {
            loop {
                let seen = in_line.load(Ordering::SeqCst);
                if seen == u32::MAX {
                    return;
                }
                let _ = server.cast(Line::Pushy { seen });
            }
        }
    });
    let mut waited = 0;
    for number in 1.. {
        if waited == 2_000 {
            break;
        }
        let mut cast = ByHand::new(server.cast_wait(Line::Patient(number)));
        if cast.poll().is_pending() {
            waited += 1;
            in_line.store(number, Ordering::SeqCst);
            while cast.poll().is_pending() {
                std::thread::yield_now();
            }
        }
    }
    in_line.store(u32::MAX, Ordering::SeqCst);
    pushy.join().map_err(|_| "the pushy sender panicked")?;
    assert_eq!(server.call(Line::Overtaken).await?, 0);
    Ok(())
}
