//! The window of a stream against a plain model of it.

use std::collections::VecDeque;

use patterns_task::{Order, StreamConfig, TaskError, async_stream, batch_process, parallel_map};
use proptest::prelude::*;
use testing::{ms, quiet};

use crate::support::{Live, map_config, nonzero, stream_config, timed};

/// What an item does: it takes so long, and may panic then. The limits are even and this is odd, so that none ends with its limit.
#[derive(Debug, Clone, Copy)]
struct Plan {
    millis: u64,
    panics: bool,
}

fn plans() -> impl Strategy<Value = Vec<Plan>> {
    let plan = (0_u64..30, prop::bool::weighted(0.1)).prop_map(|(half, panics)| Plan {
        millis: 2 * half + 1,
        panics,
    });
    prop::collection::vec(plan, 0..40)
}

/// When each item is done, with so many places and a limit for each; by simulation of each millisecond.
fn model(
    plans: &[Plan],
    places: usize,
    window: usize,
    limit: u64,
    order: Order,
) -> Vec<(usize, u64)> {
    let mut next = 0;
    let mut running: Vec<(usize, u64)> = Vec::new();
    let mut done: VecDeque<usize> = VecDeque::new();
    let mut given = Vec::new();
    for now in 0.. {
        // Those that end at this time, in the order in which they were begun.
        let ended: Vec<usize> = running
            .iter()
            .filter(|(_, end)| *end == now)
            .map(|(index, _)| *index)
            .collect();
        running.retain(|(_, end)| *end != now);
        done.extend(ended);
        loop {
            while running.len() < places
                && running.len() + done.len() < window
                && next < plans.len()
            {
                running.push((next, now + plans[next].millis.min(limit)));
                next += 1;
            }
            let turn = match order {
                Order::Completion => 0,
                Order::Input => match done.iter().position(|index| *index == given.len()) {
                    Some(turn) => turn,
                    None => break,
                },
            };
            let Some(index) = done.remove(turn) else {
                break;
            };
            given.push((index, now));
        }
        if given.len() == plans.len() {
            break;
        }
    }
    given
}

fn expected(plan: Plan, limit: u64) -> Result<u64, TaskError> {
    if plan.millis > limit {
        Err(TaskError::Timeout)
    } else if plan.panics {
        Err(TaskError::Panicked("as told".into()))
    } else {
        Ok(plan.millis)
    }
}

/// Runs a check with a paused clock of its own.
fn paused<T>(check: impl Future<Output = T>) -> T {
    quiet();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(check)
}

fn maker(
    live: &Live,
) -> impl FnMut(&Plan) -> futures_util::future::BoxFuture<'static, u64> + use<> {
    let live = live.clone();
    move |&plan| {
        let work = live.work(ms(plan.millis), plan.millis);
        Box::pin(async move {
            let millis = work.await;
            assert!(!plan.panics, "as told");
            millis
        })
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_stream_gives_what_the_model_gives_when_the_model_gives_it(
        plans in plans(), places in 1_usize..6, buffered in 0_usize..12, limit in (10_u64..40).prop_map(|half| 2 * half), in_order in any::<bool>(),
    ) {
        let order = if in_order { Order::Input } else { Order::Completion };
        let live = Live::default();
        let config = StreamConfig { max_buffered: buffered, timeout: ms(limit), ..stream_config(places, order) };
        let given = paused(async {
            let start = tokio::time::Instant::now();
            let mut results = async_stream(plans.clone(), maker(&live), config);
            let mut given = Vec::new();
            while let Some(result) = results.next().await {
                given.push((result, u64::try_from(start.elapsed().as_millis()).unwrap()));
                let stats = results.stats();
                assert!(stats.waiting <= buffered && stats.most_waiting <= buffered, "{stats:?}");
                assert!(stats.running <= places, "{stats:?}");
            }
            given
        });
        let model = model(&plans, places, buffered + 1, limit, order);
        prop_assert_eq!(given.len(), plans.len());
        if in_order {
            let times: Vec<u64> = given.iter().map(|(_, time)| *time).collect();
            let model_times: Vec<u64> = model.iter().map(|(_, time)| *time).collect();
            prop_assert_eq!(times, model_times);
            for (plan, (result, _)) in plans.iter().zip(&given) {
                prop_assert_eq!(&result.clone().map_err(|error| error.error), &expected(*plan, limit));
            }
        } else {
            let mut outcomes: Vec<_> = given.iter().map(|(result, _)| format!("{:?}", result.clone().map_err(|error| error.error))).collect();
            let mut plain: Vec<_> = plans.iter().map(|plan| format!("{:?}", expected(*plan, limit))).collect();
            outcomes.sort();
            plain.sort();
            prop_assert_eq!(outcomes, plain);
        }
        for (result, _) in &given {
            if let Err(error) = result {
                prop_assert_eq!(error.input.millis, plans[error.index].millis);
            }
        }
        prop_assert!(live.most() <= places);
        prop_assert_eq!(live.ever(), plans.len());
    }

    #[test]
    fn a_map_gives_every_item_once_and_in_order(plans in plans(), places in 1_usize..6, limit in (10_u64..40).prop_map(|half| 2 * half)) {
        let live = Live::default();
        let (results, time) = paused(timed(parallel_map(plans.clone(), maker(&live), map_config(places, ms(limit)))));
        let outcomes: Vec<_> = results.into_iter().map(|result| result.map_err(|error| error.error)).collect();
        let plain: Vec<_> = plans.iter().map(|plan| expected(*plan, limit)).collect();
        prop_assert_eq!(outcomes, plain);
        let last = model(&plans, places, usize::MAX, limit, Order::Input).last().map_or(0, |(_, time)| *time);
        prop_assert_eq!(u64::try_from(time.as_millis()).unwrap(), last);
        prop_assert!(live.most() <= places);
    }

    #[test]
    fn batches_give_every_item_once_and_in_order(
        plans in plans(), size in 1_usize..6, places in 1_usize..4, limit in 20_u64..150,
    ) {
        let live = Live::default();
        let config = patterns_task::BatchConfig {
            batch_size: nonzero(size), max_concurrency: nonzero(places), timeout: ms(limit),
        };
        let results = paused(batch_process(plans.clone(), maker(&live), config));
        prop_assert_eq!(results.len(), plans.len());
        for (batch, results) in plans.chunks(size).zip(results.chunks(size)) {
            let mut spent = 0;
            for (plan, result) in batch.iter().zip(results) {
                let outcome = result.clone().map_err(|error| error.error);
                let plain = if spent >= limit { Err(TaskError::NotStarted) } else { expected(*plan, limit - spent) };
                // One that ends with the batch's time is done or late.
                if spent + plan.millis != limit {
                    prop_assert_eq!(outcome, plain);
                }
                spent += plan.millis;
            }
        }
        prop_assert!(live.most() <= places);
    }
}
