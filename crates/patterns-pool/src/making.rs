//! Making a member, and finding out whether one is well: the program's own code, within its limits.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use otp_core::Pid;
use otp_core::backoff::chance;
use otp_core::contained::{catch, catch_future};

use crate::ledger::{Key, Start};
use crate::limited::within;
use crate::shared::{Shared, now};
use crate::sync::Arc;
use crate::{CreateError, Manager};

/// A member that was made, and is the pool's.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) id: u64,
    /// Where it is, and its process, if it is one and the pool had use for it.
    pub(crate) process: Option<(Key, Pid)>,
}

impl<M: Manager> Shared<M> {
    /// Makes a member and hands it to the ledger, which gives it to the first who waits.
    pub(crate) async fn make(self: Arc<Self>, start: Start) -> Result<Made, CreateError> {
        let manager = &self.manager;
        let work = catch_future(async { manager.create(start.id).await });
        let limit = self.config.create_timeout;
        let member = match within(limit, || None, work).await {
            None => return Err(CreateError::Timeout),
            Some(Err(panic)) => return Err(CreateError::Panicked(panic.message())),
            Some(Ok(Err(error))) => return Err(CreateError::Failed(Arc::from(error.into()))),
            Some(Ok(Ok(member))) => member,
        };
        let pid = catch(|| manager.pid(&member))
            .map_err(|panic| CreateError::Panicked(panic.message()))?;
        let (now, chance) = (now(), chance());
        let process = pid.clone();
        let key = self.with(|ledger| ledger.started(start, member, process, now, chance));
        Ok(Made {
            id: start.id,
            process: key.zip(pid),
        })
    }

    /// Tells whether a member is well, within its time. A check that panics or takes too long says no.
    pub(crate) async fn is_well(&self, member: &mut M::Member) -> bool {
        let mut check = pin!(async { self.manager.check(member).await });
        // Most often it is done at once, and then it has cost no more than that.
        let first = poll_fn(|cx| Poll::Ready(catch(|| check.as_mut().poll(cx)))).await;
        match first {
            Ok(Poll::Ready(outcome)) => outcome.is_ok(),
            Err(_) => false,
            Ok(Poll::Pending) => {
                let limit = self.config.check_timeout;
                let outcome = within(limit, || self.runtime(), catch_future(check)).await;
                matches!(outcome, Some(Ok(Ok(()))))
            }
        }
    }
}
