//! Updates that wait for something on their way.

use std::future::{Future, poll_fn};
use std::task::Poll;

use super::{Agent, answer};
use crate::core::Failure;
use crate::error::{AgentError, Fault};
use crate::server::{AgentMsg, Work};
use otp_core::ReplyTo;
use otp_core::contained::{Payload, catch, drop_contained};

impl<T: Clone + Send + Sync + 'static> Agent<T> {
    /// Changes the state by work that may wait: `change` gets a copy of it and returns the new one.
    ///
    /// It is one update as any other: until it is done, everything else that was sent to the agent waits, with its time
    /// running. A [`Reader`](crate::Reader) shows the state as it was before. What takes long and needs nobody to wait is better done
    /// outside, and brought in by [`compare_and_update`](Agent::compare_and_update).
    ///
    /// # Cancel safety
    ///
    /// As [`update`](Agent::update): also when nobody waits any more, the work is done to its end.
    ///
    /// # Errors
    ///
    /// See [`AgentError`]. If the work asks this same agent, that call fails with [`AgentError::CallingSelf`].
    ///
    /// # Examples
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use patterns_agent::Agent;
    /// let pages = Agent::start(Vec::<String>::new).await?;
    /// pages
    ///     .update_async(|mut pages| async move {
    ///         pages.push(fetch("index").await);
    ///         pages
    ///     })
    ///     .await?;
    /// assert_eq!(pages.get(|pages| pages.len()).await?, 1);
    /// # Ok(())
    /// # }
    /// # async fn fetch(page: &str) -> String { page.to_owned() }
    /// ```
    pub async fn update_async<W>(
        &self,
        change: impl FnOnce(T) -> W + Send + 'static,
    ) -> Result<(), AgentError>
    where
        W: Future<Output = T> + Send + 'static,
    {
        self.get_and_update_async(move |state| {
            let work = change(state);
            async move { ((), work.await) }
        })
        .await
    }

    /// Changes the state by work that may wait, and returns a result: the work ends with the result and the new state.
    ///
    /// Otherwise as [`update_async`](Agent::update_async).
    ///
    /// # Cancel safety
    ///
    /// As [`update_async`](Agent::update_async).
    ///
    /// # Errors
    ///
    /// As [`update_async`](Agent::update_async).
    pub async fn get_and_update_async<R, W>(
        &self,
        change: impl FnOnce(T) -> W + Send + 'static,
    ) -> Result<R, AgentError>
    where
        R: Send + 'static,
        W: Future<Output = (R, T)> + Send + 'static,
    {
        let request = |reply| {
            AgentMsg::new(move |core| {
                let begun = core.copied(Some(T::clone)).and_then(|state| {
                    catch(|| change(state)).map_err(|payload| core.panicked(payload))
                });
                match begun {
                    Ok(work) => {
                        let work: Work<T> = Box::pin(finish(work, reply));
                        Some(work)
                    }
                    Err(failure) => answer(Err(failure), reply),
                }
            })
        };
        Ok(self.server.call_timeout(request, self.timeout).await??)
    }
}

/// Does the work, and makes of its end the job that brings the new state in.
async fn finish<T, R, W>(work: W, reply: ReplyTo<Result<R, Box<Fault>>>) -> AgentMsg<T>
where
    T: Send + 'static,
    R: Send + 'static,
    W: Future<Output = (R, T)> + Send + 'static,
{
    let done = contained(work).await;
    AgentMsg::new(move |core| {
        let outcome: Result<R, Failure> = match done {
            Ok((result, state)) => core.adopt(state, result),
            Err(payload) => Err(core.panicked(payload)),
        };
        answer(outcome, reply)
    })
}

/// The outcome of `work`, or what its panic carries. Its drop is contained too.
async fn contained<W: Future>(work: W) -> Result<W::Output, Payload> {
    let mut work = Box::pin(work);
    let done = poll_fn(|cx| match catch(|| work.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(payload) => Poll::Ready(Err(payload)),
    })
    .await;
    drop_contained(work);
    done
}
