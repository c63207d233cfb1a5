//! Jobs for a pool of servers.

use std::future::Future;
use std::time::Duration;

use otp_core::{CallError, ExitReason, ReplyTo};

use crate::shared::now;
use crate::{Pool, ProcessError, Servers};

impl<Msg: Send + 'static> Pool<Servers<Msg>> {
    /// Has any worker do a job: checks one out, calls it, waits for the reply for 5 s at most, and gives it back.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future is safe. A worker that was already called finishes the job, and is not lent again: another one
    /// takes its place at once.
    ///
    /// # Errors
    ///
    /// [`ProcessError::Checkout`] if there is no worker in time, [`ProcessError::WorkerCrashed`] if it ends over the job,
    /// [`ProcessError::Call`] if it does not reply. A worker that did not reply in time is not lent again.
    ///
    /// # Examples
    ///
    /// See [`Servers`].
    #[track_caller]
    pub fn process<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> Msg,
    ) -> impl Future<Output = Result<T, ProcessError>> {
        let checkout = self.checkout();
        async move {
            let worker = checkout.await?;
            worker.call(request).await.map_err(of)
        }
    }

    /// Has any worker do a job, where checkout and reply together take `timeout` at most; otherwise as [`process`](Self::process).
    ///
    /// # Cancel safety
    ///
    /// As [`process`](Self::process).
    ///
    /// # Errors
    ///
    /// As [`process`](Self::process).
    #[track_caller]
    pub fn process_timeout<T: Send + 'static>(
        &self,
        request: impl FnOnce(ReplyTo<T>) -> Msg,
        timeout: Duration,
    ) -> impl Future<Output = Result<T, ProcessError>> {
        let checkout = self.checkout_timeout(timeout);
        async move {
            let begun = now();
            let worker = checkout.await?;
            let left = match timeout {
                Duration::MAX => timeout,
                _ => timeout.saturating_sub(now().saturating_duration_since(begun)),
            };
            worker.call_timeout(request, left).await.map_err(of)
        }
    }
}

fn of(error: CallError) -> ProcessError {
    match error {
        CallError::Exited(reason) => ProcessError::WorkerCrashed(reason),
        CallError::NoProc => ProcessError::WorkerCrashed(ExitReason::NoProc),
        error => ProcessError::Call(error),
    }
}
