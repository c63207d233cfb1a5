//! A second attempt beside the first one, when that is slow.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tokio::time::{Instant, sleep_until};

use crate::config::HedgeConfig;
use crate::crew::{Crew, Event};
use crate::deadline::end_after;
use crate::error::{Failure, RaceError, TaskError, catch};

/// Makes an attempt; when there is no answer after a while, makes another beside it. The first **success** counts, and the others are
/// aborted.
///
/// An attempt that fails has the next one begun at once. `make` is called in the caller's task, with 0 for the first attempt; each attempt
/// runs in a task of its own. Use it for what may be done twice: reads, not payments.
///
/// The idea: Dean and Barroso, *The Tail at Scale*, Communications of the ACM 56(2), 2013. A delay at which one in twenty answers is
/// still missing costs 5 % more requests, and cuts off most of the slow tail.
///
/// # Errors
///
/// [`RaceError::Failed`] with all errors when each of `max_attempts` failed; [`RaceError::Timeout`] when the time is over. Never
/// [`RaceError::Empty`].
///
/// # Panics
///
/// Outside a tokio runtime with timers.
///
/// # Cancel safety
///
/// Dropping the future aborts all attempts.
///
/// # Examples
///
/// ```
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// use std::time::Duration;
/// use patterns_task::{HedgeConfig, hedge};
/// use tokio::time::{Instant, sleep};
///
/// let replicas = [3_000, 10]; // the first one is busy
/// let began = Instant::now();
/// let answer = hedge(HedgeConfig::default(), move |attempt| async move {
///     sleep(Duration::from_millis(replicas[attempt])).await;
///     Ok::<_, String>(attempt)
/// });
/// assert_eq!(answer.await, Ok(1));
/// assert_eq!(began.elapsed(), Duration::from_millis(110));
/// # }
/// ```
pub async fn hedge<F, Fut, T, E>(config: HedgeConfig, mut make: F) -> Result<T, RaceError<E>>
where
    F: FnMut(usize) -> Fut,
    Fut: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    let most = config.max_attempts.get();
    let end = match end_after(config.timeout) {
        Ok(end) => end,
        Err(error) => return Err(RaceError::Timeout(vec![error.into()])),
    };
    let mut crew = Crew::<Result<T, E>, usize>::new();
    let mut failures: Vec<Option<Failure<E>>> = Vec::new();
    loop {
        // One more each time round: at the beginning, after a failure, and after the delay.
        if failures.len() < most {
            let attempt = failures.len();
            failures.push(None);
            match catch(|| make(attempt)) {
                Ok(work) => crew.spawn(work, attempt, end),
                Err(panic) => {
                    failures[attempt] = Some(panic.into());
                    continue;
                }
            }
        }
        let next = (failures.len() < most)
            .then(|| Instant::now().checked_add(config.delay))
            .flatten();
        loop {
            let Some(event) = before(next, &mut crew).await else {
                break;
            };
            match event {
                None => {
                    return Err(RaceError::of(failures.into_iter().flatten().collect()));
                }
                Some((attempt, outcome)) => match Failure::of(outcome) {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => {
                        let is_timeout = failure.is_timeout();
                        failures[attempt] = Some(failure);
                        // After the end of all no further attempt is begun.
                        if !is_timeout && failures.len() < most {
                            break;
                        }
                    }
                },
            }
        }
    }
}

/// What became of one attempt.
type Told<T, E> = (usize, Result<Result<T, E>, TaskError>);

/// Waits for what becomes of an attempt: `None` when it is time for the next one, `Some(None)` when all are told.
async fn before<T: Send + 'static, E: Send + 'static>(
    next: Option<Instant>,
    crew: &mut Crew<Result<T, E>, usize>,
) -> Option<Option<Told<T, E>>> {
    let told = async {
        while crew.to_tell() > 0 {
            match crew.next().await? {
                Event::Done(attempt, outcome) => return Some((attempt, outcome)),
                Event::Late(attempt) => return Some((attempt, Err(TaskError::Timeout))),
                Event::Gone => {}
            }
        }
        None
    };
    let Some(next) = next else {
        return Some(told.await);
    };
    let (mut told, mut timer) = (pin!(told), pin!(sleep_until(next)));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(told) = told.as_mut().poll(cx) {
            return Poll::Ready(Some(told));
        }
        timer.as_mut().poll(cx).map(|()| None)
    })
    .await
}
