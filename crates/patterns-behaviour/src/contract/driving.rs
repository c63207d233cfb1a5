//! Running futures side by side, in part, and with their panics caught; with a runtime or without.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use otp_core::contained::{Payload, catch};
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::BoxFuture;

/// Lets everything else run for once. Without a runtime too.
pub(super) async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if has_yielded {
            return Poll::Ready(());
        }
        has_yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Lets everything else run as often as what happens in this process needs.
pub(super) async fn settle() {
    for _ in 0..Patience::TURNS {
        yield_now().await;
    }
}

/// Runs all of them at the same time: each in a task of its own if there is a runtime, else in turns.
pub(super) async fn side_by_side<T: Send + 'static>(works: Vec<BoxFuture<'static, T>>) -> Vec<T> {
    if Handle::try_current().is_err() {
        return drive_in_turns(works).await;
    }
    let mut tasks: JoinSet<T> = works.into_iter().collect();
    let mut results = Vec::new();
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(result) => results.push(result),
            Err(ended) => {
                if let Ok(panic) = ended.try_into_panic() {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }
    results
}

/// Runs all of them in this task, each until it waits, then the next.
pub(super) async fn drive_in_turns<T>(works: Vec<BoxFuture<'static, T>>) -> Vec<T> {
    let mut works: Vec<_> = works.into_iter().map(Some).collect();
    let mut results = Vec::new();
    poll_fn(|cx| {
        for slot in &mut works {
            if let Some(work) = slot
                && let Poll::Ready(result) = work.as_mut().poll(cx)
            {
                results.push(result);
                *slot = None;
            }
        }
        match works.iter().all(Option::is_none) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    })
    .await;
    results
}

/// Polls a future so often, with everything else having its turn in between, and drops it. Tells whether it was done by then.
pub(super) async fn polled(work: impl Future, times: usize) -> bool {
    let mut work = pin!(work);
    for _ in 0..times {
        let is_done = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx).is_ready())).await;
        if is_done {
            return true;
        }
        yield_now().await;
    }
    false
}

/// Runs a future and drops it. A panic is the result, as a text, and so is taking longer than `limit`, where there is a runtime to tell the time.
pub(super) async fn contained<T>(work: BoxFuture<'_, T>, limit: Duration) -> Result<T, Arc<str>> {
    let mut work = work;
    let polled = poll_fn(|cx| match catch(|| work.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let result = match Handle::try_current() {
        Ok(_) if limit < Duration::MAX => timeout(limit, polled).await,
        _ => Ok(polled.await),
    };
    let dropped = drop_contained(work);
    match result {
        Ok(Ok(result)) => dropped.map(|()| result),
        Ok(Err(panic)) => Err(panicked(&panic)),
        Err(_) => Err(format!("did not end within {limit:?}").into()),
    }
}

fn drop_contained<T>(work: Pin<Box<dyn Future<Output = T> + Send + '_>>) -> Result<(), Arc<str>> {
    catch(|| drop(work)).map_err(|panic| panicked(&panic))
}

fn panicked(panic: &Payload) -> Arc<str> {
    format!("panicked: {}", panic.message()).into()
}

/// Waiting for something that can only be asked for again and again.
pub(super) struct Patience {
    limit: Duration,
    /// Where there is a runtime to tell the time.
    begun: Option<Instant>,
    turns: usize,
}

impl Patience {
    /// What has to happen in this process needs turns and no time.
    const TURNS: usize = 100;

    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            begun: Handle::try_current().is_ok().then(Instant::now),
            turns: 0,
        }
    }

    /// Waits a little. Tells whether it is worth asking once more.
    pub(super) async fn waits(&mut self) -> bool {
        self.turns += 1;
        let is_over = match self.begun {
            Some(begun) => begun.elapsed() >= self.limit,
            None => self.turns > Self::TURNS,
        };
        if !is_over {
            match self.begun {
                Some(_) if self.turns > Self::TURNS => sleep(Duration::from_millis(1)).await,
                _ => yield_now().await,
            }
        }
        !is_over
    }
}
