//! Casts: messages without an answer, until all of them are handled.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::book::Book;
use crate::contenders::floor_bounded::{FLOOR_BOUNDED, ROOM};
use crate::contenders::{self, Contender, FLOOR, Scenario};
use crate::harness::{Iterations, Plan, round_robin};
use crate::options::Options;
use crate::report::markdown::comparison;

/// The scenario in the book.
pub(crate) const ONE_PRODUCER: &str = "cast, 1 producer";
/// The scenario in the book.
pub(crate) const FOUR_PRODUCERS: &str = "cast, 4 producers";
/// The scenario in the book.
pub(crate) const BOUNDED: &str = "cast that waits for room, 1 producer";
/// How many messages are cast before one call waits until all are handled.
const BATCH: u64 = 500_000;

/// A batch of casts and the call that ends it, by so many tasks; an iteration is one batch.
#[derive(Clone, Copy)]
struct Cast {
    producers: u64,
    batch: u64,
}

impl Scenario for Cast {
    async fn body<C: Contender>(self, iterations: u64) -> Vec<Duration> {
        let address = C::start().await;
        black_box(C::call(&address).await);
        let started = Instant::now();
        for _ in 0..iterations {
            if self.producers == 1 {
                produce::<C>(&address, self.batch).await;
            } else {
                let producers: Vec<_> = (0..self.producers)
                    .map(|_| {
                        let address = address.clone();
                        tokio::spawn(async move {
                            produce::<C>(&address, self.batch / self.producers).await
                        })
                    })
                    .collect();
                for producer in producers {
                    producer.await.expect("a producer does not panic");
                }
            }
            black_box(C::call(&address).await);
        }
        let taken = started.elapsed();
        C::stop_all(vec![address]).await;
        vec![taken]
    }
}

async fn produce<C: Contender>(address: &C::Address, count: u64) {
    for n in 0..count {
        C::cast(address, black_box(n)).await;
    }
}

pub(crate) fn run(options: &Options, book: &mut Book) -> String {
    let batch = options.size(BATCH);
    let plan = Plan {
        runs: options.runs(7),
        operations: batch,
        iterations: Iterations::Lasting(options.run_time()),
    };

    let mut section = format!(
        "## Casts\n\nBatches of {batch} messages without an answer, each followed by one call that waits until all are handled.\n"
    );
    for (scenario, producers) in [(ONE_PRODUCER, 1), (FOUR_PRODUCERS, 4)] {
        let benches = contenders::every(Cast { producers, batch });
        section += &format!(
            "\n### {producers} producer{}\n\n",
            if producers == 1 { "" } else { "s" }
        );
        section += &comparison(book, scenario, FLOOR, round_robin(scenario, &benches, plan));
    }
    let benches = contenders::bounded(Cast {
        producers: 1,
        batch,
    });
    section += &format!(
        "\n### Bounded to {ROOM}, 1 producer that waits for room\n\nractor's mailbox cannot be bounded, and actix offers no waiting send without a reply.\n\n"
    );
    section += &comparison(
        book,
        BOUNDED,
        FLOOR_BOUNDED,
        round_robin(BOUNDED, &benches, plan),
    );
    section
}
