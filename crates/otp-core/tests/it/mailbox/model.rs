//! The bounded mailbox against a plain model, over random histories.

use std::collections::VecDeque;
use std::error::Error;
use std::task::Poll;

use otp_core::{CastError, Recipient, ServerRef};
use proptest::prelude::{Just, ProptestConfig, Strategy, TestCaseError, any, prop, prop_oneof};
use proptest::proptest;

use super::{Gated, Item, number_of};
use crate::cancel::ByHand;
use crate::support::quiet;

#[derive(Clone, Debug)]
enum Step {
    Cast,
    CastNarrow,
    CastWait,
    /// One of the senders that wait, or have been let in without knowing it, loses patience.
    GiveUp(prop::sample::Index),
    Release(usize),
    Stop,
    Kill,
    /// The server runs until it has nothing to do.
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Cast),
        2 => Just(Step::CastNarrow),
        6 => Just(Step::CastWait),
        3 => any::<prop::sample::Index>().prop_map(Step::GiveUp),
        4 => (1_usize..4).prop_map(Step::Release),
        5 => Just(Step::Settle),
        1 => prop_oneof![4 => Just(Step::Settle), 1 => Just(Step::Stop), 1 => Just(Step::Kill)],
    ]
}

/// What the mailbox should be.
#[derive(Default)]
struct Model {
    capacity: usize,
    /// Accepted and not begun.
    queue: VecDeque<u32>,
    /// Waiting for room.
    line: VecDeque<u32>,
    in_hand: Option<u32>,
    handled: Vec<u32>,
    begun: usize,
    permits: usize,
    /// How many messages are begun before the stop has its turn.
    stop_after: Option<usize>,
    killed: bool,
    ended: bool,
    dropped: usize,
}

impl Model {
    fn cast(&mut self, number: u32) -> (&'static str, u32) {
        if self.ended {
            ("no process", number)
        } else if self.line.is_empty() && self.queue.len() < self.capacity {
            self.queue.push_back(number);
            ("accepted", 0)
        } else {
            ("full", number)
        }
    }

    fn settle(&mut self) {
        while !self.ended {
            if self.killed {
                self.end();
            } else if let Some(number) = self.in_hand {
                if self.permits == 0 {
                    return;
                }
                self.permits -= 1;
                self.handled.push(number);
                self.in_hand = None;
            } else if self.stop_after.is_some_and(|begun| begun <= self.begun) {
                self.end();
            } else if let Some(number) = self.queue.pop_front() {
                self.begun += 1;
                self.in_hand = Some(number);
                while self.queue.len() < self.capacity
                    && let Some(next) = self.line.pop_front()
                {
                    self.queue.push_back(next);
                }
            } else {
                return;
            }
        }
    }

    fn end(&mut self) {
        self.ended = true;
        self.in_hand = None;
        self.dropped = self.queue.len();
        self.queue.clear();
        self.line.clear();
    }
}

type Waiting<'a> = (u32, ByHand<'a, Result<(), CastError<Item>>>);

async fn compare(capacity: usize, steps: Vec<Step>) -> Result<(), Box<dyn Error>> {
    let gated = Gated::default();
    let server: ServerRef<Item> = gated.start(capacity).await?;
    let pid = server.pid().ok_or("no process")?;
    let narrow: Recipient<Narrow> = server.recipient();
    let mut model = Model {
        capacity,
        ..Model::default()
    };
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    let mut stops = Vec::new();
    for (step, number) in steps.into_iter().zip(1..) {
        match step {
            Step::Cast => {
                let outcome = number_of(server.cast(gated.item(number)));
                assert_eq!(outcome, model.cast(number));
            }
            Step::CastNarrow => {
                let outcome = match narrow.cast(Narrow(gated.item(number))) {
                    Ok(()) => ("accepted", 0),
                    Err(CastError::Full(Narrow(item))) => ("full", item.number),
                    Err(CastError::NoProc(Narrow(item))) => ("no process", item.number),
                };
                assert_eq!(outcome, model.cast(number));
            }
            Step::CastWait => {
                let mut cast = ByHand::new(server.cast_wait(gated.item(number)));
                let outcome = cast.poll().map(number_of);
                match model.cast(number) {
                    ("full", _) => {
                        assert_eq!(outcome, Poll::Pending);
                        model.line.push_back(number);
                        waiting.push((number, cast));
                    }
                    expected => assert_eq!(outcome, Poll::Ready(expected)),
                }
            }
            Step::GiveUp(which) => {
                if !waiting.is_empty() {
                    let (number, cast) = waiting.remove(which.index(waiting.len()));
                    drop(cast);
                    model.line.retain(|waits| *waits != number);
                }
            }
            Step::Release(count) => {
                gated.release(count);
                model.permits += count;
            }
            Step::Stop => {
                if !model.ended {
                    model
                        .stop_after
                        .get_or_insert(model.begun + model.queue.len());
                }
                let mut stop = ByHand::new(server.stop());
                assert_eq!(stop.poll().is_ready(), model.ended);
                stops.push(stop);
            }
            Step::Kill => {
                pid.kill();
                model.killed = true;
            }
            Step::Settle => {
                quiet().await;
                model.settle();
                let mut index = 0;
                while index < waiting.len() {
                    let (number, cast) = &mut waiting[index];
                    let expected = if model.line.contains(number) {
                        index += 1;
                        assert!(cast.poll().is_pending());
                        continue;
                    } else if model.handled.contains(number)
                        || model.queue.contains(number)
                        || model.in_hand == Some(*number)
                    {
                        Poll::Ready(("accepted", 0))
                    } else {
                        Poll::Ready(("no process", *number))
                    };
                    // One that was let in and dropped again by the end counts as accepted.
                    let outcome = cast.poll().map(number_of);
                    let dropped_again = model.ended && outcome == Poll::Ready(("accepted", 0));
                    assert!(
                        dropped_again || outcome == expected,
                        "{outcome:?} {expected:?}"
                    );
                    waiting.remove(index);
                }
            }
        }
        assert_eq!(gated.handled(), model.handled);
        assert_eq!(server.is_alive(), !model.ended);
        let info = server.info();
        assert_eq!(info.mailbox_len, model.queue.len());
        assert!(info.mailbox_len <= capacity);
        assert_eq!(info.dropped, model.dropped);
    }
    pid.kill();
    quiet().await;
    drop((waiting, stops));
    assert_eq!(gated.existing(0), 0, "a message was kept or counted twice");
    Ok(())
}

struct Narrow(Item);

impl From<Narrow> for Item {
    fn from(Narrow(item): Narrow) -> Self {
        item
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bounded_mailbox_does_what_a_plain_model_does(
        capacity in 1_usize..5,
        steps in prop::collection::vec(step(), 0..80),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        runtime
            .block_on(compare(capacity, steps))
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
}
