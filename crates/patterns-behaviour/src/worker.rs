//! The process that works off a line.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use otp_core::{ExitReason, StopToken};
use tokio::task::coop::consume_budget;

use crate::in_hand::Deliver;
use crate::line::Line;

/// Delivers until it is told to stop. A panic of the implementation is the end of the process: its supervisor starts the next one.
pub(crate) async fn work<D: ?Sized, M, T, E>(
    line: Arc<Line<D, M, T, E>>,
    deliver: Arc<Deliver<D, M, T, E>>,
    stop: StopToken,
) -> Result<(), ExitReason> {
    let mut stop = pin!(stop.requested());
    let Some(_seat) = unless(stop.as_mut(), line.seat()).await else {
        return Ok(());
    };
    let mut made = None;
    loop {
        let Some(mut in_hand) = unless(stop.as_mut(), line.next()).await else {
            return Ok(());
        };
        let done = unless(
            stop.as_mut(),
            in_hand.see_through(deliver.as_ref(), &mut made),
        )
        .await;
        match done {
            // What is in hand goes back to the line.
            None => return Ok(()),
            Some(Ok(())) => {}
            Some(Err(panic)) => {
                drop(in_hand);
                // The panic hook has reported it.
                panic.resume();
            }
        }
        // Implementations that never wait would keep everything else from running.
        consume_budget().await;
    }
}

/// Waits for `work`; `None` if `stop` comes first.
async fn unless<R>(
    mut stop: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = R>,
) -> Option<R> {
    let mut work = pin!(work);
    poll_fn(|cx| {
        if stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(None);
        }
        work.as_mut().poll(cx).map(Some)
    })
    .await
}
